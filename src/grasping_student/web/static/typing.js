// Keys typed while a label is saved, done in order, each on the scene that is there when its turn comes: methods of the
// canvas's component.
import { commandOf, isAtOnce, isForUs } from "./keys.js";

export const typing = {
  key(event) {
    if (!isForUs(event)) return;
    const command = commandOf(event, this.recorded);
    if (!command) return;
    event.preventDefault();
    if (event.repeat && command[0] === "act") return;
    this.stamp = event.timeStamp;
    const [name, ...values] = command;
    if (isAtOnce(command) || this.locked) return this[name](...values);
    if (!this.typed.length && !this.mustWait(command)) return this[name](...values);
    if (!this.typeAhead && (this.busy || this.unanswered)) return this.tell("The robot is at work: this key was not applied");
    if (!event.repeat) this.typed.push(command);
    this.waiting = this.typed.length;
  },
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
};
