import { spanText } from "./blind.js";

/**
 * Marks of what the program said of itself, at the times of a chart: a thin line down, and a shape at its top.
 *
 * @typedef {import("./chronicle.js").Happening} Happening
 * @typedef {{ left: number, right: number, top: number, bottom: number }} Area
 */

/** Marks in one chart at most; the newest. */
const MOST = 20;

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Area} area
 * @param {import("./panel.js").Moment} moment
 * @param {number} rem
 */
export function drawMarks(ctx, area, { marks, end, range, palette }, rem) {
  const begin = end - range;
  const scale = (area.right - area.left) / range;
  const size = 4 * rem;
  let drawn = 0;
  for (const { time, tone, span } of marks) {
    if (span || time < begin || time > end) continue;
    if (drawn++ === MOST) return;
    const x = Math.round(area.left + (time - begin) * scale);
    ctx.fillStyle = tone === "bad" ? palette.warning : palette.muted;
    ctx.globalAlpha = 0.45;
    ctx.fillRect(x, area.top, 1, area.bottom - area.top);
    ctx.globalAlpha = 1;
    ctx.beginPath();
    if (tone === "bad") triangle(ctx, x + 0.5, area.top, size);
    else ctx.arc(x + 0.5, area.top, size * 0.7, 0, 2 * Math.PI);
    ctx.fill();
  }
}

/**
 * The annotations of a chart: a line for a moment, a tint for a time. Their flags are elements, so that they can be pointed at.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Area} area
 * @param {import("./panel.js").Moment} moment
 */
export function drawAnnotations(ctx, area, { annotations = [], end, range, palette }) {
  const height = area.bottom - area.top;
  const at = (/** @type {number} */ time) => Math.round(area.left + (Math.min(1, Math.max(0, (time - end + range) / range))) * (area.right - area.left));
  ctx.fillStyle = palette.text;
  for (const { start, end: last } of annotations) {
    if (start > end || (last ?? start) < end - range) continue;
    const [x, width] = [at(start), at(last ?? start) - at(start)];
    ctx.globalAlpha = 0.07;
    ctx.fillRect(x, area.top, width, height);
    ctx.globalAlpha = 0.5;
    if (start >= end - range) ctx.fillRect(x, area.top, 1, height);
    if (last !== null && last <= end) ctx.fillRect(x + width, area.top, 1, height);
  }
  ctx.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
function triangle(ctx, x, y, size) {
  ctx.moveTo(x, y - size);
  ctx.lineTo(x + size, y + size * 0.8);
  ctx.lineTo(x - size, y + size * 0.8);
}

/**
 * What happened near a moment of the time axis, in words.
 * @param {import("./panel.js").Moment} moment
 * @param {number} time seconds
 */
export function wordsAt({ marks, blinds = [], annotations = [], range, preferences, dated }, time) {
  const reach = range / 150;
  const meets = (/** @type {{ from: number, to: number }} */ { from, to }) => time >= from - reach && time <= to + reach;
  const near = marks.filter(({ time: at, span = { from: at, to: at } }) => meets(span));
  // What is longer ago than what the page holds of such is told by the answers alone.
  const told = (/** @type {import("./blind.js").Span} */ { from, to }) => near.some(({ span }) => span && span.from < to && from < span.to);
  for (const { cause, ...span } of blinds) if (cause && meets(span) && !told(span)) near.push({ id: "", time: span.from, tone: "bad", shape: "▨", text: `blind: ${cause}`, span });
  for (const { start, end, text } of annotations) {
    const span = { from: start, to: end ?? start };
    const [words = ""] = text.split("\n");
    if (meets(span)) near.unshift({ id: "", time: start, tone: "calm", shape: "⚑", text: words, ...(end !== null && { span }) });
  }
  return near.slice(0, 3).map(({ shape, text, span }) => {
    const when = span ? `${spanText(span, preferences, dated)} ` : "";
    return `${shape} ${when}${text.length > 80 ? `${text.slice(0, 79)}…` : text}`;
  }).join(" · ");
}
