import { Arrivals, allowance, EARLY } from "./staleness.js";
import { HOLE, isCounter, rate } from "./rates.js";
import { unitOf } from "./format.js";

/**
 * @typedef {import("./series.js").Series} Series
 * @typedef {[number, number | null, number | null, number | null]} Point start of bucket, average, minimum, maximum
 */

/** @typedef {[number, number, number, number]} Bucket mean, low, high, and how many samples; 0: nobody has said */

/** @type {Bucket} */
const HOLLOW = [NaN, NaN, NaN, 0];

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
    /** Whether a point was rolled up of samples that differ. */
    this.rolled = false;
    /** Grows when the past is another, not only the present. */
    this.revision = 0;
    /** Time of the newest sample that an answer of the server had. */
    this.told = -Infinity;
    /** Time of the first sample that the server has, where it said so; what is missing later is a hole. */
    this.first = Infinity;
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
    this.rolled = false;
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
    return this.rolled || (this.interval ?? this.step) < this.step;
  }

  get lastTime() {
    return this.length ? this.timeAt(this.length - 1) : -Infinity;
  }

  /**
   * Take a sample as it came over the stream. `known`: the chart has it already, or shows another time; only the newest
   * value is taken. Returns the value that this makes a point of; null: it makes none.
   * @param {number} time
   * @param {number} raw value, or total of a counter
   * @param {number} born
   * @param {boolean} known
   */
  sample(time, raw, born, known) {
    const previous = this.sampled;
    if (time === previous) return null;
    const drawn = known || time <= this.told;
    // When the clock was set the ticks are aligned anew, so one sample may be late without any having been missed.
    const interval = this.realigned ? null : this.interval;
    const value = this.counter ? rate(previous, this.total, time, raw, interval) : raw;
    if (time < previous) {
      if (!drawn && value !== null) this.add(time, value);
      return value;
    }
    this.realigned = false;
    const longest = interval === null ? Infinity : HOLE * interval;
    if (!drawn && time - previous > longest) this.hole(previous, time);
    this.arrivals.add(time);
    this.total = raw;
    this.sampled = time;
    if (value === null) return null;
    this.value = value;
    this.time = time;
    this.born = born;
    if (!drawn) this.add(time, value);
    return value;
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
   * Merge points of `query_range`: they know all up to the newest sample that they hold, and win over what is here. What
   * came while they were under way is newer, and goes on from them.
   * @param {Point[]} points
   * @param {number} [newest] time of the newest sample among them, where it is known
   * @param {[number, number][]} [late] times and values that came meanwhile
   */
  merge(points, newest = NaN, late = []) {
    const first = points[0]?.[0] ?? Infinity;
    const end = points.at(-1)?.[0] ?? -Infinity;
    /** @type {Map<number, Bucket>} */
    const merged = new Map();
    for (let at = 0; at < this.length; at++) {
      const time = this.timeAt(at);
      const inside = time >= first && time <= end;
      const mean = this.meanAt(at);
      const weight = at + 1 === this.length ? this.weight : 0;
      if (!(inside && Number.isNaN(mean))) merged.set(time, [mean, this.lowAt(at), this.highAt(at), weight]);
    }
    /** @type {Set<number>} */
    const answered = new Set();
    for (const [time, average, low, high] of points) {
      if (average !== null) {
        merged.set(time, [average, low ?? average, high ?? average, 0]);
        answered.add(time);
      } else if (!merged.has(time)) {
        merged.set(time, HOLLOW);
      }
    }
    for (const [time, value] of late) if (!(time <= newest)) this.#grow(merged, answered, time, value, newest);
    if (newest > this.told) this.told = newest;
    this.revision++;
    this.#refill(merged, newest, first, end);
  }

  /**
   * Take a late sample into its bucket, if that is one of the answer's, or one that nobody knew.
   * @param {Map<number, Bucket>} merged
   * @param {Set<number>} answered
   * @param {number} time
   * @param {number} value
   * @param {number} newest
   */
  #grow(merged, answered, time, value, newest) {
    const at = Math.floor(time / this.step) * this.step;
    const [mean, low, high, known] = merged.get(at) ?? HOLLOW;
    if (!Number.isNaN(mean) && !answered.has(at)) return;
    answered.add(at);
    const weight = Number.isNaN(mean) ? 1 : (known || this.#count(at, newest)) + 1;
    merged.set(at, weight === 1 ? [value, value, value, 1] : [mean + (value - mean) / weight, Math.min(low, value), Math.max(high, value), weight]);
  }

  /**
   * How many samples a bucket holds that ends with the newest one, or is full.
   * @param {number} bucket
   * @param {number} newest
   */
  #count(bucket, newest) {
    const interval = this.own ?? this.step;
    const begin = this.first > bucket && this.first <= newest ? this.first : bucket;
    if (newest >= bucket && newest < bucket + this.step) return Math.floor((newest - begin) / interval + 1e-6) + 1;
    return Math.max(1, Math.round((bucket + this.step - begin) / interval));
  }

  /**
   * Write the ring anew. From `first` to `end` an answer tells by itself what is missing: who knows how often samples came
   * then, which today's interval does not.
   * @param {Map<number, Bucket>} merged
   * @param {number} newest
   * @param {number} first
   * @param {number} end
   */
  #refill(merged, newest, first, end) {
    const times = [...merged.keys()].sort((a, b) => a - b);
    this.head = this.length = 0;
    const longest = Math.max(this.step, HOLE * (this.declared ?? Infinity)) + this.step;
    for (const time of times) {
      const [mean, low, high] = merged.get(time) ?? HOLLOW;
      const told = this.lastTime >= first && time <= end;
      if (this.length && !told && time - this.lastTime > longest) this.push(this.lastTime + this.step, NaN);
      // What was before the first sample is no hole: nothing was recorded yet.
      if (this.length || !Number.isNaN(mean) || time >= this.first) this.push(time, mean, low, high);
      if (low < high) this.rolled = true;
    }
    // Nothing after the newest point is known to be missing yet: that is for its age to say.
    while (this.length && Number.isNaN(this.meanAt(this.length - 1))) this.length--;
    this.weight = merged.get(this.lastTime)?.[3] || this.#count(this.lastTime, newest);
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
    this.told = -Infinity;
    this.realigned = true;
  }

  /**
   * Mean at a moment; null in a hole and where there is nothing.
   * @param {number} time
   */
  valueAt(time) {
    if (this.time <= time + this.step / 2 && time - this.time < 1) return this.value;
    const at = this.placeAt(time);
    return at < 0 ? null : this.meanAt(at);
  }

  /**
   * The highest of the bucket in which a moment lies; null where its mean is.
   * @param {number} time
   */
  peakAt(time) {
    const at = this.placeAt(time);
    return at < 0 ? null : this.highAt(at);
  }

  /**
   * The lowest of the bucket in which a moment lies; null where its mean is.
   * @param {number} time
   */
  troughAt(time) {
    const at = this.placeAt(time);
    return at < 0 ? null : this.lowAt(at);
  }

  /**
   * Place of the bucket that holds a moment; -1 in a hole and where there is nothing.
   * @param {number} time
   */
  placeAt(time) {
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
