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
 * Fill the band of one line, in the colour that is set.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Line} line
 * @param {Frame} frame
 */
export function drawBand(ctx, line, { left, width, start, range, y }) {
  const scale = width / range;
  const first = start - 2 * line.step;
  const x = (/** @type {number} */ at) => left + (line.timeAt(at) + line.step / 2 - start) * scale;
  ctx.beginPath();
  for (let from = 0; from < line.length; from++) {
    if (line.timeAt(from) < first || Number.isNaN(line.meanAt(from))) continue;
    let to = from;
    ctx.moveTo(x(from), y(line.highAt(from)));
    while (to + 1 < line.length && !Number.isNaN(line.meanAt(to + 1))) ctx.lineTo(x(++to), y(line.highAt(to)));
    for (let at = to; at >= from; at--) ctx.lineTo(x(at), y(line.lowAt(at)));
    ctx.closePath();
    from = to;
  }
  ctx.fill();
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
