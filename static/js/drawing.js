import { formatText, formatTick, isWhole } from "./format.js";
import { most, timeTicks, valueTicks } from "./scale.js";
import { legendTexts } from "./series.js";

/**
 * What a chart shows, in numbers and words: the ends and ticks of its axes, its lines with their colours and newest values,
 * and where nothing is known. The server prints the same of its image of this chart (`/embed/<chart>.json`).
 *
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./panel.js").Moment} Moment
 * @typedef {Pick<Moment, "end" | "range" | "now" | "palette" | "preferences">} Shown
 * @typedef {import("./protocol.js").PanelSpec} PanelSpec
 * @typedef {import("./blind.js").Span} Span
 * @typedef {object} Chart
 * @property {PanelSpec} spec
 * @property {string} unit of the axis
 * @property {import("./trace.js").Trace[]} traces
 * @property {number} undrawn lines that are not drawn
 * @property {import("./coverage.js").Coverage} coverage
 * @property {Span[]} blinds times in which nobody watched
 * @property {Shown} moment
 * @property {{ width: number, height: number }} size of the area between the axes, pixels at 16 px a rem
 * @property {number} min
 * @property {number} max
 */

/** @param {Chart} chart */
export function drawing({ spec, unit, traces, undrawn, coverage: known, blinds: blind, moment, size, min, max }) {
  const names = legendTexts(spec.legend, traces.map(({ line }) => line.series));
  return account(spec, moment, {
    unit,
    lines: traces.map((one, at) => lineOf(one.line, names[at] ?? "", one, spec, moment)),
    x: timeAxis(moment, size.width),
    y: { min, max, ticks: valueTicks(min, max, unit, most(size.height)).map((value) => [value, formatTick(value, unit)]) },
    more: undrawn,
    known,
    blind,
  });
}

/**
 * What a table shows: a line for each of its rows.
 * @param {Line[]} lines
 * @param {PanelSpec} spec
 * @param {Shown} moment
 */
export function tableDrawing(lines, spec, moment) {
  const known = lines.filter(({ value }) => !Number.isNaN(value));
  const names = legendTexts(spec.legend, known.map(({ series }) => series));
  const stroke = { colour: moment.palette.text, dash: 0 };
  return account(spec, moment, { unit: spec.unit ?? "", lines: known.map((line, at) => lineOf(line, names[at] ?? "", stroke, spec, moment)) });
}

/**
 * What a panel of any kind shows; `null` stands for an axis that it does not have.
 * @param {PanelSpec} spec
 * @param {Pick<Moment, "palette">} moment
 * @param {{ unit: string, lines: ReturnType<typeof lineOf>[], x?: ReturnType<typeof timeAxis> | null, y?: object | null, more?: number,
 *   known?: import("./coverage.js").Coverage | null, blind?: Span[] }} shown
 */
export function account(spec, { palette }, { unit, lines, x = null, y = null, more = 0, known = null, blind = [] }) {
  const pair = (/** @type {Span} */ { from, to }) => [from, to];
  return {
    title: spec.title,
    kind: spec.kind,
    unit,
    x,
    y,
    lines,
    more,
    thresholds: spec.thresholds.map(({ above, severity }) => ({
      above, severity, colour: severity === "critical" ? palette.critical : palette.warning,
    })),
    since: !known || known.begin === Infinity ? null : known.begin,
    holes: known ? known.holes.map(pair) : [],
    blind: blind.map(pair),
  };
}

/**
 * @param {Shown} moment
 * @param {number} width pixels at 16 px a rem
 */
export function timeAxis({ end, range, preferences }, width) {
  const begin = end - range;
  const times = timeTicks(begin * 1000, end * 1000, width, 96, preferences.offset);
  return { min: begin, max: end, zone: preferences.zoneName, ticks: times.map((time) => [time / 1000, preferences.tick?.(time)]) };
}

/**
 * What is shown of one line.
 * @param {Line} line
 * @param {string} name
 * @param {{ colour: string, dash: number }} stroke
 * @param {PanelSpec} spec
 * @param {Shown} moment
 */
export function lineOf(line, name, { colour, dash }, spec, { end, range, now }) {
  return {
    series: line.key,
    name,
    colour,
    dash,
    time: line.time,
    value: line.value,
    text: formatText(line.value, spec.unit || line.unit, isWhole([line])),
    stale: now >= line.deadline,
    peak: peakOf(line, end - range),
  };
}

/**
 * The bucket with the highest sample since a moment, by its start, and that; null where no average hides it.
 * @param {Line} line
 * @param {number} start seconds
 * @returns {[number, number] | null}
 */
function peakOf(line, start) {
  if (!line.coarse) return null;
  let most = -1;
  for (let at = 0; at < line.length; at++) {
    if (line.timeAt(at) >= start && line.highAt(at) > (most < 0 ? -Infinity : line.highAt(most))) most = at;
  }
  return most < 0 ? null : [line.timeAt(most), line.highAt(most)];
}
