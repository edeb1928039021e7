import { isNeutral } from "./palette.js";
import { drawable } from "./scale.js";

/**
 * The highest and lowest samples where points are rolled up, so that no average hides a spike. `dashboard/drawing/peak.py`
 * has the same rules, and `tests/cases/drawing.json` holds both to them.
 *
 * @typedef {import("./line.js").Line} Line
 * @typedef {{ time: number, drawn: number, value: number }} Peak
 *   of a bucket, by its start in seconds: the value that is drawn of it, and its highest or lowest sample
 */

/** Pixels of the time axis that have one mark at most. */
const ROOM = 12;
/** Part of the value axis by which a sample stands off. */
const LEAST = 0.05;

/**
 * The parts of a stack that are in use; where none of them says that, all.
 * @param {Line[]} lines
 */
export function inUse(lines) {
  const used = lines.filter(({ series }) => !isNeutral(series));
  return used.length ? used : lines;
}

/**
 * Of each bucket since a moment the sum of the averages, and how high the sum was at least: as high as on average, and
 * while one of the lines was at its highest the others were not below their lowest.
 * @param {Line[]} lines
 * @param {number} start seconds
 * @returns {Peak[]}
 */
export function summed(lines, start) {
  /** @type {Map<number, { time: number, mean: number, low: number, spread: number }>} */
  const seen = new Map();
  for (const line of lines) {
    for (let at = 0; at < line.length; at++) {
      const time = line.timeAt(at);
      const mean = line.meanAt(at);
      if (time < start || Number.isNaN(mean)) continue;
      const spread = drawable(line.highAt(at)) - drawable(line.lowAt(at));
      const sum = seen.get(time);
      if (sum) {
        sum.mean += mean;
        sum.low += line.lowAt(at);
        sum.spread = Math.max(sum.spread, spread);
      } else seen.set(time, { time, mean, low: line.lowAt(at), spread });
    }
  }
  return [...seen.values()]
    .sort((a, b) => a.time - b.time)
    .map(({ time, mean, low, spread }) => ({ time, drawn: drawable(mean), value: drawable(Math.max(mean, low + spread)) }));
}

/**
 * The highest, or the lowest, sample of each bucket since a moment.
 * @param {Line} line
 * @param {number} start seconds
 * @param {boolean} [lowest]
 */
export function reaches(line, start, lowest = false) {
  /** @type {Peak[]} */
  const peaks = [];
  for (let at = 0; at < line.length; at++) {
    const drawn = drawable(line.meanAt(at));
    if (line.timeAt(at) < start || Number.isNaN(drawn)) continue;
    peaks.push({ time: line.timeAt(at), drawn, value: drawable(lowest ? line.lowAt(at) : line.highAt(at)) });
  }
  return peaks;
}

/**
 * The seconds that have one mark at most, in whole buckets.
 * @param {number} step seconds
 * @param {number} range seconds
 * @param {number} width pixels at 16 px a rem
 */
export function grain(step, range, width) {
  return step * Math.max(1, Math.ceil((ROOM * range) / Math.max(width, 1) / step));
}

/**
 * Of each time the farthest peak, from the second there on: where bands are drawn, it alone is so narrow.
 * @param {Peak[]} peaks in their order
 * @param {number} seconds
 */
export function lone(peaks, seconds) {
  /** @type {Peak[]} */
  const found = [];
  /** @type {[Peak | null, Peak | null]} */
  let [first, second] = [null, null];
  let group = NaN;
  const close = () => {
    if (first && second) found.push({ ...first, drawn: second.value });
  };
  for (const peak of peaks) {
    const time = Math.floor(peak.time / seconds);
    if (time !== group) {
      close();
      [group, first, second] = [time, peak, null];
    } else if (!first || reach(peak) > reach(first)) [first, second] = [peak, first];
    else if (!second || reach(peak) > reach(second)) second = peak;
  }
  close();
  return found;
}

/**
 * The peaks that stand off from what is drawn by a part of the axis' height, the farthest of each time.
 * @param {Peak[]} peaks in their order
 * @param {number} seconds
 * @param {number} height
 */
export function standingOff(peaks, seconds, height) {
  /** @type {Peak[]} */
  const kept = [];
  let group = NaN;
  for (const peak of peaks) {
    if (!(reach(peak) >= LEAST * height)) continue;
    const time = Math.floor(peak.time / seconds);
    const last = kept.at(-1);
    if (!last || time !== group) kept.push(peak);
    else if (reach(peak) > reach(last)) kept[kept.length - 1] = peak;
    group = time;
  }
  return kept;
}

/**
 * Draw a thin stroke from what is drawn to each peak, in the colour that is set.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Peak[]} peaks
 * @param {number} step seconds of a bucket
 * @param {import("./band.js").Frame} frame
 */
export function drawPeaks(ctx, peaks, step, { left, width, start, range, y }) {
  ctx.save();
  ctx.globalAlpha = 0.5;
  for (const { time, drawn, value } of peaks) {
    const top = y(value);
    ctx.fillRect(Math.floor(left + ((time + step / 2 - start) * width) / range), top, 1, y(drawn) - top);
  }
  ctx.restore();
}

/** @param {Peak} peak */
function reach({ drawn, value }) {
  return Math.abs(value - drawn);
}
