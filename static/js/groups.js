import { unitOf } from "./format.js";
import { legendTexts } from "./series.js";

/**
 * @typedef {import("./line.js").Line} Line
 * @typedef {{ name: string, value: number, unit: string, lines: Line[] }} Group
 */

/**
 * Lines of one legend text and one unit belong together: amounts add up, shares do not, so there the largest stands for
 * all. A legend without a label in it asks for one figure of all, of however many machines.
 * @param {Line[]} lines
 * @param {string} legend
 * @param {string | null} [given] unit, instead of the lines' own
 * @returns {Group[]}
 */
export function grouped(lines, legend, given) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  const machines = new Set(lines.map(({ series }) => series.labels["instance"])).size;
  const one = machines > 1 && legend && !legend.includes("{") ? `${legend} of ${machines} machines` : "";
  const names = legendTexts(legend, lines.map(({ series }) => series));
  lines.forEach((line, at) => {
    const name = one || (names[at] ?? "");
    const unit = given || line.unit;
    const group = groups.get(name + unit);
    if (!group) groups.set(name + unit, { name, value: line.value, unit, lines: [line] });
    else {
      group.value = unit === "ratio" ? Math.max(group.value, line.value) : group.value + line.value;
      group.lines.push(line);
    }
  });
  return [...groups.values()];
}

/**
 * Tell whether a name says which of several lines it is: the legend asks for it, there are several, or the one is of
 * another machine.
 * @param {string} legend
 * @param {Line[]} lines
 */
export function isTelling(legend, lines) {
  return lines.length > 1 || legend.includes("{") || lines.some(({ series }) => series.afar);
}

/**
 * The unit that a panel is about: that of its first selector; null when this names no one metric.
 * @param {import("./protocol.js").PanelSpec} spec
 */
export function leadingUnit({ series: [first = ""] }) {
  const [name = ""] = first.split("{");
  return !name || name.includes("*") ? null : unitOf(name.trim());
}
