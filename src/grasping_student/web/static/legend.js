// Scale bar and colour legend, at the canvas's lower border whatever part of the scene is shown.

const FITS = 430; // canvas side in CSS pixels from which the legend of heights has room
const LINE = 24;

export function drawLegend(context, scene, side, zoom, heights) {
  context.fillStyle = "rgba(8, 12, 18, 0.62)";
  context.fillRect(0, side - LINE, side, LINE);
  context.font = "500 12px Roboto, sans-serif";
  context.textBaseline = "middle";
  drawScaleBar(context, (side * zoom) / scene.extent, side);
  if (heights && side >= FITS) drawHeights(context, scene, side);
}

function drawScaleBar(context, pixelsPerMetre, side) {
  const length = [0.05, 0.02, 0.01, 0.005].find((metres) => metres * pixelsPerMetre < side / 3) ?? 0.002;
  const middle = side - LINE / 2;
  const [from, to] = [12, 12 + length * pixelsPerMetre];
  context.fillStyle = context.strokeStyle = "#ffffff";
  context.lineWidth = 2;
  context.beginPath();
  for (const [x, y] of [[from, middle - 5], [from, middle + 5], [from, middle], [to, middle], [to, middle - 5], [to, middle + 5]]) {
    if (y === middle - 5 || (x === from && y === middle)) context.moveTo(x, y);
    else context.lineTo(x, y);
  }
  context.stroke();
  context.textAlign = "left";
  context.fillText(length < 0.01 ? `${length * 1000} mm` : `${length * 100} cm`, to + 8, middle);
}

function drawHeights(context, scene, side) {
  const middle = side - LINE / 2;
  const width = Math.min(180, side / 4);
  const top = `${Math.round(scene.top * 1000)} mm`;
  const right = side - 12 - context.measureText(top).width - 8;
  const gradient = context.createLinearGradient(right - width, 0, right, 0);
  for (let i = 0; i <= 8; i++) {
    const index = 3 * Math.round((i / 8) * 255);
    gradient.addColorStop(i / 8, `rgb(${scene.palette.slice(index, index + 3).join(",")})`);
  }
  context.fillStyle = gradient;
  context.fillRect(right - width, middle - 5, width, 10);
  context.fillStyle = "#ffffff";
  context.fillText(top, right + 8, middle);
  context.textAlign = "right";
  context.fillText("height 0", right - width - 8, middle);
  context.textAlign = "left";
}
