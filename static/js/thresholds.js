/**
 * The most severe threshold that a value is above; null when it is above none.
 * @param {number} value
 * @param {import("./protocol.js").Threshold[]} thresholds
 */
export function severityOf(value, thresholds) {
  let worst = null;
  let highest = -Infinity;
  for (const { above, severity } of thresholds) {
    if (value > above && above > highest) {
      highest = above;
      worst = severity;
    }
  }
  return worst;
}

/**
 * By how much of itself the highest threshold that a value is above is exceeded; 0 when none is.
 * @param {number} value
 * @param {import("./protocol.js").Threshold[]} thresholds
 */
export function excess(value, thresholds) {
  const passed = thresholds.filter(({ above }) => value > above).map(({ above }) => above);
  const highest = Math.max(...passed);
  return passed.length && highest > 0 ? (value - highest) / highest : 0;
}
