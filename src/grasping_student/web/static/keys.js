// Which key does what. Shift always means the larger step.

export const FINE_TURN = Math.PI / 64;
export const COARSE_TURN = Math.PI / 8;
export const COARSE_METRES = 0.01;
const ZOOM_STEP = 1.25;

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const ACTIONS = { s: "skip", n: "nothing", u: "undo", backspace: "undo", r: "retry", "?": "help", h: "help" };

// What a key press asks for, as [name, ...arguments], or null if it is none of ours.
export function commandOf(event, recorded) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if ((event.ctrlKey || event.metaKey) && key === "z") return ["act", "undo"];
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const turn = event.shiftKey ? COARSE_TURN : FINE_TURN;
  if (key === "q" || key === "[" || key === "{") return ["turn", turn];
  if (key === "e" || key === "]" || key === "}") return ["turn", -turn];
  if (key in ARROWS) return ["nudge", ...ARROWS[key], event.shiftKey];
  if (/^[1-9]$/.test(key)) return ["take", Number(key) - 1];
  if (key === "+" || key === "=") return ["zoomBy", ZOOM_STEP];
  if (key === "-" || key === "_") return ["zoomBy", 1 / ZOOM_STEP];
  if (key === "0") return ["fit"];
  if (key === "v") return ["cycleView"];
  if (key === "Escape") return ["clear"];
  if (recorded && (key === "g" || key === "b")) return ["act", key === "g" ? "good" : "bad"];
  if (recorded && (key === "Enter" || key === " ")) return ["tell", "Nobody tries this grasp: press G for good or B for bad"];
  if (recorded && (key === "p" || key === "f")) return ["act", key === "p" ? "previous" : "next"];
  if (!recorded && (key === "Enter" || key === " ")) return ["act", "execute"];
  const action = ACTIONS[key.toLowerCase()];
  return action ? ["act", action] : null;
}

// Typing, open dialogs and buttons with the focus keep their keys. A dialog that is fading away is no longer open.
export function isForUs(event) {
  const target = event.target;
  if (document.querySelector('.q-dialog__inner:not([class*="leave-active"])')) return false;
  if (target.closest?.("input, textarea, select, [contenteditable]")) return false;
  return !(target.closest?.("button, a, [role=button]") && ["Enter", " "].includes(event.key));
}

// Whether a click came from a pointer and hit a button of the page: Enter shall mean execute then, not that button again.
export function leavesKeysBehind(event) {
  return event.detail > 0 && !!event.target.closest?.(".labelling-main button, .labelling-header button");
}

// What changes neither grasp nor dataset is done at once, also while a label is saved.
export function isAtOnce([name, value]) {
  return ["cycleView", "zoomBy", "fit", "tell"].includes(name) || value === "help";
}
