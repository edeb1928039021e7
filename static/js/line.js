import { Arrivals, allowance, EARLY } from "./staleness.js";
import { HOLE, isCounter, rate } from "./rates.js";
import { unitOf } from "./format.js";

/**
 * @typedef {import("./series.js").Series} Series
 * @typedef {[number, number | null, number | null, number | null]} Point start of bucket, average, minimum, maximum
 */

/** @type {[number, number, number]} */
const HOLLOW = [NaN, NaN, NaN];

/** One series on the page: its newest value, and a ring of a fixed number of points. */
export class Line {
  /**
   * @param {string} key
   * @param {Series} series
   * @param {number} step seconds of a bucket
   * @param {number} capacity points
   * @param {boolean} [counter] as declared; else by the name
   */
  constructor(key, series, step, capacity, counter = isCounter(series.name)) {
    this.key = key;
    this.series = series;
    this.counter = counter;
    this.unit = unitOf(series.name, counter);
    this.source = "";
    /** @type {number | null} */
    this.declared = null;
    this.arrivals = new Arrivals();
    /** Seconds between two samples as they come to a viewer that is too slow for all; 0: all come. */
    this.stretch = 0;
    /** Seconds: with an interval below it values come too late to be shown as true; 0: they come in time. */
    this.lateness = 0;
    /** Newest value: a gauge's own, a counter's rate. */
    this.value = NaN;
    /** When that was true, in the server's seconds … */
    this.time = NaN;
    /** … and in milliseconds of `performance.now()`, which no clock that is set can move. */
    this.born = NaN;
    /** Time and total of the newest sample, from which a counter's next rate comes. */
    this.sampled = NaN;
    this.total = NaN;
    /** Whether the server's clock was set since that sample. */
    this.realigned = false;
    /** @type {Set<number>} places of the panels that show it */
    this.panels = new Set();
    this.step = step;
    this.times = new Float64Array(capacity);
    this.means = new Float64Array(capacity);
    this.lows = new Float64Array(capacity);
    this.highs = new Float64Array(capacity);
    this.head = 0;
    this.length = 0;
    /** Samples in the newest bucket. */
    this.weight = 0;
    /** Grows when the past is another, not only the present. */
    this.revision = 0;
  }

  /**
   * Forget all points, keep the newest value.
   * @param {number} step
   * @param {number} capacity
   */
  clear(step, capacity) {
    this.step = step;
    this.times = new Float64Array(capacity);
    this.means = new Float64Array(capacity);
    this.lows = new Float64Array(capacity);
    this.highs = new Float64Array(capacity);
    this.head = 0;
    this.length = 0;
    this.weight = 0;
  }

  /**
   * What the series is was learned only now: what a wrong guess made of its samples is forgotten.
   * @param {boolean} counter
   */
  declare(counter) {
    if (counter === this.counter) return;
    this.counter = counter;
    this.unit = unitOf(this.series.name, counter);
    this.value = this.time = this.born = this.sampled = this.total = NaN;
    this.clear(this.step, this.times.length);
    this.revision++;
  }

  /** Seconds between samples; null while nobody has said and too few have come. */
  get interval() {
    const { own } = this;
    return own === null ? null : Math.max(own, this.stretch);
  }

  /** The interval at its source. */
  get own() {
    return this.declared ?? this.arrivals.interval;
  }

  /** The moment (`performance.now()`) from which the newest value is no longer shown as true. */
  get deadline() {
    return this.own !== null && this.own < this.lateness ? this.born : this.lapse;
  }

  /** The moment by which the next value must be there. */
  get lapse() {
    const interval = this.interval;
    return interval === null ? Infinity : this.born + (allowance(interval) - EARLY) * 1000;
  }

  /** @param {number} at from 0, the oldest */
  index(at) {
    return (this.head + at) % this.times.length;
  }

  /** @param {number} at */
  timeAt(at) {
    return this.times[this.index(at)] ?? NaN;
  }

  /** @param {number} at */
  meanAt(at) {
    return this.means[this.index(at)] ?? NaN;
  }

  /** @param {number} at */
  lowAt(at) {
    return this.lows[this.index(at)] ?? NaN;
  }

  /** @param {number} at */
  highAt(at) {
    return this.highs[this.index(at)] ?? NaN;
  }

  /** Whether a bucket holds several samples, so that its average is not all there is to know. */
  get coarse() {
    return (this.interval ?? this.step) < this.step;
  }

  get lastTime() {
    return this.length ? this.timeAt(this.length - 1) : -Infinity;
  }

  /**
   * Take a sample as it came over the stream. `known`: the chart has it already, only the newest value is taken.
   * @param {number} time
   * @param {number} raw value, or total of a counter
   * @param {number} born
   * @param {boolean} known
   */
  sample(time, raw, born, known) {
    const previous = this.sampled;
    if (time === previous) return;
    // When the clock was set the ticks are aligned anew, so one sample may be late without any having been missed.
    const interval = this.realigned ? null : this.interval;
    const value = this.counter ? rate(previous, this.total, time, raw, interval) : raw;
    if (time < previous) {
      if (!known && value !== null) this.add(time, value);
      return;
    }
    this.realigned = false;
    const longest = interval === null ? Infinity : HOLE * interval;
    if (!known && time - previous > longest) this.hole(previous, time);
    this.arrivals.add(time);
    this.total = raw;
    this.sampled = time;
    if (value === null) return;
    this.value = value;
    this.time = time;
    this.born = born;
    if (!known) this.add(time, value);
  }

  /**
   * @param {number} time
   * @param {number} value
   */
  add(time, value) {
    const bucket = Math.floor(time / this.step) * this.step;
    const last = this.lastTime;
    if (bucket > last) {
      this.push(bucket, value);
      this.weight = 1;
    } else if (bucket === last) {
      const at = this.index(this.length - 1);
      const mean = this.means[at] ?? NaN;
      const empty = Number.isNaN(mean);
      this.weight = empty ? 1 : this.weight + 1;
      this.means[at] = empty ? value : mean + (value / this.weight - mean / this.weight);
      this.lows[at] = empty ? value : Math.min(this.lows[at] ?? value, value);
      this.highs[at] = empty ? value : Math.max(this.highs[at] ?? value, value);
    }
  }

  /**
   * Mark that nothing is known between two samples.
   * @param {number} from
   * @param {number} to
   */
  hole(from, to) {
    const after = Math.max(Math.floor(from / this.step) * this.step, this.lastTime) + this.step;
    if (this.length && after < Math.floor(to / this.step) * this.step) this.push(after, NaN);
  }

  /**
   * @param {number} time
   * @param {number} mean NaN marks a hole
   */
  push(time, mean, low = mean, high = mean) {
    const at = this.index(this.length);
    if (this.length === this.times.length) this.head = (this.head + 1) % this.times.length;
    else this.length++;
    this.times[at] = time;
    this.means[at] = mean;
    this.lows[at] = low;
    this.highs[at] = high;
  }

  /**
   * Merge points of `query_range`: they fill holes, and win over what is here up to `until`.
   * @param {Point[]} points
   * @param {number} until seconds up to which the answer knows more than we do
   * @param {number} now the server's time of the answer, seconds
   */
  merge(points, until, now) {
    const first = points[0]?.[0] ?? Infinity;
    const end = points.at(-1)?.[0] ?? -Infinity;
    /** @type {Map<number, [number, number, number]>} mean, low and high by time */
    const merged = new Map();
    for (let at = 0; at < this.length; at++) {
      const time = this.timeAt(at);
      const inside = time >= first && time <= end;
      const mean = this.meanAt(at);
      if (!(inside && Number.isNaN(mean))) merged.set(time, [mean, this.lowAt(at), this.highAt(at)]);
    }
    const newest = this.lastTime;
    for (const [time, average, low, high] of points) {
      if (average === null) {
        if (!merged.has(time)) merged.set(time, HOLLOW);
      } else if (!merged.has(time) || time + this.step <= until) {
        merged.set(time, [average, low ?? average, high ?? average]);
      }
    }
    this.revision++;
    const times = [...merged.keys()].sort((a, b) => a - b);
    this.head = this.length = 0;
    const longest = Math.max(this.step, HOLE * (this.declared ?? Infinity)) + this.step;
    for (const time of times) {
      const [mean, low, high] = merged.get(time) ?? HOLLOW;
      if (this.length && time - this.lastTime > longest) this.push(this.lastTime + this.step, NaN);
      // What was before the first sample is no hole: nothing was recorded yet.
      if (this.length || !Number.isNaN(mean)) this.push(time, mean, low, high);
    }
    // Nothing after the newest point is known to be missing yet: that is for its age to say.
    while (this.length && Number.isNaN(this.meanAt(this.length - 1))) this.length--;
    if (this.lastTime > newest) {
      const interval = this.declared ?? this.step;
      this.weight = Math.max(1, Math.round((Math.min(now, this.lastTime + this.step) - this.lastTime) / interval));
    }
  }

  /**
   * The server's clock was set: the newest sample is as old as it was, and of the points those of the future are dropped.
   * @param {number} step seconds
   * @param {number} now seconds
   */
  clockStepped(step, now) {
    while (this.length && this.lastTime > now + 1) this.length--;
    if (step > 0) this.hole(this.sampled, this.sampled + step);
    this.time += step;
    this.sampled += step;
    this.realigned = true;
  }

  /**
   * Mean at a moment; null in a hole and where there is nothing.
   * @param {number} time
   */
  valueAt(time) {
    if (this.time <= time + this.step / 2 && time - this.time < 1) return this.value;
    const at = this.#before(time);
    return at < 0 ? null : this.meanAt(at);
  }

  /**
   * The highest of the bucket in which a moment lies; null where its mean is.
   * @param {number} time
   */
  peakAt(time) {
    const at = this.#before(time);
    return at < 0 ? null : this.highAt(at);
  }

  /**
   * Place of the bucket that holds a moment; -1 in a hole and where there is nothing.
   * @param {number} time
   */
  #before(time) {
    let low = 0;
    let high = this.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.timeAt(middle) <= time) low = middle;
      else high = middle - 1;
    }
    if (!this.length || this.timeAt(low) > time) return -1;
    const reach = Math.max(this.step, HOLE * (this.interval ?? this.step));
    return Number.isNaN(this.meanAt(low)) || time - this.timeAt(low) > reach ? -1 : low;
  }
}
