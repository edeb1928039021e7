/** Ranges that a young record is drawn in. */
const SPANS = [120, 300, 600, 900];
/** Seconds that a point may stand for. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
/** Points of one line in a chart, at most. */
const POINTS = 300;

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
  return STEPS.find((step) => step >= range / POINTS) ?? 3600;
}
