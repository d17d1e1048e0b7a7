// What the open gripper meets at a grasp. The same as footprint.py, here so that a drag needs no round trip.
// World frame: metres, x right, y up, origin at the centre. scene.height holds metres, NaN where unmeasured.

export function decodeHeight(base64, pixels, offset, unit) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const height = new Float64Array(pixels * pixels);
  for (let i = 0; i < height.length; i++) {
    const value = view.getUint16(2 * i, true);
    height[i] = value === 65535 ? NaN : value * unit + offset;
  }
  return height;
}

export function xyOfPixel(scene, row, col) {
  const size = scene.extent / scene.pixels;
  return [-scene.extent / 2 + (col + 0.5) * size, scene.extent / 2 - (row + 0.5) * size];
}

export function pixelOfXy(scene, x, y) {
  const size = scene.extent / scene.pixels;
  return [Math.floor((scene.extent / 2 - y) / size), Math.floor((x + scene.extent / 2) / size)];
}

export function wrapAngle(angle) {
  const wrapped = ((angle % Math.PI) + Math.PI) % Math.PI;
  return wrapped >= Math.PI ? 0 : wrapped;
}

export function isGraspable(scene, row, col) {
  const low = scene.margin;
  const high = scene.pixels - scene.margin;
  return row >= low && row < high && col >= low && col < high;
}

function heightAt(scene, row, col) {
  if (row < 0 || col < 0 || row >= scene.pixels || col >= scene.pixels) return NaN;
  return scene.height[row * scene.pixels + col];
}

export function tipHeight(scene, gripper, row, col) {
  let sum = 0;
  let count = 0;
  for (let r = row - 1; r <= row + 1; r++) {
    for (let c = col - 1; c <= col + 1; c++) {
      const value = heightAt(scene, r, c);
      if (!Number.isNaN(value)) {
        sum += value;
        count += 1;
      }
    }
  }
  return Math.max((count ? sum / count : 0) - gripper.finger_depth, gripper.clearance);
}

function offsets(size, step) {
  const count = Math.ceil(size / step) + 1;
  return Array.from({ length: count }, (_, i) => -size / 2 + (size * i) / Math.max(count - 1, 1));
}

function highest(scene, grasp, away, along, across) {
  const [x, y] = xyOfPixel(scene, grasp.row, grasp.col);
  const cos = Math.cos(grasp.angle);
  const sin = Math.sin(grasp.angle);
  const step = scene.extent / scene.pixels / 2;
  let best = NaN;
  for (const offset of offsets(along, step)) {
    const u = offset + away;
    for (const v of offsets(across, step)) {
      const [row, col] = pixelOfXy(scene, x + cos * u - sin * v, y + sin * u + cos * v);
      const value = heightAt(scene, row, col);
      if (!(value <= best) && !Number.isNaN(value)) best = value;
    }
  }
  return best;
}

function hintOf(tip, a, b, between, inside, touch) {
  if (!inside) return "outside";
  const hitsA = a > tip + touch;
  const hitsB = b > tip + touch;
  if (hitsA && hitsB) return "both-fingers-hit";
  if (hitsA) return "finger-a-hits";
  if (hitsB) return "finger-b-hits";
  if (!(between > tip + touch)) return "nothing-between";
  return Number.isNaN(a) || Number.isNaN(b) ? "unmeasured" : "clear";
}

export function footprint(scene, gripper, grasp) {
  const away = (gripper.opening + gripper.finger_thickness) / 2;
  const tip = tipHeight(scene, gripper, grasp.row, grasp.col);
  const a = highest(scene, grasp, -away, gripper.finger_thickness, gripper.finger_width);
  const b = highest(scene, grasp, away, gripper.finger_thickness, gripper.finger_width);
  const between = highest(scene, grasp, 0, gripper.opening, gripper.finger_width);
  const inside = isGraspable(scene, grasp.row, grasp.col);
  return { tip, a, b, between, hint: hintOf(tip, a, b, between, inside, gripper.touch) };
}
