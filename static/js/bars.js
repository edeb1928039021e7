import { account, lineOf } from "./drawing.js";
import { formatText, tellApart } from "./format.js";
import { leadingUnit } from "./groups.js";
import { namesOf } from "./series.js";
import { severityOf } from "./thresholds.js";

/**
 * The rules of a panel of bars; the server's image has the same (`dashboard/drawing/bars.py`).
 *
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./protocol.js").PanelSpec} PanelSpec
 * @typedef {object} Bar
 * @property {Line} line
 * @property {string} name
 * @property {string[]} parts of the name
 * @property {string} detail what else is known of it
 * @property {number} share from 0 to 1, of a full bar
 */

/**
 * The bars of a panel in their order. Lines of another unit than the first selector's say more about the bar of the same
 * name; those of one unit stand together, the largest first, and have a scale of their own.
 * @param {Line[]} lines
 * @param {PanelSpec} spec
 * @param {{ now: number }} moment
 * @returns {Bar[]}
 */
export function barsOf(lines, spec, moment) {
  const unit = leadingUnit(spec);
  const known = lines.filter((line) => !Number.isNaN(line.value));
  const names = namesOf(spec.legend, known.map(({ series }) => series));
  const nameOf = new Map(known.map((line, at) => [line, names[at] ?? ""]));
  const parts = tellApart(names);
  const partsOf = new Map(known.map((line, at) => [line, parts[at] ?? []]));
  const leading = known.filter((line) => unit === null || line.unit === unit);
  const named = new Set(leading.map((line) => nameOf.get(line)));
  const details = known.filter((line) => !leading.includes(line) && named.has(nameOf.get(line)));
  const others = known.filter((line) => !leading.includes(line) && !details.includes(line));
  const { ranked, longest } = scaled([...leading, ...others], spec);
  return ranked.map((line) => {
    const name = nameOf.get(line) ?? "";
    const own = details.filter((other) => nameOf.get(other) === name && moment.now < other.deadline);
    return {
      line,
      name,
      parts: partsOf.get(line) ?? [],
      detail: sizes(own.sort((a, b) => rankOf(spec, a) - rankOf(spec, b))).join(" · "),
      share: Math.min(1, Math.max(0, line.value / (longest.get(line) ?? NaN))) || 0,
    };
  });
}

/**
 * What a panel of bars shows: a line for each bar, the largest first.
 * @param {Line[]} lines
 * @param {PanelSpec} spec
 * @param {import("./drawing.js").Shown} moment
 */
export function barsDrawing(lines, spec, moment) {
  const { critical, warning, data: [plain = ""] } = moment.palette;
  const told = barsOf(lines, spec, moment).map(({ line, name }) => {
    const severity = severityOf(line.value, spec.thresholds);
    const colour = severity ? (severity === "critical" ? critical : warning) : plain;
    return lineOf(line, name, { colour, dash: 0 }, spec, moment);
  });
  return account(spec, moment, { unit: spec.unit || (leadingUnit(spec) ?? ""), lines: told });
}

/**
 * Bars in their order, those of one unit together, the largest first; and for each the value of a full bar.
 * @param {Line[]} bars
 * @param {PanelSpec} spec
 */
function scaled(bars, { unit, max }) {
  const unitOf = (/** @type {Line} */ line) => unit || line.unit;
  const units = [...new Set(bars.map(unitOf))];
  const ranked = units.flatMap((own) => bars.filter((line) => unitOf(line) === own).sort((a, b) => b.value - a.value));
  const highest = new Map(units.map((own) => [own, max ?? Math.max(0, ranked.find((line) => unitOf(line) === own)?.value ?? 0)]));
  return { ranked, longest: new Map(ranked.map((line) => [line, highest.get(unitOf(line))])) };
}

/**
 * Which of the panel's selectors a line comes from, by the name.
 * @param {PanelSpec} spec
 * @param {Line} line
 */
function rankOf({ series }, line) {
  return series.findIndex((selector) => selector.split("{")[0] === line.series.name);
}

/**
 * What is used and what is free, of each metric whose series are parts by their state; else its value.
 * @param {Line[]} lines
 */
function sizes(lines) {
  const names = [...new Set(lines.map((line) => line.series.name))];
  return names.map((name) => {
    const parts = lines.filter((line) => line.series.name === name);
    const [{ unit = "" } = {}] = parts;
    const what = unit ? "" : ` ${name.split("_").at(-1)}`;
    const of = (/** @type {string} */ state) => parts.find((line) => line.series.labels["state"] === state)?.value ?? NaN;
    if (Number.isNaN(of("used"))) return formatText(parts.reduce((sum, line) => sum + line.value, 0), unit) + what;
    return `${formatText(of("used"), unit)}${what} used, ${formatText(of("free"), unit)} free`;
  });
}
