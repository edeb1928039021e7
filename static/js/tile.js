import { coverage } from "./coverage.js";
import { account } from "./drawing.js";
import { formatText, isWhole } from "./format.js";
import { grouped } from "./groups.js";
import { reaches, summed } from "./peak.js";
import { bounds, drawable } from "./scale.js";

/**
 * What a tile makes of its lines: one figure, or two, and between which ends the small line of its last minutes lies.
 * `dashboard/drawing/tile.py` has the same rules, and `tests/cases/drawing.json` holds both to them.
 *
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./groups.js").Group} Group
 * @typedef {import("./peak.js").Peak} Peak
 * @typedef {import("./protocol.js").PanelSpec} PanelSpec
 * @typedef {{ run: [number, number][], tops: Peak[] }} Trail times and values of a group, and its peaks where points are rolled up
 */

/** @type {Group} */
const EMPTY = { name: "", value: NaN, unit: "", lines: [] };

/**
 * The figures to show, two at most, and the highest, by which thresholds are judged.
 * @param {Line[]} lines
 * @param {PanelSpec} spec
 */
export function figuresOf(lines, spec) {
  const groups = grouped(lines.filter((line) => !Number.isNaN(line.value)), spec.legend, spec.unit);
  const worst = groups.reduce((most, group) => (group.value > most.value ? group : most), groups[0] ?? EMPTY);
  return { groups: groups.length <= 2 ? groups : [worst], worst };
}

/**
 * How a group came about: of several lines the sum; and how high each bucket was, or, of a sum, was at least.
 * @param {Line[]} lines
 * @param {number} start seconds
 * @returns {Trail}
 */
export function trailOf(lines, start) {
  const [line, ...others] = lines;
  const tops = !line || !lines.some(({ coarse }) => coarse) ? [] : others.length ? summed(lines, start) : reaches(line, start);
  return { run: points(lines, start), tops };
}

/**
 * What the small lines lie between.
 * @param {PanelSpec} spec
 * @param {Trail[]} trails
 */
export function endsOf(spec, trails) {
  let peak = 0;
  for (const { run, tops } of trails) {
    for (const [, value] of run) if (value > peak) peak = value;
    for (const { value } of tops) if (value > peak) peak = value;
  }
  return bounds(spec.min ?? 0, spec.max ?? drawable(peak) * 1.1);
}

/**
 * What a tile shows, in numbers and words.
 * @param {Line[]} lines
 * @param {PanelSpec} spec
 * @param {import("./drawing.js").Shown} moment
 */
export function tileDrawing(lines, spec, moment) {
  const { groups, worst } = figuresOf(lines, spec);
  const start = moment.end - moment.range;
  const trails = groups.map((group) => trailOf(group.lines, start));
  const told = groups.map(({ name, value, unit, lines: own }, at) => ({
    series: own.map(({ key }) => key).join(" "),
    name,
    colour: moment.palette.data[at] ?? "",
    dash: 0,
    time: Math.max(...own.map(({ time }) => time)),
    value,
    text: formatText(value, unit, isWhole(own)),
    stale: own.some(({ deadline }) => moment.now >= deadline),
    peak: null,
  }));
  const known = coverage(groups.flatMap((group) => group.lines), start, moment.end);
  return account(spec, moment, { unit: worst.unit, lines: told, y: { ...endsOf(spec, trails), ticks: [] }, known });
}

/**
 * @param {Line[]} lines
 * @param {number} start
 * @returns {[number, number][]}
 */
function points(lines, start) {
  /** @type {Map<number, number>} */
  const sums = new Map();
  for (const line of lines) {
    for (let at = 0; at < line.length; at++) {
      const time = line.timeAt(at);
      if (time >= start && time < line.time) sums.set(time, (sums.get(time) ?? 0) + line.meanAt(at));
    }
    if (line.time >= start) sums.set(line.time, (sums.get(line.time) ?? 0) + line.value);
  }
  return [...sums].sort(([a], [b]) => a - b);
}
