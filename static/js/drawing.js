import { formatText, formatTick, isWhole } from "./format.js";
import { most, timeTicks, valueTicks } from "./scale.js";
import { legendTexts } from "./series.js";

/**
 * What a chart shows, in numbers and words: the ends and ticks of its axes, its lines with their colours and newest values,
 * and where nothing is known. The server prints the same of its image of this chart (`/embed/<chart>.json`).
 *
 * @typedef {import("./panel.js").Moment} Moment
 * @typedef {import("./blind.js").Span} Span
 * @typedef {object} Chart
 * @property {import("./protocol.js").PanelSpec} spec
 * @property {string} unit of the axis
 * @property {import("./trace.js").Trace[]} traces
 * @property {number} undrawn lines that are not drawn
 * @property {import("./coverage.js").Coverage} coverage
 * @property {Span[]} blinds times in which nobody watched
 * @property {Pick<Moment, "end" | "range" | "now" | "palette" | "preferences">} moment
 * @property {{ width: number, height: number }} size of the area between the axes, pixels at 16 px a rem
 * @property {number} min
 * @property {number} max
 */

/** @param {Chart} chart */
export function drawing({ spec, unit, traces, undrawn, coverage, blinds, moment, size, min, max }) {
  const { end, range, now, palette, preferences } = moment;
  const begin = end - range;
  const names = legendTexts(spec.legend, traces.map(({ line }) => line.series));
  const times = timeTicks(begin * 1000, end * 1000, size.width, 96, preferences.offset);
  const pair = (/** @type {Span} */ { from, to }) => [from, to];
  return {
    title: spec.title,
    kind: spec.kind,
    unit,
    x: { min: begin, max: end, zone: preferences.zoneName, ticks: times.map((time) => [time / 1000, preferences.tick?.(time)]) },
    y: { min, max, ticks: valueTicks(min, max, unit, most(size.height)).map((value) => [value, formatTick(value, unit)]) },
    lines: traces.map(({ line, colour, dash }, at) => ({
      series: line.key,
      name: names[at] ?? "",
      colour,
      dash,
      time: line.time,
      value: line.value,
      text: formatText(line.value, spec.unit || line.unit, isWhole([line])),
      stale: now >= line.deadline,
      peak: peakOf(line, begin),
    })),
    more: undrawn,
    thresholds: spec.thresholds.map(({ above, severity }) => ({
      above, severity, colour: severity === "critical" ? palette.critical : palette.warning,
    })),
    since: coverage.begin === Infinity ? null : coverage.begin,
    holes: coverage.holes.map(pair),
    blind: blinds.map(pair),
  };
}

/**
 * The bucket with the highest sample since a moment, by its start, and that; null where no average hides it.
 * @param {import("./line.js").Line} line
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
