/** So many intervals without a sample are a hole. */
export const HOLE = 2;

/**
 * Tell whether samples of this name are totals, of which pages show the rate, as far as a name alone can tell.
 * @param {string} name
 */
export function isCounter(name) {
  return name.endsWith("_total");
}

/**
 * Tell whether a name could be a part of a histogram, which only its declaration says.
 * @param {string} name
 */
export function isDoubtful(name) {
  return /_(bucket|sum|count)$/.test(name);
}

/**
 * The rate per second between two totals of a counter; null when there is none: the total fell (a reset), or more
 * than two intervals lie between them (a hole), or no number can tell it.
 * @param {number} beforeTime seconds
 * @param {number} before
 * @param {number} time seconds
 * @param {number} total
 * @param {number | null} interval seconds
 */
export function rate(beforeTime, before, time, total, interval) {
  const elapsed = time - beforeTime;
  const longest = interval ? HOLE * interval : Infinity;
  if (!(elapsed > 0) || elapsed > longest || total < before) return null;
  const found = (total - before) / elapsed;
  return found < Infinity ? found : null;
}

/**
 * Rates of a whole run of totals, one at each time but the first where there is one.
 * @param {number[]} times
 * @param {number[]} totals
 * @param {number | null} interval
 * @returns {[number, number][]}
 */
export function rates(times, totals, interval) {
  /** @type {[number, number][]} */
  const points = [];
  for (let at = 1; at < times.length; at++) {
    const time = /** @type {number} */ (times[at]);
    const value = rate(times[at - 1] ?? NaN, totals[at - 1] ?? NaN, time, totals[at] ?? NaN, interval);
    if (value !== null) points.push([time, value]);
  }
  return points;
}
