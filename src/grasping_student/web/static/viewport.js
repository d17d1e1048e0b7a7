// The part of the scene that the canvas shows. The scene is a square of ``zoom`` canvas sides, and its corner lies
// ``left`` and ``top`` beyond the canvas's; it covers the canvas always. All lengths are in canvas sides.

export const WHOLE = Object.freeze({ zoom: 1, left: 0, top: 0 });
const MOST_ZOOM = 12;
const RIM = 0.12; // distance from the border at which a gripper that is moved by keys is brought back

const limit = (value, low, high) => Math.max(low, Math.min(high, value));

function covering({ zoom, left, top }) {
  return { zoom, left: limit(left, 0, zoom - 1), top: limit(top, 0, zoom - 1) };
}

// The point (x, y) of the canvas keeps its place.
export function zoomedAbout(view, x, y, factor) {
  const zoom = limit(view.zoom * factor, 1, MOST_ZOOM);
  const ratio = zoom / view.zoom;
  return covering({ zoom, left: (view.left + x) * ratio - x, top: (view.top + y) * ratio - y });
}

export function movedBy(view, x, y) {
  return covering({ ...view, left: view.left - x, top: view.top - y });
}

// Moved as little as shows a point of the scene, given in sides of the whole scene.
export function including(view, x, y) {
  const [across, down] = [x * view.zoom, y * view.zoom];
  const left = limit(view.left, across - 1 + RIM, across - RIM);
  const top = limit(view.top, down - 1 + RIM, down - RIM);
  return covering({ zoom: view.zoom, left, top });
}

export function wheelFactor(event) {
  const lines = event.deltaMode === 1 ? 30 : 1;
  return Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)); // a trackpad's pinch is a wheel with Control
}

// Two fingers: their middle and distance, in canvas sides.
export function pinchOf([a, b]) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.max(Math.hypot(a.x - b.x, a.y - b.y), 1e-3) };
}

export function pinched(view, before, now) {
  const zoomed = zoomedAbout(view, before.x, before.y, now.distance / before.distance);
  return movedBy(zoomed, now.x - before.x, now.y - before.y);
}
