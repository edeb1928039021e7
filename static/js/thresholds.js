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
