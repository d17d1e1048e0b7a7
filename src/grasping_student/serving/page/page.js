"use strict";

const form = document.getElementById("form");
const drop = document.getElementById("drop");
const element = (id) => document.getElementById(id);

// Usual names of files -> field; the first that fits.
const KINDS = [
  [/mask/i, "mask"],
  [/colou?r|rgb/i, "color"],
  [/pose|camera_to_world|extrinsic/i, "camera_to_world"],
  [/intrinsic|camera/i, "intrinsics"],
  [/depth|\.npy$/i, "depth"],
  [/\.json$/i, "intrinsics"],
  [/\.txt$/i, "camera_to_world"],
  [/\.jpe?g$/i, "color"],
  [/\.png$/i, "depth"],
];

async function showModels() {
  const models = (await (await fetch("v1/models")).json()).models;
  const select = form.elements.model;
  for (const model of models) select.add(new Option(model.name, model.name));
  element("served").textContent = models
    .map((model) => `${model.name}: ${model.workspace.extent} m in ${model.workspace.pixels} pixels, ${model.backend}`)
    .join(" · ") || "The models are being loaded.";
}

function take(files) {
  for (const file of files) {
    const kind = KINDS.find(([pattern]) => pattern.test(file.name));
    if (!kind) continue;
    const list = new DataTransfer();
    list.items.add(file);
    form.elements[kind[1]].files = list.files;
  }
}

function say(text, refused) {
  element("answer").hidden = false;
  element("told").textContent = text;
  element("told").classList.toggle("refused", refused);
}

function filled() {
  const body = new FormData();
  for (const [name, value] of new FormData(form)) {
    if (value instanceof File ? value.size : value.trim()) body.append(name, value);
  }
  body.append("picture", "true");
  return body;
}

function show(answer) {
  const best = answer.grasps[0];
  say(best ? `${answer.grasps.length} grasps, the best first.` : `Nothing to grasp: ${answer.nothing.text}.`, false);
  element("drawing").hidden = !answer.picture;
  if (answer.picture) element("drawing").src = `data:image/png;base64,${answer.picture}`;
  element("grasps").hidden = !best;
  const rows = answer.grasps.map((grasp, rank) => {
    const row = document.createElement("tr");
    const success = grasp.success === null ? "not calibrated" : grasp.success.toFixed(2);
    const degrees = (grasp.angle * 180 / Math.PI).toFixed(0);
    const numbers = [rank + 1, grasp.x.toFixed(3), grasp.y.toFixed(3), grasp.z.toFixed(3), degrees,
      (grasp.width * 1000).toFixed(0), grasp.score.toFixed(2), success];
    row.append(...numbers.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
    return row;
  });
  element("grasps").tBodies[0].replaceChildren(...rows);
  element("notes").replaceChildren(
    ...answer.notes.map((note) => Object.assign(document.createElement("li"), { textContent: note.text })));
  element("seconds").textContent = Object.entries(answer.seconds)
    .map(([stage, time]) => `${stage} ${(time * 1000).toFixed(0)} ms`).join(" · ");
}

function clear() {
  for (const id of ["drawing", "grasps"]) element(id).hidden = true;
  element("notes").replaceChildren();
  element("seconds").textContent = "";
}

async function ask(event) {
  event.preventDefault();
  element("ask").disabled = true;
  clear();
  say("Looking …", false);
  try {
    const response = await fetch("v1/grasps", { method: "POST", body: filled() });
    const type = response.headers.get("content-type") || "";
    const told = type.includes("json") ? await response.json() : { message: await response.text() };
    if (response.ok) show(told);
    else say(told.message, true);
  } catch (error) {
    say(`The server gave no answer: ${error.message}`, true);
  } finally {
    element("ask").disabled = false;
  }
}

for (const name of ["dragover", "dragenter"]) {
  document.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
document.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take(event.dataTransfer.files);
});
form.addEventListener("submit", ask);
showModels();
