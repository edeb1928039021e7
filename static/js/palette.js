/** Data colours of a theme; further lines take the first again. */
const COLOURS = 8;

/** Parts of a whole that are not in use: drawn as surface, not as data. */
const NEUTRAL = new Set(["free", "idle", "available"]);

/** Parts that people mean when they ask how much is in use. */
const PLAIN = new Set(["used", "user"]);

/**
 * @typedef {{ data: string[], neutral: string, text: string, muted: string, grid: string, hatch: string, surface: string,
 *   warning: string, critical: string, heat: [string, string] }} Palette
 */

/**
 * Read the theme's colours from the style sheet, where they live.
 * @returns {Palette}
 */
export function readPalette() {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    data: Array.from({ length: COLOURS }, (_, at) => colour(`data-${at + 1}`)),
    neutral: colour("data-neutral"),
    text: colour("text"),
    muted: colour("muted"),
    grid: colour("grid"),
    hatch: colour("hatch"),
    surface: colour("surface"),
    warning: colour("warning"),
    critical: colour("critical"),
    heat: [colour("heat-low"), colour("heat-high")],
  };
}

/**
 * Tell whether a line is a part that is not in use, such as free memory.
 * @param {import("./series.js").Series} series
 */
export function isNeutral(series) {
  return NEUTRAL.has(series.labels["state"] ?? "") || NEUTRAL.has(series.labels["mode"] ?? "");
}

/**
 * Where a part stands in a stack: what is in use at the bottom, what is not at the top, else by size.
 * @param {import("./series.js").Series} series
 */
export function place(series) {
  if (isNeutral(series)) return 1;
  return PLAIN.has(series.labels["state"] ?? series.labels["mode"] ?? "") ? -1 : 0;
}

/** Gives each line of a panel a colour and lets it keep it. */
export class Slots {
  constructor() {
    /** @type {Map<string, number>} */
    this.taken = new Map();
  }

  /** @param {string} key */
  of(key) {
    let slot = this.taken.get(key);
    if (slot === undefined) {
      const used = new Set(this.taken.values());
      slot = 0;
      while (used.has(slot)) slot++;
      this.taken.set(key, slot);
    }
    return slot % COLOURS;
  }

  /** @param {Set<string>} keys those still shown */
  keep(keys) {
    for (const key of this.taken.keys()) if (!keys.has(key)) this.taken.delete(key);
  }
}
