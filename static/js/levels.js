/** @typedef {import("./protocol.js").Level} Level */

/** From the least to the gravest; the style sheet gives each a shape. */
export const LEVELS = /** @type {const} */ (["debug", "info", "warning", "error", "critical"]);

/**
 * Tell whether a level is at least as grave as another.
 * @param {Level} level
 * @param {Level} least
 */
export function reaches(level, least) {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least);
}
