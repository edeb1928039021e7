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
export function wordsAt({ marks, range, preferences }, time) {
  const reach = range / 150;
  const near = marks.filter(({ time: at, span = { from: at, to: at } }) => time >= span.from - reach && time <= span.to + reach);
  return near.slice(0, 3).map(({ shape, text, span }) => {
    const when = span ? `${spanText(span, preferences)} ` : "";
    return `${shape} ${when}${text.length > 80 ? `${text.slice(0, 79)}…` : text}`;
  }).join(" · ");
}
