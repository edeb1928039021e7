import { unitOf } from "./format.js";
import { legendText } from "./series.js";

/**
 * @typedef {import("./line.js").Line} Line
 * @typedef {{ name: string, value: number, lines: Line[] }} Group
 */

/**
 * Lines of one legend text belong together: amounts add up, shares do not, so there the largest stands for all.
 * @param {Line[]} lines
 * @param {string} legend
 * @param {string} unit
 * @returns {Group[]}
 */
export function grouped(lines, legend, unit) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const line of lines) {
    const name = legendText(legend, line.series);
    const group = groups.get(name);
    if (!group) groups.set(name, { name, value: line.value, lines: [line] });
    else {
      group.value = unit === "ratio" ? Math.max(group.value, line.value) : group.value + line.value;
      group.lines.push(line);
    }
  }
  return [...groups.values()];
}

/**
 * Tell whether a name says which of several lines it is: the legend asks for it, or there are several.
 * @param {string} legend
 * @param {number} count
 */
export function isTelling(legend, count) {
  return count > 1 || legend.includes("{");
}

/**
 * The unit that a panel is about: that of its first selector; null when this names no one metric.
 * @param {import("./protocol.js").PanelSpec} spec
 */
export function leadingUnit({ series: [first = ""] }) {
  const [name = ""] = first.split("{");
  return !name || name.includes("*") ? null : unitOf(name.trim());
}
