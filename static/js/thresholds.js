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
 * How far a value is over the highest threshold that it is above, in parts of that; of a share, in parts of what is left
 * above it, for a disk that is full is not 5 % over. 0 when it is above none.
 * @param {number} value
 * @param {import("./protocol.js").Threshold[]} thresholds
 * @param {string} unit
 */
export function excess(value, thresholds, unit) {
  const passed = thresholds.filter(({ above }) => value > above).map(({ above }) => above);
  const highest = Math.max(...passed);
  const whole = unit === "ratio" && highest < 1 ? 1 - highest : highest;
  return passed.length && highest > 0 ? (value - highest) / whole : 0;
}
