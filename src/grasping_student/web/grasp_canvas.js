// The scene to click on: holds the grasp being drawn, so that no movement of the pointer or key waits for the server.
import { commandOf, COARSE_METRES, FINE_TURN, isForUs, leavesKeysBehind } from "grasping-student-canvas/keys.js";
import { baseLayer, drawGripper, drawScene, drawSuggestion, gripperGeometry, heightPixels } from "grasping-student-canvas/drawing.js";
import { decodeHeight, footprint, isGraspable, wrapAngle } from "grasping-student-canvas/footprint.js";
import { hintText, readouts, spoken } from "grasping-student-canvas/words.js";

const VIEWS = ["height", "colour", "both"];
const CLICK_SLACK = 8; // pointer travel in CSS pixels that still is a click
const HANDLE_REACH = 24; // distance in CSS pixels from which the handle can be taken, sized for a finger

export default {
  template: `
    <div class="grasp-canvas" :class="{ locked: locked || !!busy }">
      <canvas ref="canvas" tabindex="0" role="application" aria-label="Scene from above. Arrow keys move the gripper, Q and E turn it, question mark lists all keys."></canvas>
      <div class="grasp-busy" v-if="busy || note" role="status">
        <span class="grasp-spinner" v-if="busy"></span>{{ busy || note }}<span v-if="waiting">{{ waiting }} key{{ waiting > 1 ? "s" : "" }} typed ahead</span>
      </div>
      <div class="grasp-spoken" aria-live="polite">{{ words }}</div>
    </div>`,
  props: { recorded: Boolean, storage: String, suggests: Boolean, typeAhead: Boolean },
  emits: ["ready", "act", "view", "help"],
  data: () => ({ busy: "", locked: false, words: "", note: "", waiting: 0 }),
  created() {
    // kept out of Vue's reactivity: these change with every movement
    Object.assign(this, { scene: null, grasp: null, suggestions: [], from: null, view: "height", layer: null, drag: null });
    // keys typed while a label is saved, and whether one of our actions has no answer yet
    Object.assign(this, { typed: [], unanswered: false, modelLooks: false });
  },
  mounted() {
    const canvas = this.$refs.canvas;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => (this.drag = null));
    canvas.addEventListener("pointercancel", () => (this.drag = null));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.onKey = (event) => this.key(event);
    window.addEventListener("keydown", this.onKey);
    this.onClick = (event) => leavesKeysBehind(event) && canvas.focus({ preventScroll: true });
    window.addEventListener("click", this.onClick);
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.$el);
    this.$emit("ready", {});
  },
  unmounted() {
    window.removeEventListener("keydown", this.onKey);
    window.removeEventListener("click", this.onClick);
    this.sizes.disconnect();
  },
  methods: {
    showScene(payload) {
      const palette = Uint8Array.from(atob(payload.palette), (letter) => letter.charCodeAt(0));
      const height = decodeHeight(payload.height, payload.pixels, payload.height_offset, payload.height_unit);
      const scene = { ...payload, palette, height };
      scene.heightPicture = heightPixels(scene);
      const picture = new Image();
      picture.onload = () => {
        scene.colourPicture = picture;
        this.setView(this.view);
      };
      picture.src = payload.rgb;
      if (this.scene && this.scene.number !== scene.number) sessionStorage.removeItem(this.draftKey());
      this.scene = scene;
      this.suggestions = [];
      this.modelLooks = this.suggests;
      const kept = sessionStorage.getItem(this.draftKey());
      const draft = kept === null ? payload.draft : JSON.parse(kept);
      this.grasp = draft ? { heading: draft.angle, ...draft } : null;
      this.from = null;
      this.setView(this.view);
    },
    showSuggestions(number, suggestions) {
      if (!this.scene || this.scene.number !== number) return;
      this.suggestions = suggestions;
      this.modelLooks = false;
      this.draw();
      this.applyTyped();
    },
    setView(view) {
      this.view = view;
      if (!this.scene) return;
      this.layer = baseLayer(this.scene, view);
      this.draw();
    },
    cycleView() {
      this.setView(VIEWS[(VIEWS.indexOf(this.view) + 1) % VIEWS.length]);
      this.$emit("view", { view: this.view });
    },
    setBusy(text) {
      this.busy = text;
      this.applyTyped();
    },
    setLocked(locked) {
      this.locked = locked;
      if (locked) this.dropTyped();
    },
    // ---- keys typed ahead: done in order, each on the scene that is there when its turn comes
    acted() {
      this.unanswered = false;
      this.applyTyped();
    },
    mustWait([name]) {
      return !!this.busy || this.unanswered || (name === "take" && this.modelLooks);
    },
    applyTyped() {
      while (this.typed.length && !this.mustWait(this.typed[0])) {
        const [name, ...values] = this.typed.shift();
        this[name](...values);
      }
      this.waiting = this.typed.length;
    },
    dropTyped() {
      if (this.typed.length) this.tell(`The ${this.typed.length} keys typed ahead were not applied`);
      this.typed = [];
      this.waiting = 0;
    },
    tell(text) {
      this.note = this.words = text;
      clearTimeout(this.noteEnd);
      this.noteEnd = setTimeout(() => (this.note = ""), 4000);
    },
    draftKey() {
      return `grasp:${this.storage}:${this.scene.number}`;
    },
    // ---- changing the grasp
    set(change) {
      if (this.locked || this.busy || !this.scene) return;
      const before = this.grasp || this.firstGrasp();
      const heading = change.heading ?? before.heading;
      const limit = (value) => Math.max(0, Math.min(this.scene.pixels - 1, value));
      this.grasp = {
        row: limit(change.row ?? before.row),
        col: limit(change.col ?? before.col),
        angle: wrapAngle(heading),
        heading,
      };
      sessionStorage.setItem(this.draftKey(), JSON.stringify(this.grasp));
      this.draw();
    },
    firstGrasp() {
      const { pixels, height } = this.scene;
      let best = Math.floor(pixels / 2) * (pixels + 1);
      height.forEach((value, i) => {
        const inside = isGraspable(this.scene, Math.floor(i / pixels), i % pixels);
        if (inside && (Number.isNaN(height[best]) || value > height[best])) best = i;
      });
      return { row: Math.floor(best / pixels), col: best % pixels, angle: 0, heading: 0 };
    },
    turn(by) {
      const before = this.grasp || (this.scene && this.firstGrasp());
      if (before) this.set({ heading: before.heading + by });
    },
    nudge(rows, cols, far) {
      const before = this.grasp || (this.scene && this.firstGrasp());
      if (!before) return;
      const step = far ? Math.max(2, Math.round((COARSE_METRES / this.scene.extent) * this.scene.pixels)) : 1;
      this.set(this.grasp ? { row: before.row + rows * step, col: before.col + cols * step } : {});
    },
    take(position) {
      const suggestion = this.suggestions[position];
      if (!suggestion || this.locked || this.busy) return;
      this.from = position;
      this.set({ row: suggestion.row, col: suggestion.col, heading: suggestion.angle });
    },
    clear() {
      if (!this.scene) return;
      sessionStorage.setItem(this.draftKey(), "null");
      this.grasp = this.from = null;
      this.draw();
    },
    act(action) {
      if (action === "help") return this.$emit("help", {});
      if (this.locked || this.busy || (!this.scene && action !== "recover")) return;
      const needsGrasp = ["execute", "good", "bad"].includes(action);
      if (needsGrasp && (!this.grasp || !isGraspable(this.scene, this.grasp.row, this.grasp.col))) {
        this.tell(this.grasp ? hintText(footprint(this.scene, this.scene.gripper, this.grasp))[1] : "Choose a point first");
        this.flash();
        return;
      }
      this.busy = "sending";
      this.unanswered = true;
      const grasp = this.grasp && { row: this.grasp.row, col: this.grasp.col, angle: this.grasp.angle };
      this.$emit("act", { action, scene: this.scene?.number ?? -1, grasp, suggestion: this.from });
    },
    flash() {
      for (const element of document.querySelectorAll("[data-hint]")) {
        element.animate([{ transform: "translateX(-5px)" }, { transform: "translateX(5px)" }, {}], { duration: 160, iterations: 2 });
      }
    },
    // ---- pointer and keys
    point(event) {
      const box = this.$refs.canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top, box.width];
    },
    press(event) {
      if (event.button !== 0 || !this.scene || this.drag) return;
      const [x, y, side] = this.point(event);
      this.$refs.canvas.setPointerCapture(event.pointerId);
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
      if (!this.drag || !this.grasp) return;
      const [x, y, side] = this.point(event);
      if (!this.drag.turning && Math.hypot(x - this.drag.x, y - this.drag.y) <= CLICK_SLACK) return;
      this.drag.turning = true;
      this.stamp = event.timeStamp;
      const [cx, cy] = gripperGeometry(this.scene, side, this.grasp).centre;
      this.set({ heading: Math.atan2(cy - y, x - cx) });
    },
    wheel(event) {
      if (!this.grasp) return;
      event.preventDefault();
      this.stamp = event.timeStamp;
      this.turn(event.deltaY < 0 ? FINE_TURN : -FINE_TURN);
    },
    key(event) {
      if (!isForUs(event)) return;
      const command = commandOf(event, this.recorded);
      if (!command) return;
      event.preventDefault();
      if (event.repeat && command[0] === "act") return;
      this.stamp = event.timeStamp;
      const [name, ...values] = command;
      if (name === "cycleView" || values[0] === "help" || this.locked) return this[name](...values);
      if (!this.typed.length && !this.mustWait(command)) return this[name](...values);
      if (!this.typeAhead) return this.tell("The robot is at work: this key was not applied");
      if (!event.repeat) this.typed.push(command);
      this.waiting = this.typed.length;
    },
    // ---- drawing
    draw() {
      if (this.frame) return;
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.redraw();
      });
    },
    redraw() {
      const canvas = this.$refs.canvas;
      const side = canvas?.clientWidth;
      if (!this.scene || !side) return;
      const ratio = window.devicePixelRatio || 1;
      if (canvas.width !== Math.round(side * ratio)) canvas.width = canvas.height = Math.round(side * ratio);
      const context = canvas.getContext("2d");
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      drawScene(context, this.scene, this.layer, side);
      this.suggestions.forEach((s, i) => drawSuggestion(context, this.scene, side, s, i + 1, i === this.from));
      this.print = this.grasp && footprint(this.scene, this.scene.gripper, this.grasp);
      if (this.grasp) drawGripper(context, this.scene, side, this.grasp, this.print);
      this.report();
      if (this.stamp) {
        const detail = { event: this.stamp, drawn: performance.now() };
        this.stamp = 0;
        canvas.dispatchEvent(new CustomEvent("grasp-drawn", { detail, bubbles: true }));
      }
    },
    report() {
      const grasp = this.grasp;
      const state = { scene: this.scene.number, ...grasp, hint: this.print?.hint ?? "none", suggestion: this.from, ...this.print };
      this.$el.dataset.state = JSON.stringify(state, (_, value) => (Number.isNaN(value) ? null : value));
      for (const [name, text] of Object.entries(readouts(this.scene, grasp, this.print))) {
        for (const element of document.querySelectorAll(`[data-readout="${name}"]`)) element.textContent = text;
      }
      const [mark, text] = grasp ? hintText(this.print) : ["\u2022", "Click a point, then drag to turn the gripper"];
      for (const element of document.querySelectorAll("[data-hint]")) {
        element.dataset.hint = this.print?.hint ?? "none";
        element.querySelector("[data-mark]").textContent = mark;
        element.querySelector("[data-text]").textContent = text;
      }
      clearTimeout(this.speech);
      this.speech = setTimeout(() => (this.words = spoken(grasp, this.print)), 500);
    },
  },
};
