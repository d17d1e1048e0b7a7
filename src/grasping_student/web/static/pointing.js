// Pointer, touch and wheel on the canvas, and the part of the scene that it shows: methods of the canvas's component.
import { gripperGeometry } from "./drawing.js";
import { FINE_TURN } from "./keys.js";
import { including, movedBy, pinched, pinchOf, wheelFactor, WHOLE, zoomedAbout } from "./viewport.js";

const CLICK_SLACK = 8; // pointer travel in CSS pixels that still is a click
const HANDLE_REACH = 24; // distance in CSS pixels from which the handle can be taken, sized for a finger

export const pointing = {
  // ---- the part of the scene that is shown
  show(viewport) {
    this.viewport = viewport;
    this.zoom = viewport.zoom;
    this.draw();
  },
  fit() {
    this.show(WHOLE);
  },
  zoomBy(factor) {
    const about = this.grasp ? this.placeOnCanvas(this.grasp) : [0.5, 0.5];
    this.show(zoomedAbout(this.viewport, ...about, factor));
  },
  follow() {
    if (this.grasp) this.show(including(this.viewport, ...this.placeInScene(this.grasp)));
  },
  placeInScene({ row, col }) {
    return [(col + 0.5) / this.scene.pixels, (row + 0.5) / this.scene.pixels];
  },
  placeOnCanvas(grasp) {
    const [x, y] = this.placeInScene(grasp);
    return [x * this.viewport.zoom - this.viewport.left, y * this.viewport.zoom - this.viewport.top];
  },
  // ---- pointer
  onCanvas(event) {
    const box = this.$refs.canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.width };
  },
  // Place on the drawing of the whole scene and the side of that drawing, CSS pixels.
  point(event) {
    const { x, y } = this.onCanvas(event);
    const side = this.$refs.canvas.clientWidth;
    return [(x + this.viewport.left) * side, (y + this.viewport.top) * side, side * this.viewport.zoom];
  },
  press(event) {
    if (!this.scene) return;
    this.$refs.canvas.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") this.fingers.set(event.pointerId, this.onCanvas(event));
    if (this.fingers.size === 2) {
      if (this.drag) this.put(this.earlier[1]); // the first finger meant no grasp
      this.drag = null;
      this.pinch = pinchOf([...this.fingers.values()]);
    } else if (event.button !== 0) {
      this.pan = this.onCanvas(event);
      event.preventDefault();
    } else if (!this.drag && !this.pinch) {
      this.earlier = [this.earlier[1], this.grasp];
      this.grab(event);
    }
  },
  grab(event) {
    const [x, y, side] = this.point(event);
    this.stamp = event.timeStamp;
    const shape = this.grasp && gripperGeometry(this.scene, side, this.grasp);
    const near = (place, reach) => shape && Math.hypot(place[0] - x, place[1] - y) <= reach;
    this.drag = { x, y, turning: near(shape?.handle, HANDLE_REACH) };
    if (this.drag.turning || near(shape?.centre, CLICK_SLACK)) return;
    const chosen = this.suggestions.findIndex((s) => {
      const [cx, cy] = gripperGeometry(this.scene, side, { ...s, heading: s.angle }).centre;
      return Math.hypot(cx - x, cy - y) <= 12;
    });
    if (chosen >= 0) return this.take(chosen);
    const pixel = (value) => Math.floor((value / side) * this.scene.pixels);
    this.set({ row: pixel(y), col: pixel(x) });
  },
  move(event) {
    const now = this.onCanvas(event);
    if (this.fingers.has(event.pointerId)) this.fingers.set(event.pointerId, now);
    if (this.pinch && this.fingers.size === 2) {
      const before = this.pinch;
      this.pinch = pinchOf([...this.fingers.values()]);
      return this.show(pinched(this.viewport, before, this.pinch));
    }
    if (this.pan) {
      this.show(movedBy(this.viewport, now.x - this.pan.x, now.y - this.pan.y));
      this.pan = now;
      return;
    }
    if (!this.drag || !this.grasp) return;
    const [x, y, side] = this.point(event);
    if (!this.drag.turning && Math.hypot(x - this.drag.x, y - this.drag.y) <= CLICK_SLACK) return;
    this.drag.turning = true;
    this.stamp = event.timeStamp;
    const [cx, cy] = gripperGeometry(this.scene, side, this.grasp).centre;
    this.set({ heading: Math.atan2(cy - y, x - cx) });
  },
  release(event) {
    this.fingers.delete(event.pointerId);
    this.drag = this.pan = null;
    if (!this.fingers.size) this.pinch = null;
  },
  wheel(event) {
    event.preventDefault();
    if (!event.shiftKey) {
      const { x, y } = this.onCanvas(event);
      return this.show(zoomedAbout(this.viewport, x, y, wheelFactor(event)));
    }
    this.stamp = event.timeStamp;
    this.turn((event.deltaY || event.deltaX) < 0 ? FINE_TURN : -FINE_TURN);
  },
};
