import { blinds } from "./blind.js";
import { coverage } from "./coverage.js";
import { account, lineOf, timeAxis } from "./drawing.js";
import { bounds, drawable, fullOf, Reach } from "./scale.js";
import { namesOf } from "./series.js";

/**
 * What a heat map makes of its lines: what its shades stand for, and where each begins and ends. `dashboard/drawing/heat.py`
 * has the same rules, and `tests/cases/drawing.json` holds both to them.
 *
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./panel.js").Moment} Moment
 * @typedef {import("./protocol.js").PanelSpec} PanelSpec
 * @typedef {{ min: number, max: number }} Ends
 * @typedef {Map<string, { low: Reach, high: Reach }>} Reaches what the shades of a unit reach to
 */

/** Shades between nothing and full. */
const SHADES = 24;

/** @param {[string, string]} ends of six hexadecimal digits, the palest and the darkest */
export function shadesOf([low, high]) {
  return Array.from({ length: SHADES }, (_, at) => blend(low, high, at / (SHADES - 1)));
}

/**
 * What the palest and the darkest shade stand for, by unit: as the settings say, else by the unit or by what is in view.
 * @param {Line[]} lines
 * @param {PanelSpec} spec
 * @param {Pick<Moment, "end" | "range">} moment
 * @param {Reaches} [reaches] which stay while little changes
 * @returns {Map<string, Ends>}
 */
export function endsOf(lines, spec, { end, range }, reaches = new Map()) {
  /** @type {Map<string, { low: number, high: number }>} */
  const seen = new Map();
  for (const line of lines) {
    const unit = spec.unit || line.unit;
    const own = seen.get(unit) ?? { low: 0, high: 0 };
    seen.set(unit, own);
    const take = (/** @type {number} */ value) => {
      if (value < own.low) own.low = value;
      if (value > own.high) own.high = value;
    };
    for (let at = 0; at < line.length; at++) if (line.timeAt(at) + line.step > end - range) take(line.highAt(at));
    if (line.time > end - range && line.time <= end) take(line.value);
  }
  return new Map([...seen].map(([unit, { low, high }]) => {
    const reach = reaches.get(unit) ?? { low: new Reach(), high: new Reach() };
    reaches.set(unit, reach);
    const min = spec.min ?? -reach.low.above(-low, unit);
    const top = reach.high.above(high, unit);
    return [unit, bounds(min, spec.max ?? fullOf(unit) ?? (top > min || min < 0 ? top : min + 1))];
  }));
}

/**
 * Which of the shades a value has.
 * @param {number} value
 * @param {Ends} ends
 */
function depthOf(value, { min, max }) {
  return Math.round(Math.min(1, Math.max(0, (drawable(value) - min) / (max - min))) * (SHADES - 1));
}

/**
 * The shades of a line, by their depth, with the whole pixels from and to which it has each. A bucket is as dark as its
 * highest sample, and of those that share a pixel the darkest has it, so that no peak is too narrow to be seen.
 * @param {Line} line
 * @param {Ends} ends
 * @param {{ left: number, width: number }} area
 * @param {Pick<Moment, "end" | "range">} moment
 */
export function cellsOf(line, ends, { left, width }, { end, range }) {
  const start = end - range;
  const x = (/** @type {number} */ time) => left + ((time - start) / range) * width;
  /** @type {{ depth: number, from: number, to: number }[]} */
  const cells = [];
  for (let at = 0; at < line.length; at++) {
    const high = line.highAt(at);
    const begin = Math.max(start, line.timeAt(at));
    const after = Math.min(end, at + 1 < line.length ? line.timeAt(at + 1) : line.timeAt(at) + line.step);
    if (after <= begin || Number.isNaN(high)) continue;
    const depth = depthOf(high, ends);
    let from = Math.floor(x(begin));
    const to = Math.ceil(x(after));
    const last = cells.at(-1);
    if (last) {
      if (last.depth === depth && last.to >= from) {
        last.to = Math.max(last.to, to);
        continue;
      }
      if (last.depth > depth) from = Math.max(from, last.to);
      else if (last.from < from) last.to = Math.min(last.to, from);
      else cells.pop();
    }
    if (from < to) cells.push({ depth, from, to });
  }
  return cells;
}

/**
 * What a heat map shows, in numbers and words; the colours are those of the present values.
 * @param {Line[]} lines
 * @param {PanelSpec} spec
 * @param {import("./drawing.js").Shown & Pick<Moment, "blinds">} moment
 * @param {number} width of the time axis, pixels at 16 px a rem
 */
export function heatDrawing(lines, spec, moment, width) {
  const ends = endsOf(lines, spec, moment);
  const shades = shadesOf(moment.palette.heat);
  const names = namesOf(spec.legend, lines.map(({ series }) => series));
  const [[unit, { min, max }] = ["", { min: 0, max: 1 }]] = ends;
  const colour = (/** @type {Line} */ line) => shades[depthOf(line.value, ends.get(spec.unit || line.unit) ?? { min, max })];
  const told = lines.map((line, at) => {
    const shade = Number.isNaN(line.value) ? moment.palette.surface : colour(line) ?? "";
    return lineOf(line, names[at] ?? "", { colour: shade, dash: 0 }, spec, moment);
  });
  return account(spec, moment, {
    unit,
    lines: told,
    x: timeAxis(moment, width),
    y: { min, max, ticks: [] },
    known: coverage(lines, moment.end - moment.range, moment.end),
    blind: blinds(moment),
  });
}

/**
 * @param {string} low six hexadecimal digits
 * @param {string} high
 * @param {number} part
 */
function blend(low, high, part) {
  const channel = (/** @type {number} */ at) => {
    const from = parseInt(low.slice(at, at + 2), 16);
    return Math.round(from + (parseInt(high.slice(at, at + 2), 16) - from) * part).toString(16).padStart(2, "0");
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}
