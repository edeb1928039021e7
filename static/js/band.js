/**
 * Where the samples of each bucket lay, from the lowest to the highest, so that no average hides a spike.
 *
 * @typedef {import("./line.js").Line} Line
 * @typedef {{ left: number, width: number, start: number, range: number, y(value: number): number }} Frame
 *   where things are: pixels of the time axis, the seconds that it shows, and a value's height
 */

/** Of more lines at once the bands would hide one another. */
export const MOST_BANDS = 4;

/** @typedef {Pick<Line, "step" | "length" | "timeAt" | "meanAt" | "lowAt" | "highAt">} Buckets */

/**
 * Fill the band of one line, in the colour that is set: a rectangle for each bucket, on whole pixels, for an outline with
 * a hundred corners costs the browser a multiple of that where it has no graphics card.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Buckets} line
 * @param {Frame} frame
 */
export function drawBand(ctx, line, { left, width, start, range, y }) {
  const scale = width / range;
  const first = start - 2 * line.step;
  const x = (/** @type {number} */ time) => Math.round(left + (time - start) * scale);
  let [low, high, before] = [Infinity, -Infinity, NaN];
  for (let at = 0; at < line.length; at++) {
    const time = line.timeAt(at);
    if (time < first || Number.isNaN(line.meanAt(at))) continue;
    const from = x(time);
    // What is narrower than a pixel is seen with the next in it.
    if (from !== before) [low, high] = [Infinity, -Infinity];
    low = Math.min(low, line.lowAt(at));
    high = Math.max(high, line.highAt(at));
    before = from;
    const top = y(high);
    ctx.fillRect(from, top, x(time + line.step) - from, y(low) - top);
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
