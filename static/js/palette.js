/** Data colours of a theme; further lines take the first again. */
const COLOURS = 8;

/** Dashes and gaps, in line widths, of lines that take a colour for the first, second and third time. */
export const DASHES = [[], [6, 3], [2, 2]];

/** Series in the order in which people count. */
const ORDER = new Intl.Collator("en", { numeric: true });

/** Parts that are the same on every machine keep their colour on every panel. */
const KNOWN = new Map([
  ["used", 0], ["cached", 2], ["buffers", 4], ["shared", 3], ["reserved", 5],
  ["user", 0], ["system", 1], ["iowait", 2], ["nice", 3], ["irq", 4], ["softirq", 5], ["steal", 6], ["guest", 7],
]);

/** Parts of a whole that are not in use: drawn as surface, not as data. */
const NEUTRAL = new Set(["free", "idle", "available"]);

/** Parts that people mean when they ask how much is in use. */
const PLAIN = new Set(["used", "user"]);

/**
 * @typedef {import("./line.js").Line} Line
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
 * Where a part stands in a stack: what is in use at the bottom, what is not at the top.
 * @param {import("./series.js").Series} series
 */
export function place(series) {
  if (isNeutral(series)) return 1;
  return PLAIN.has(series.labels["state"] ?? series.labels["mode"] ?? "") ? -1 : 0;
}

/**
 * The slot of each line's colour: of well-known parts always the same, of all others by their place in the order of their
 * names, so that every screen of a room shows a line in the same colour. Slots from 8 on take the first colours again.
 * @param {Line[]} lines all of a panel, drawn or not
 * @returns {Map<string, number>} by key
 */
export function slotsOf(lines) {
  const sorted = [...lines].sort((a, b) => ORDER.compare(a.key, b.key) || (a.key < b.key ? -1 : 1));
  /** @type {Map<string, number>} */
  const slots = new Map();
  const taken = new Set();
  for (const { key, series } of sorted) {
    const slot = KNOWN.get(series.labels["state"] ?? series.labels["mode"] ?? "");
    if (slot === undefined || taken.has(slot)) continue;
    slots.set(key, slot);
    taken.add(slot);
  }
  let next = 0;
  for (const { key, series } of sorted) {
    if (slots.has(key) || isNeutral(series)) continue;
    while (taken.has(next)) next++;
    slots.set(key, next);
    taken.add(next);
  }
  return slots;
}

/**
 * How a line looks; those that share a colour differ in their dashes.
 * @param {number} slot
 * @param {Palette} palette
 */
export function strokeOf(slot, palette) {
  return { colour: palette.data[slot % COLOURS] ?? palette.text, dash: Math.floor(slot / COLOURS) % DASHES.length };
}
