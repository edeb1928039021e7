import { drawBand, extremes } from "./band.js";
import { drawUnknown, keepOut, unknown } from "./blind.js";
import { bounds, drawable } from "./scale.js";

/**
 * Fit a canvas to its box in device pixels and clear it.
 * @param {HTMLCanvasElement} canvas
 */
export function prepare(canvas) {
  const ratio = Math.min(2, window.devicePixelRatio);
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return { ctx, width, height };
}

/**
 * Draw groups of lines as small lines without axes; of a group the sum.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./line.js").Line[][]} groups
 * @param {import("./protocol.js").PanelSpec} spec
 * @param {import("./panel.js").Moment} moment
 * @param {import("./hatch.js").Hatch} hatch
 */
export function drawSpark(canvas, groups, spec, moment, hatch) {
  const { ctx, width, height } = prepare(canvas);
  const start = moment.end - moment.range;
  const runs = groups.map((lines) => points(lines, start));
  // A sum of several lines has no extremes that anyone knows.
  const banded = groups.map(([line, ...others]) => (line && !others.length && line.coarse ? line : null));
  const peaks = banded.map((line) => (line ? extremes(line, start).high : 0));
  const peak = Math.max(...peaks, runs.flat().reduce((most, [, value]) => (value > most ? value : most), 0));
  const { min: lowest, max: highest } = bounds(spec.min ?? 0, spec.max ?? drawable(peak) * 1.1);
  const x = (/** @type {number} */ time) => ((time - start) / moment.range) * (width - 3);
  const y = (/** @type {number} */ value) => height - 1.5 - ((drawable(value) - lowest) / (highest - lowest)) * (height - 4);
  const area = { left: 0, right: width - 3, top: 0, bottom: height };
  drawUnknown(ctx, area, moment, hatch, { holes: [] });
  ctx.save();
  keepOut(ctx, area, moment, unknown(groups.flat(), moment));
  runs.forEach((run, at) => {
    const colour = moment.palette.data[at] ?? moment.palette.text;
    const line = banded[at];
    if (line) {
      ctx.fillStyle = `${colour}40`;
      drawBand(ctx, line, { left: 0, width: width - 3, start, range: moment.range, y });
    }
    ctx.strokeStyle = colour;
    ctx.lineWidth = 1.5;
    ctx.lineJoin = "round";
    ctx.beginPath();
    let pen = false;
    for (const [time, value] of run) {
      if (Number.isNaN(value)) pen = false;
      else if (pen) ctx.lineTo(x(time), y(value));
      else {
        ctx.moveTo(x(time), y(value));
        pen = true;
      }
    }
    ctx.stroke();
    shade(ctx, run, x, y, height);
    const last = run.at(-1);
    if (!last || Number.isNaN(last[1]) || moment.past !== null) return;
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.arc(x(last[0]), y(last[1]), 2.5, 0, 2 * Math.PI);
    ctx.fill();
  });
  ctx.restore();
}

/**
 * Fill lightly between each unbroken stretch and the ground.
 * @param {CanvasRenderingContext2D} ctx
 * @param {[number, number][]} run
 * @param {(time: number) => number} x
 * @param {(value: number) => number} y
 * @param {number} ground
 */
function shade(ctx, run, x, y, ground) {
  ctx.globalAlpha = 0.12;
  ctx.fillStyle = ctx.strokeStyle;
  ctx.beginPath();
  let begun = NaN;
  let last = NaN;
  const close = () => {
    if (!Number.isNaN(begun)) ctx.lineTo(x(last), ground);
    begun = NaN;
  };
  for (const [time, value] of run) {
    if (Number.isNaN(value)) close();
    else {
      if (Number.isNaN(begun)) {
        begun = time;
        ctx.moveTo(x(time), ground);
      }
      ctx.lineTo(x(time), y(value));
      last = time;
    }
  }
  close();
  ctx.fill();
  ctx.globalAlpha = 1;
}

/**
 * @param {import("./line.js").Line[]} lines
 * @param {number} start
 * @returns {[number, number][]}
 */
function points(lines, start) {
  /** @type {Map<number, number>} */
  const sums = new Map();
  for (const line of lines) {
    for (let at = 0; at < line.length; at++) {
      const time = line.timeAt(at);
      if (time >= start && time < line.time) sums.set(time, (sums.get(time) ?? 0) + line.meanAt(at));
    }
    if (line.time >= start) sums.set(line.time, (sums.get(line.time) ?? 0) + line.value);
  }
  return [...sums].sort(([a], [b]) => a - b);
}
