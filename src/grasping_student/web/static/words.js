// What the page says about a footprint, in words: colour never carries a meaning alone.

const millimetres = (metres) => `${Math.round(metres * 1000)} mm`;

export function hintText(print) {
  switch (print.hint) {
    case "outside":
      return ["!", "Outside the outlined area: the robot may not grasp here"];
    case "both-fingers-hit":
      return ["!", `Both fingers would hit something, A ${over(print.a, print)}, B ${over(print.b, print)} too high`];
    case "finger-a-hits":
      return ["!", `Finger A would hit something, ${over(print.a, print)} too high`];
    case "finger-b-hits":
      return ["!", `Finger B would hit something, ${over(print.b, print)} too high`];
    case "nothing-between":
      return ["!", "Nothing stands between the fingers"];
    case "unmeasured":
      return ["?", "The camera saw nothing under a finger"];
    default:
      return ["\u2713", "Both fingers have room"];
  }
}

function over(surface, print) {
  return millimetres(surface - print.tip);
}

export function room(surface, tip, touch) {
  if (Number.isNaN(surface)) return "not measured";
  if (surface > tip + touch) return `hits by ${millimetres(surface - tip)}`;
  return `${millimetres(Math.max(0, tip - surface))} of room`;
}

export function readouts(scene, grasp, print) {
  if (!grasp) {
    return { angle: "\u2013", position: "\u2013", "finger-a": "\u2013", "finger-b": "\u2013", between: "\u2013", tip: "\u2013" };
  }
  const held = print.between - print.tip;
  return {
    angle: `${((grasp.angle * 180) / Math.PI).toFixed(1)}\u00b0`,
    position: `row ${grasp.row}, column ${grasp.col}`,
    "finger-a": room(print.a, print.tip, scene.gripper.touch),
    "finger-b": room(print.b, print.tip, scene.gripper.touch),
    between: held > 0 ? `${millimetres(held)} above the tips` : "nothing",
    tip: `${millimetres(print.tip)} above the table`,
  };
}

export function spoken(grasp, print) {
  if (!grasp) return "No grasp chosen";
  const degrees = Math.round((grasp.angle * 180) / Math.PI);
  return `Grasp at row ${grasp.row}, column ${grasp.col}, ${degrees} degrees. ${hintText(print)[1]}.`;
}
