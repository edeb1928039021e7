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
