import { drawBand } from "./band.js";
import { drawUnknown, keepOut, unknown } from "./blind.js";
import { coverage } from "./coverage.js";
import { drawPeaks, grain, lone, standingOff } from "./peak.js";
import { drawable } from "./scale.js";
import { endsOf, trailOf } from "./tile.js";

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
  const trails = groups.map((lines) => trailOf(lines, start));
  const { min: lowest, max: highest } = endsOf(spec, trails);
  const x = (/** @type {number} */ time) => ((time - start) / moment.range) * (width - 3);
  const y = (/** @type {number} */ value) => height - 1.5 - ((drawable(value) - lowest) / (highest - lowest)) * (height - 4);
  const area = { left: 0, right: width - 3, top: 0, bottom: height };
  drawUnknown(ctx, area, moment, hatch, { holes: coverage(groups.flat(), start, moment.end).holes });
  ctx.save();
  keepOut(ctx, area, moment, unknown(groups.flat(), moment));
  trails.forEach(({ run, tops }, at) => {
    const colour = moment.palette.data[at] ?? moment.palette.text;
    const [line, ...others] = groups[at] ?? [];
    if (line && tops.length) {
      const frame = { left: 0, width: width - 3, start, range: moment.range, y };
      ctx.fillStyle = `${colour}40`;
      if (others.length) drawBand(ctx, bandOf(tops, line.step), frame);
      else drawBand(ctx, line, frame);
      const seconds = grain(line.step, moment.range, width - 3);
      ctx.fillStyle = colour;
      drawPeaks(ctx, standingOff(lone(tops, seconds), seconds, highest - lowest), line.step, frame);
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
 * What a sum lay between: of its lowest nothing is known.
 * @param {import("./peak.js").Peak[]} peaks
 * @param {number} step
 * @returns {import("./band.js").Buckets}
 */
function bandOf(peaks, step) {
  const at = (/** @type {"time" | "drawn" | "value"} */ what) => (/** @type {number} */ place) => peaks[place]?.[what] ?? NaN;
  return { step, length: peaks.length, timeAt: at("time"), meanAt: at("drawn"), lowAt: at("drawn"), highAt: at("value") };
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
