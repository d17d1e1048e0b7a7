// The scene to click on: holds the grasp being drawn, so that no movement of the pointer or key waits for the server.
import { COARSE_METRES, leavesKeysBehind } from "grasping-student-canvas/keys.js";
import { baseLayer, drawGripper, drawScene, drawSuggestion, heightPixels } from "grasping-student-canvas/drawing.js";
import { drawLegend } from "grasping-student-canvas/legend.js";
import { decodeHeight, footprint, isGraspable, wrapAngle } from "grasping-student-canvas/footprint.js";
import { pointing } from "grasping-student-canvas/pointing.js";
import { typing } from "grasping-student-canvas/typing.js";
import { WHOLE } from "grasping-student-canvas/viewport.js";
import { hintText, readouts, spoken } from "grasping-student-canvas/words.js";

const VIEWS = ["height", "colour", "both"];

export default {
  template: `
    <div class="grasp-canvas" :class="{ locked: locked || !!busy }">
      <canvas ref="canvas" tabindex="0" role="application" aria-label="Scene from above. Arrow keys move the gripper, Q and E turn it, question mark lists all keys."></canvas>
      <div class="grasp-busy" v-if="busy || note" role="status">
        <span class="grasp-spinner" v-if="busy"></span>{{ busy || note }}<span v-if="waiting">{{ waiting }} key{{ waiting > 1 ? "s" : "" }} typed ahead</span>
      </div>
      <button class="grasp-fit" v-if="zoom > 1" type="button" @click="fit" aria-label="Show the whole scene">{{ zoom.toFixed(1) }} \u00d7 <b>fit</b></button>
      <div class="grasp-spoken" aria-live="polite">{{ words }}</div>
    </div>`,
  props: { recorded: Boolean, storage: String, suggests: Boolean, typeAhead: Boolean },
  emits: ["ready", "act", "view", "help"],
  data: () => ({ busy: "", locked: false, words: "", note: "", waiting: 0, zoom: 1 }),
  created() {
    // kept out of Vue's reactivity: these change with every movement
    Object.assign(this, { scene: null, grasp: null, suggestions: [], from: null, view: "height", layer: null, drag: null });
    // the part of the scene that is shown, fingers on the screen, and the grasps before the last two presses
    Object.assign(this, { viewport: WHOLE, fingers: new Map(), pinch: null, pan: null, earlier: [null, null] });
    // keys typed while a label is saved, and whether one of our actions has no answer yet
    Object.assign(this, { typed: [], unanswered: false, modelLooks: false, done: false });
  },
  mounted() {
    const canvas = this.$refs.canvas;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.release(event));
    canvas.addEventListener("dblclick", () => this.viewport.zoom > 1 && (this.put(this.earlier[0]), this.fit()));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
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
    ...pointing,
    ...typing,
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
      if (this.scene?.number !== scene.number) this.show(WHOLE);
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
    setDone(done) {
      this.done = done;
    },
    setLocked(locked) {
      this.locked = locked;
      if (locked) this.dropTyped();
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
      const [row, col] = [limit(change.row ?? before.row), limit(change.col ?? before.col)];
      this.put({ row, col, angle: wrapAngle(heading), heading });
    },
    put(grasp) {
      this.grasp = grasp;
      sessionStorage.setItem(this.draftKey(), JSON.stringify(grasp));
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
      this.follow();
    },
    take(position) {
      const suggestion = this.suggestions[position];
      if (!suggestion || this.locked || this.busy) return;
      this.from = position;
      this.set({ row: suggestion.row, col: suggestion.col, heading: suggestion.angle });
      this.follow();
    },
    clear() {
      if (!this.scene) return;
      this.from = null;
      this.put(null);
    },
    act(action) {
      if (action === "help") return this.$emit("help", {});
      if (this.locked || this.busy || (!this.scene && action !== "recover")) return;
      if (this.done && ["good", "bad", "nothing", "skip"].includes(action)) {
        return this.tell("Every scene is judged: choose one in the list to label it once more");
      }
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
      const { zoom, left, top } = this.viewport;
      const whole = side * zoom;
      context.setTransform(ratio, 0, 0, ratio, -left * side * ratio, -top * side * ratio);
      drawScene(context, this.scene, this.layer, whole);
      this.suggestions.forEach((s, i) => drawSuggestion(context, this.scene, whole, s, i + 1, i === this.from));
      this.print = this.grasp && footprint(this.scene, this.scene.gripper, this.grasp);
      if (this.grasp) drawGripper(context, this.scene, whole, this.grasp, this.print);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      drawLegend(context, this.scene, side, zoom, this.view !== "colour");
      this.report();
      if (this.stamp) {
        const detail = { event: this.stamp, drawn: performance.now() };
        this.stamp = 0;
        canvas.dispatchEvent(new CustomEvent("grasp-drawn", { detail, bubbles: true }));
      }
    },
    report() {
      const grasp = this.grasp;
      const state = { scene: this.scene.number, ...grasp, hint: this.print?.hint ?? "none", suggestion: this.from, viewport: this.viewport, ...this.print };
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
