/** Ranges that a young record is drawn in. */
const SPANS = [120, 300, 600, 900];
/** Seconds that a point may stand for: multiples of what is kept of each age, so that no answer has to be coarser. */
const STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
/** Points of one line in a chart, at most. */
const POINTS = 360;

/**
 * The range to draw, by the rules of the server's `history.py`: what began two minutes ago is not drawn at the edge of
 * an empty quarter of an hour.
 * @param {number} recorded seconds since the oldest point
 * @param {number} wanted seconds
 */
export function rangeOf(recorded, wanted) {
  return Math.min(wanted, SPANS.find((span) => span > recorded + 10) ?? Infinity);
}

/**
 * Seconds that one point of a range stands for.
 * @param {number} range seconds
 */
export function stepOf(range) {
  return STEPS.find((step) => step >= range / POINTS) ?? 604_800;
}

/**
 * What is drawn: the seconds that are wanted, and those that are drawn, which are fewer where the record is young and the
 * reader has not chosen them; or a time that is past.
 * @typedef {{ wanted: number, range: number, exact: boolean, past: { from: number, to: number } | null }} Span
 */

/**
 * @param {import("./timeframe.js").Frame} frame
 * @param {boolean} exact whether a young record is drawn in all of it, too
 * @param {number} [range] seconds that fit the record, where it is known
 * @returns {Span}
 */
export function spanOf(frame, exact, range) {
  if (frame.kind === "past") {
    const length = frame.to - frame.from;
    return { wanted: length, range: length, exact: true, past: { from: frame.from, to: frame.to } };
  }
  return { wanted: frame.range, range: exact ? frame.range : (range ?? frame.range), exact, past: null };
}

/**
 * What is to be asked for to draw a span, in whole buckets.
 * @param {Span} span
 * @param {number} now seconds
 */
export function questionOf({ range, past }, now) {
  const step = stepOf(range);
  const end = past ? Math.ceil(past.to / step) * step : Math.ceil(now) + 1;
  return { start: Math.floor((past ? past.from : end - range) / step) * step, end, step };
}
