/**
 * What a chart tells besides its lines: thresholds, holes, where its record begins, and the newest values.
 *
 * @typedef {import("./panel.js").Moment} Moment
 * @typedef {import("./coverage.js").Coverage} Coverage
 * @typedef {{ ctx: CanvasRenderingContext2D, chartArea: { left: number, right: number, top: number, bottom: number },
 *   scales: { x: { getPixelForValue(value: number): number }, y: { min: number, max: number, getPixelForValue(value: number): number } } }} Plot
 */

import { drawBand } from "./band.js";
import { drawPeaks } from "./peak.js";
import { blinds, drawUnknown, keepOut, nameBlinds, timeWords } from "./blind.js";
import { drawAnnotations, drawMarks } from "./marks.js";

/** Seconds that the first samples may take after a time in which nobody watched. */
const FIRST = 10;

/**
 * @param {Plot} plot
 * @param {import("./protocol.js").PanelSpec} spec
 * @param {Coverage} coverage
 * @param {Moment} moment
 * @param {import("./hatch.js").Hatch} hatch
 * @param {{ line: import("./line.js").Line, colour: string }[]} banded lines whose range of values is shown
 * @param {import("./blind.js").Span[]} unknown times in which no line is drawn
 */
export function drawBeneath(plot, spec, coverage, moment, hatch, banded, unknown) {
  const { ctx, chartArea: area, scales } = plot;
  const at = (/** @type {number} */ seconds) => Math.min(area.right, Math.max(area.left, scales.x.getPixelForValue(seconds * 1000)));
  ctx.save();
  ctx.beginPath();
  ctx.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
  ctx.clip();
  for (const { above, severity } of spec.thresholds) {
    const y = scales.y.getPixelForValue(above);
    if (y <= area.top) continue;
    const colour = severity === "critical" ? moment.palette.critical : moment.palette.warning;
    ctx.fillStyle = `${colour}14`;
    ctx.fillRect(area.left, area.top, area.right - area.left, y - area.top);
  }
  const frame = frameOf(plot, moment);
  ctx.save();
  keepOut(ctx, area, moment, unknown);
  for (const { line, colour } of banded) {
    ctx.fillStyle = `${colour}33`;
    drawBand(ctx, line, frame);
  }
  ctx.restore();
  drawUnknown(ctx, area, moment, hatch, coverage);
  if (begins(coverage, moment)) begin(plot, at(coverage.begin), moment);
  ctx.restore();
}

/**
 * Where the times and values of a plot lie in it.
 * @param {Plot} plot
 * @param {Moment} moment
 * @returns {import("./band.js").Frame}
 */
function frameOf({ chartArea: { left, right, top, bottom }, scales: { y: { min, max } } }, { end, range }) {
  const slope = (bottom - top) / (max - min || 1);
  const y = (/** @type {number} */ value) => Math.min(bottom, Math.max(top, bottom - (value - min) * slope));
  return { left, width: right - left, start: end - range, range, y };
}

/**
 * Mark the peaks of lines, each in its colour.
 * @param {Plot} plot
 * @param {[string, import("./peak.js").Peak[]][]} peaks
 * @param {number} step seconds of a bucket
 * @param {Moment} moment
 */
export function markPeaks(plot, peaks, step, moment) {
  for (const [colour, own] of peaks) {
    plot.ctx.fillStyle = colour;
    drawPeaks(plot.ctx, own, step, frameOf(plot, moment));
  }
}

/**
 * Tell whether what is shown begins before the record does, and before the blind time that the record follows.
 * @param {Coverage} coverage
 * @param {Moment} moment
 */
function begins({ begin }, moment) {
  return begin !== Infinity && edge(begin, moment) > moment.end - moment.range + 4;
}

/**
 * Where what nobody has said anything of ends, seconds: with the record, or with the blind time just before it.
 * @param {number} begin
 * @param {Moment} moment
 */
function edge(begin, moment) {
  return blinds(moment).find(({ from, to }) => from < begin && to > begin - FIRST)?.from ?? begin;
}

/**
 * @param {Plot} plot
 * @param {number} x
 * @param {Moment} moment
 */
function begin({ ctx, chartArea: area }, x, moment) {
  ctx.strokeStyle = moment.palette.muted;
  ctx.fillStyle = moment.palette.muted;
  ctx.lineWidth = 1;
  ctx.setLineDash([2, 3]);
  ctx.beginPath();
  ctx.moveTo(Math.round(x) + 0.5, area.top);
  ctx.lineTo(Math.round(x) + 0.5, area.bottom);
  ctx.stroke();
}

/**
 * Tell since when there is a record, left of where it begins, in fewer words if need be; not at all where that is too
 * narrow, for right of it are the lines. A blind time just before it, which has a name of its own, stays free.
 * @param {Plot} plot
 * @param {number} seconds
 * @param {Moment} moment
 * @param {number} rem
 */
function tellBegin({ ctx, chartArea: area, scales }, seconds, moment, rem) {
  const place = (/** @type {number} */ time) => scales.x.getPixelForValue(time * 1000);
  const free = place(edge(seconds, moment));
  const from = Math.max(area.left, ...blinds(moment).map(({ to }) => place(to)).filter((end) => end < free));
  const clock = timeWords(moment, seconds);
  const widthOf = (/** @type {string} */ text) => ctx.measureText(text).width + 16 * rem;
  const text = [`recorded since ${clock}`, `since ${clock}`].find((text) => widthOf(text) <= free - from);
  if (!text) return;
  const x = free - 8 * rem;
  ctx.fillStyle = moment.palette.surface;
  ctx.fillRect(x - widthOf(text) + 12 * rem, area.top + 5 * rem, widthOf(text) - 8 * rem, 16 * rem);
  ctx.fillStyle = moment.palette.muted;
  ctx.textAlign = "right";
  ctx.textBaseline = "top";
  ctx.fillText(text, x, area.top + 7 * rem);
}

/**
 * Marks of what happened, since when there is a record, and a dot at the newest value of each line.
 * @param {Plot} plot
 * @param {{ line: import("./line.js").Line, colour: string, data: { x: number, y: number }[] }[]} traces
 * @param {Coverage} coverage
 * @param {Moment | null} moment
 * @param {number} rem
 */
export function drawAbove(plot, traces, coverage, moment, rem) {
  if (!moment) return;
  const { ctx, scales } = plot;
  drawAnnotations(ctx, plot.chartArea, moment);
  drawMarks(ctx, plot.chartArea, moment, rem);
  nameBlinds(ctx, plot.chartArea, moment, rem);
  if (begins(coverage, moment)) tellBegin(plot, coverage.begin, moment, rem);
  for (const { line, colour, data } of traces) {
    const last = data.findLast((point) => !Number.isNaN(point.y));
    if (!last || moment.now >= line.deadline || moment.past !== null) continue;
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.arc(scales.x.getPixelForValue(last.x), scales.y.getPixelForValue(last.y), 2.5 * rem, 0, 2 * Math.PI);
    ctx.fill();
  }
}
