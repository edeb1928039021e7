/**
 * Where the samples of each bucket lay, from the lowest to the highest, so that no average hides a spike.
 *
 * @typedef {import("./line.js").Line} Line
 * @typedef {{ left: number, width: number, start: number, range: number, y(value: number): number }} Frame
 *   where things are: pixels of the time axis, the seconds that it shows, and a value's height
 */

/** Of more lines at once the bands would hide one another. */
export const MOST_BANDS = 4;

/**
 * Fill the band of one line, in the colour that is set: a rectangle for each bucket, on whole pixels, for an outline with
 * a hundred corners costs the browser a multiple of that where it has no graphics card.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Line} line
 * @param {Frame} frame
 */
export function drawBand(ctx, line, { left, width, start, range, y }) {
  const scale = width / range;
  const first = start - 2 * line.step;
  const x = (/** @type {number} */ at) => Math.round(left + (line.timeAt(at) - start) * scale);
  for (let at = 0; at < line.length; at++) {
    if (line.timeAt(at) < first || Number.isNaN(line.meanAt(at))) continue;
    const from = x(at);
    const top = y(line.highAt(at));
    ctx.fillRect(from, top, Math.round(left + (line.timeAt(at) + line.step - start) * scale) - from, y(line.lowAt(at)) - top);
  }
}

/**
 * The highest and lowest sample of a line since a moment.
 * @param {Line} line
 * @param {number} start seconds
 */
export function extremes(line, start) {
  let low = Infinity;
  let high = -Infinity;
  for (let at = 0; at < line.length; at++) {
    if (line.timeAt(at) < start) continue;
    if (line.highAt(at) > high) high = line.highAt(at);
    if (line.lowAt(at) < low) low = line.lowAt(at);
  }
  return { low, high };
}
