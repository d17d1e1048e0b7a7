// Draws a scene, the graspable area, suggestions and the gripper to scale on a canvas. No state of its own.
import { xyOfPixel } from "./footprint.js";

const WHITE = "#ffffff";
const BLACK = "#10161d";
const ALERT = "#ff8c1a";
const HANDLE_METRES = 0.032;

export function heightPixels(scene) {
  const picture = new ImageData(scene.pixels, scene.pixels);
  const palette = scene.palette;
  for (let i = 0; i < scene.height.length; i++) {
    const value = scene.height[i];
    let colour = scene.unmeasured_colour;
    if (Number.isNaN(value)) {
      // stripes: unmeasured is told by its texture as well as by its colour
      const stripe = (Math.floor(i / scene.pixels) + (i % scene.pixels)) % 6 < 2;
      if (stripe) colour = colour.map((c) => c + 40);
    } else {
      const index = 3 * Math.max(0, Math.min(255, Math.round((value / scene.top) * 255)));
      colour = [palette[index], palette[index + 1], palette[index + 2]];
    }
    picture.data.set([colour[0], colour[1], colour[2], 255], 4 * i);
  }
  return picture;
}

export function baseLayer(scene, view) {
  const layer = document.createElement("canvas");
  layer.width = layer.height = scene.pixels;
  const context = layer.getContext("2d");
  if (view !== "colour") context.putImageData(scene.heightPicture, 0, 0);
  if (view !== "height" && scene.colourPicture) {
    context.globalAlpha = view === "both" ? 0.5 : 1;
    context.drawImage(scene.colourPicture, 0, 0, scene.pixels, scene.pixels);
  }
  return layer;
}

// From metres in the world frame to pixels of the drawing.
function place(scene, side, x, y) {
  return [((x + scene.extent / 2) / scene.extent) * side, ((scene.extent / 2 - y) / scene.extent) * side];
}

export function gripperGeometry(scene, side, grasp) {
  const [x, y] = xyOfPixel(scene, grasp.row, grasp.col);
  const shape = scene.gripper;
  const at = (along, across) => {
    const cos = Math.cos(grasp.angle);
    const sin = Math.sin(grasp.angle);
    return place(scene, side, x + cos * along - sin * across, y + sin * along + cos * across);
  };
  const inner = shape.opening / 2;
  const outer = inner + shape.finger_thickness;
  const half = shape.finger_width / 2;
  const box = (low, high) => [at(low, -half), at(high, -half), at(high, half), at(low, half)];
  const reach = outer + HANDLE_METRES;
  const turned = Math.abs(grasp.heading - grasp.angle) > 1e-6;
  return {
    centre: at(0, 0),
    fingerA: box(-outer, -inner),
    fingerB: box(inner, outer),
    opening: box(-inner, inner),
    tipA: at(-inner, 0),
    tipB: at(inner, 0),
    labelA: at(-(inner + outer) / 2, 0),
    labelB: at((inner + outer) / 2, 0),
    outerHandle: at(turned ? -outer : outer, 0),
    handle: at(turned ? -reach : reach, 0),
  };
}

function path(context, points) {
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
}

// Every line twice, dark under light, so that it stands out on any height.
function outlined(context, width, colour, trace) {
  for (const [line, style] of [[width + 2.5, BLACK], [width, colour]]) {
    context.lineWidth = line;
    context.strokeStyle = style;
    trace();
    context.stroke();
  }
}

export function drawScene(context, scene, layer, side) {
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "low"; // bilinear: the finer filters ripple on large enlargements
  context.drawImage(layer, 0, 0, side, side);
  const rim = (scene.margin / scene.pixels) * side;
  const inside = side - 2 * rim;
  context.fillStyle = "rgba(8, 12, 18, 0.5)";
  context.beginPath();
  context.rect(0, 0, side, side);
  context.rect(rim, rim, inside, inside);
  context.fill("evenodd");
  context.setLineDash([8, 6]);
  context.strokeStyle = WHITE;
  context.lineWidth = 1.5;
  context.strokeRect(rim, rim, inside, inside);
  context.setLineDash([]);
}

export function drawSuggestion(context, scene, side, suggestion, number, chosen) {
  const shape = gripperGeometry(scene, side, { ...suggestion, heading: suggestion.angle });
  context.setLineDash(chosen ? [] : [5, 4]);
  outlined(context, 1.5, "#7fe3ff", () => {
    context.beginPath();
    context.moveTo(...shape.tipA);
    context.lineTo(...shape.tipB);
  });
  context.setLineDash([]);
  const [x, y] = shape.centre;
  context.beginPath();
  context.arc(x, y, 11, 0, 2 * Math.PI);
  context.fillStyle = chosen ? WHITE : "#10303d";
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = "#7fe3ff";
  context.stroke();
  context.fillStyle = chosen ? BLACK : WHITE;
  context.font = "600 13px Roboto, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(String(number), x, y + 0.5);
  context.textAlign = "left";
}

export function drawGripper(context, scene, side, grasp, print) {
  const shape = gripperGeometry(scene, side, grasp);
  path(context, shape.opening);
  context.fillStyle = "rgba(255, 255, 255, 0.16)";
  context.fill();
  outlined(context, 1.5, WHITE, () => {
    context.beginPath();
    context.moveTo(...shape.tipA);
    context.lineTo(...shape.tipB);
  });
  const hits = { A: /finger-a|both/.test(print.hint), B: /finger-b|both/.test(print.hint) };
  for (const name of ["A", "B"]) {
    path(context, shape[`finger${name}`]);
    context.fillStyle = hits[name] ? ALERT : WHITE;
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = BLACK;
    context.stroke();
    if (hits[name]) {
      const [from, , to] = shape[`finger${name}`];
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(...to);
      context.stroke();
    }
  }
  drawLetters(context, shape, hits);
  outlined(context, 1.5, WHITE, () => {
    context.beginPath();
    context.moveTo(...shape.outerHandle);
    context.lineTo(...shape.handle);
  });
  disc(context, shape.handle, 10);
  turnMark(context, shape.handle);
  disc(context, shape.centre, 5);
}

function drawLetters(context, shape, hits) {
  context.font = "600 13px Roboto, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const name of ["A", "B"]) {
    const [x, y] = shape[`label${name}`];
    const [cx, cy] = shape.centre;
    const distance = Math.hypot(x - cx, y - cy);
    // beside the finger, turned a quarter from the closing line, so that the handle never covers it
    const offset = Math.hypot(shape.fingerA[0][0] - shape.fingerA[3][0], shape.fingerA[0][1] - shape.fingerA[3][1]) / 2;
    const [nx, ny] = [-(shape.labelB[1] - cy) / distance, (shape.labelB[0] - cx) / distance];
    const text = hits[name] ? `${name}!` : name;
    const [tx, ty] = [x + nx * (offset + 11), y + ny * (offset + 11)];
    context.lineWidth = 3.5;
    context.strokeStyle = BLACK;
    context.strokeText(text, tx, ty);
    context.fillStyle = hits[name] ? ALERT : WHITE;
    context.fillText(text, tx, ty);
  }
  context.textAlign = "left";
}

function disc(context, [x, y], radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = WHITE;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = BLACK;
  context.stroke();
}

function turnMark(context, [x, y]) {
  context.lineWidth = 1.8;
  context.beginPath();
  context.arc(x, y, 4.5, -0.4, 4.2);
  context.stroke();
  context.beginPath();
  context.moveTo(x + 1.2, y - 3.4);
  context.lineTo(x + 6.8, y - 3.4);
  context.lineTo(x + 4.4, y + 1);
  context.closePath();
  context.fillStyle = BLACK;
  context.fill();
}
