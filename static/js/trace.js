import { extremes, MOST_BANDS } from "./band.js";
import { unitOf } from "./format.js";
import { isNeutral, place, strokeOf } from "./palette.js";
import { grain, inUse, lone, reaches, standingOff, summed } from "./peak.js";
import { bounds, drawable, topOf } from "./scale.js";

/**
 * What a chart makes of its lines: which it draws, in which colour, where, and between which ends of its axis. All of it by
 * the lines and the moment alone, so that two screens and the server's images show the same; `dashboard/drawing` has the
 * same rules, and `tests/cases/drawing.json` holds both to them.
 *
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./panel.js").Moment} Moment
 * @typedef {import("./protocol.js").PanelSpec} PanelSpec
 * @typedef {import("./peak.js").Peak} Peak
 * @typedef {{ x: number, y: number }} Point milliseconds, value
 * @typedef {{ line: Line, colour: string, dash: number, data: Point[], flat: boolean }} Trace
 */

/** Lines drawn in one chart; of more, the largest are drawn and the others counted. */
export const MOST = 8;

/**
 * The lines to draw, in their order. A stack has what is in use at its bottom and what is not at its top, and between them
 * the order of the colours, so that no layer changes its place with its size. Where points are rolled up the largest are
 * those with the highest samples: a spike is drawn, whoever has it.
 * @param {Line[]} lines
 * @param {boolean} stack
 * @param {Map<string, number>} slots of colours, by key
 * @param {number} [most] that are drawn
 */
export function choose(lines, stack, slots, most = MOST) {
  const crowded = lines.length > most;
  if (!stack && !crowded) return lines;
  const size = crowded && lines.some(({ coarse }) => coarse) ? peakOf : average;
  const bySize = new Map(crowded ? lines.map((line) => [line, size(line)]) : []);
  const largest = [...lines].sort((a, b) => (bySize.get(b) ?? 0) - (bySize.get(a) ?? 0)).slice(0, most);
  const slot = (/** @type {Line} */ { key }) => slots.get(key) ?? 0;
  return stack ? largest.sort((a, b) => place(a.series) - place(b.series) || slot(a) - slot(b)) : largest;
}

/**
 * Draw lines into traces; those of before are filled anew, so that no second costs new arrays.
 * @param {Line[]} chosen
 * @param {PanelSpec} spec
 * @param {Map<string, number>} slots of colours, by key
 * @param {Pick<Moment, "end" | "range" | "palette">} moment
 * @param {Trace[]} [old]
 */
export function trace(chosen, spec, slots, moment, old = []) {
  const { palette } = moment;
  const room = (chosen[0]?.times.length ?? 0) + 2;
  const traces = chosen.map((line, at) => {
    const reused = old[at]?.data.length === room ? old[at]?.data : undefined;
    const stroke = isNeutral(line.series) ? { colour: palette.neutral, dash: 0 } : strokeOf(slots.get(line.key) ?? 0, palette);
    return { line, ...stroke, data: reused ?? Array.from({ length: room }, () => ({ x: 0, y: NaN })), flat: false };
  });
  /** @type {Map<number, number> | null} */
  const sums = spec.stack ? new Map() : null;
  let highest = 0;
  let lowest = 0;
  for (const one of traces) {
    const before = highest;
    highest = Math.max(highest, fill(one.data, one.line, moment, sums));
    for (const { y } of one.data) if (y < lowest) lowest = y;
    // A part of a stack that is nothing would only draw its edge over its neighbour's.
    one.flat = sums !== null && before > 0 && one.line.value === 0 && average(one.line) === 0;
  }
  const coarse = traces.filter(({ line }) => line.coarse);
  const tops = spec.stack && coarse.length ? summed(inUse(chosen), moment.end - moment.range) : [];
  for (const { value } of tops) highest = Math.max(highest, value);
  const alone = spec.stack ? [] : coarse;
  for (const { line } of alone) {
    const { low, high } = extremes(line, moment.end - moment.range);
    highest = Math.max(highest, high);
    lowest = Math.min(lowest, low);
  }
  const few = traces.length <= MOST_BANDS;
  return { traces, banded: few ? alone : [], peaked: few ? [] : alone, tops, highest, lowest };
}

/**
 * The marks of samples that stand off from what is drawn, each with its colour. Within bands only such are marked as
 * would be too narrow to be seen.
 * @param {{ traces: Trace[], banded: Trace[], peaked: Trace[], tops: Peak[] }} drawn
 * @param {{ min: number, max: number }} ends of the value axis
 * @param {Pick<Moment, "end" | "range" | "palette">} moment
 * @param {number} width of the time axis, pixels at 16 px a rem
 * @returns {[string, Peak[]][]}
 */
export function peaks({ traces, banded, peaked, tops }, { min, max }, { end, range, palette }, width) {
  const start = end - range;
  const seconds = grain(traces[0]?.line.step ?? 1, range, width);
  const far = (/** @type {Peak[]} */ found) => standingOff(found, seconds, max - min);
  const near = (/** @type {Peak[]} */ found) => far(banded.length ? lone(found, seconds) : found);
  const own = [...banded, ...peaked].map(({ line, colour }) => /** @type {[string, Peak[]]} */ (
    [colour, [...near(reaches(line, start)), ...near(reaches(line, start, true))]]
  ));
  return [[palette.text, far(tops)], ...own];
}

/**
 * The unit of the value axis; values of several units share none.
 * @param {PanelSpec} spec
 * @param {Line[]} chosen
 */
export function axisUnit(spec, chosen) {
  const [first, ...others] = chosen.map(({ unit }) => unit);
  const common = others.every((unit) => unit === first) ? first : "";
  return spec.unit || (common ?? unitOf(spec.series[0] ?? ""));
}

/**
 * The ends of the value axis.
 * @param {PanelSpec} spec
 * @param {number} lowest of what is drawn, or 0
 * @param {number} highest
 */
export function limits(spec, lowest, highest) {
  const max = spec.max ?? topOf(highest, spec.stack ? 1.04 : 1.15);
  return bounds(spec.min ?? (lowest < 0 ? -topOf(-lowest, 1.15) : 0), max);
}

/**
 * Fill the points of one trace from its line; returns the highest value. `sums` stacks it on what it already holds.
 * @param {Point[]} data
 * @param {Line} line
 * @param {Pick<Moment, "end" | "range">} moment
 * @param {Map<number, number> | null} sums
 */
function fill(data, line, moment, sums) {
  const start = moment.end - moment.range - 2 * line.step;
  const middle = (line.interval ?? line.step) < line.step ? line.step / 2 : 0;
  let used = 0;
  let highest = 0;
  const put = (/** @type {number} */ time, /** @type {number} */ value) => {
    const point = data[used];
    if (point === undefined) return;
    used++;
    const base = sums?.get(time) ?? 0;
    if (sums && !Number.isNaN(value)) sums.set(time, drawable(base + value));
    point.x = time * 1000;
    point.y = drawable(base + value);
    if (point.y > highest && time <= moment.end) highest = point.y;
  };
  for (let at = 0; at < line.length; at++) {
    const time = line.timeAt(at);
    if (time >= start && time + middle < line.time) put(time + middle, line.meanAt(at));
  }
  if (line.time >= start) put(line.time, line.value);
  const last = data[used - 1]?.x ?? 0;
  for (let at = used; at < data.length; at++) {
    const point = /** @type {Point} */ (data[at]);
    point.x = last;
    point.y = NaN;
  }
  return highest;
}

/** @param {Line} line */
function average(line) {
  let sum = 0;
  let count = 0;
  for (let at = 0; at < line.length; at++) {
    const mean = line.meanAt(at);
    if (Number.isNaN(mean)) continue;
    sum += mean;
    count++;
  }
  return count ? sum / count : line.value || 0;
}

/** @param {Line} line */
function peakOf(line) {
  let most = -Infinity;
  for (let at = 0; at < line.length; at++) if (line.highAt(at) > most) most = line.highAt(at);
  return most === -Infinity ? line.value || 0 : most;
}
