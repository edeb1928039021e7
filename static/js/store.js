import { Line } from "./line.js";
import { parseSeries, seriesText } from "./series.js";
import { compareIds } from "./protocol.js";
import { isCounter, isDoubtful } from "./rates.js";
import { rangeOf, stepOf } from "./span.js";

/**
 * @typedef {import("./protocol.js").Metrics} Metrics
 * @typedef {import("./line.js").Point} Point
 * @typedef {{ series: string, type?: string, interval: number | null, source?: string, last?: [number, number] | null,
 *   points: Point[] }} RangeResult
 * @typedef {{ as_of: string, step: number, server_time: number, result: RangeResult[] }} RangeAnswer
 */

/** Series that a page holds at most; of further ones only their number is known, and that up to a bound. */
export const MOST = 2000;
const MOST_LEFT = 20_000;

/** Every series of the page, each with a bounded ring of points. */
export class Store {
  /** @param {import("./clock.js").ServerClock} clock */
  constructor(clock) {
    this.clock = clock;
    /** @type {Map<string, Line>} */
    this.lines = new Map();
    /** @type {Map<string, Line | null>} by resource and own key, so that a series is parsed once, not once a second; null: it is not held */
    this.routes = new Map();
    /** The page's own machine; empty: nobody has said. */
    this.home = "";
    /** @type {Set<string>} series that found no room */
    this.left = new Set();
    this.stretched = 0;
    /** Seconds: what is sampled more often comes too late to be shown as true. */
    this.lateness = 0;
    /** @type {Map<string, boolean>} which names are counters, as the server says */
    this.counters = new Map();
    /** @type {Set<string>} names that the server is to be asked about */
    this.doubtful = new Set();
    /** Seconds that are drawn, and that are wanted. */
    this.range = 900;
    this.wanted = 900;
    this.begin = Infinity;
    this.step = 5;
    /** Everything up to this id is in the charts already. */
    this.asOf = "0-0";
    /** @type {(line: Line) => void} */
    this.onLine = () => {};
    /** @type {(series: import("./series.js").Series, key: string) => void} told of each series that is not held */
    this.onLeft = () => {};
    /** @type {Map<string, { time: number }>} newest batch of each source: its time on the server */
    this.sources = new Map();
  }

  /**
   * Choose how much is to be drawn; all points are dropped and must be loaded anew.
   * @param {number} wanted seconds
   * @param {number} [range] that fits the record, where it is known
   */
  span(wanted, range = wanted) {
    this.wanted = wanted;
    this.#span(range);
  }

  /**
   * Fit the range to the record: what began two minutes ago is not drawn at the edge of an empty quarter of an hour.
   * Tells whether the range is another now, so that points must be loaded anew.
   */
  fit() {
    const recorded = this.clock.now() - this.#begin();
    const range = rangeOf(recorded, this.wanted);
    if (range === this.range || !(recorded > 0)) return false;
    this.#span(range);
    return true;
  }

  /** Time of the oldest point that was ever here. */
  #begin() {
    for (const line of this.lines.values()) if (line.length) this.begin = Math.min(this.begin, line.timeAt(0));
    return this.begin;
  }

  /** @param {number} range seconds */
  #span(range) {
    this.range = range;
    this.step = stepOf(range);
    for (const line of this.lines.values()) line.clear(this.step, this.capacity);
  }

  get capacity() {
    return Math.ceil(this.range / this.step) + 8;
  }

  /**
   * Take an answer of `query_range`: everything anew, or what fills a gap.
   * @param {RangeAnswer} answer
   * @param {boolean} [gap]
   */
  load(answer, gap = false) {
    const until = gap ? answer.server_time - this.step : Infinity;
    if (!gap) this.asOf = answer.as_of;
    for (const { series, type, interval, source, last, points } of answer.result) {
      const read = parseSeries(series);
      if (type) this.declare(read.name, type);
      const line = this.#line(series, () => read);
      if (line === null) continue;
      line.declared = line.arrivals.learned = interval;
      if (source) line.source = source;
      line.merge(points, until, answer.server_time);
      if (last) this.#adopt(line, last);
      // What the source has sent is known by its other series, so that one without a successor is known to be gone.
      const time = line.lastTime - line.step;
      if (source && time > (this.sources.get(source)?.time ?? -Infinity)) this.sources.set(source, { time });
    }
  }

  /**
   * Take the newest sample of an answer, which is exact where points are averages.
   * @param {Line} line
   * @param {[number, number]} last
   */
  #adopt(line, [time, value]) {
    if (line.time >= time) return;
    line.value = value;
    line.time = time;
    line.born = this.clock.local(time);
  }

  /**
   * Take one event; returns the lines it changed.
   * @param {Metrics} event
   * @returns {Line[]}
   */
  take(event) {
    const resource = JSON.stringify(event.resource);
    const known = compareIds(event.id, this.asOf) <= 0;
    const born = Math.min(this.clock.monotonic(), this.clock.local(event.timestamp));
    this.sources.set(event.source, { time: event.timestamp });
    /** @type {Line[]} */
    const changed = [];
    for (const key in event.samples) {
      const value = event.samples[key];
      if (typeof value !== "number") continue;
      const route = resource + key;
      let line = this.routes.get(route);
      if (line === undefined) {
        const { name, labels } = parseSeries(key);
        const series = { name, labels: { ...event.resource, ...labels } };
        const whole = seriesText(name, series.labels);
        line = this.#line(whole, () => series);
        if (line || this.left.has(whole)) this.routes.set(route, line);
      }
      if (line === null) continue;
      line.declared = event.interval;
      line.source = event.source;
      line.sample(event.timestamp, value, born, known);
      changed.push(line);
    }
    return changed;
  }

  /**
   * Take note of what the samples of a name are.
   * @param {string} name
   * @param {string} type
   */
  declare(name, type) {
    const counter = type === "counter" || type === "histogram";
    this.doubtful.delete(name);
    if (this.counters.get(name) === counter) return;
    this.counters.set(name, counter);
    for (const line of this.lines.values()) if (line.series.name === name) line.declare(counter);
  }

  /**
   * @param {string} key
   * @param {() => import("./series.js").Series} read
   * @returns {Line | null}
   */
  #line(key, read) {
    const found = this.lines.get(key);
    if (found) return found;
    const series = read();
    if (this.lines.size >= MOST) {
      if (this.left.size >= MOST_LEFT || this.left.has(key)) return null;
      this.left.add(key);
      this.onLeft(series, key);
      return null;
    }
    series.afar = Boolean(this.home) && (series.labels["instance"] ?? this.home) !== this.home;
    const counter = this.counters.get(series.name);
    if (counter === undefined && isDoubtful(series.name)) this.doubtful.add(series.name);
    const line = new Line(key, series, this.step, this.capacity, counter ?? isCounter(series.name));
    line.stretch = this.stretched;
    line.lateness = this.lateness;
    this.lines.set(key, line);
    this.onLine(line);
    return line;
  }

  /**
   * Forget series of which nothing is left to draw; returns those dropped.
   * @returns {Line[]}
   */
  sweep() {
    const oldest = this.clock.now() - this.range;
    const dropped = this.drop((line) => !(line.time > oldest || line.lastTime > oldest || line.sampled > oldest));
    if (dropped.length) for (const [source, { time }] of this.sources) if (time < oldest) this.sources.delete(source);
    return dropped;
  }

  /**
   * Forget some series; returns them.
   * @param {(line: Line) => boolean} which
   * @returns {Line[]}
   */
  drop(which) {
    const dropped = [...this.lines.values()].filter(which);
    if (!dropped.length) return dropped;
    const gone = new Set(dropped);
    for (const line of dropped) this.lines.delete(line.key);
    // There is room again: those that had none are counted anew.
    for (const [route, line] of this.routes) if (line === null || gone.has(line)) this.routes.delete(route);
    this.left.clear();
    return dropped;
  }

  /**
   * Samples come this far apart, for the way here is too narrow for all of them; 0: they come as they are taken.
   * @param {number} interval seconds
   * @param {number} [lateness] seconds: what is sampled more often comes too late to be shown as true
   */
  stretch(interval, lateness = 0) {
    if (interval === this.stretched && lateness === this.lateness) return;
    [this.stretched, this.lateness] = [interval, lateness];
    for (const line of this.lines.values()) [line.stretch, line.lateness] = [interval, lateness];
  }

  /**
   * The server's clock was set: what lies in its future now is dropped, what is live stays live.
   * @param {number} step seconds
   */
  clockStepped(step) {
    const now = this.clock.now();
    for (const line of this.lines.values()) line.clockStepped(step, now);
    for (const source of this.sources.values()) source.time += step;
  }

  /**
   * The machine slept: everything here is older than `performance.now()` knows.
   * @param {number} milliseconds
   */
  age(milliseconds) {
    for (const line of this.lines.values()) line.born -= milliseconds;
  }

  /**
   * Tell whether a line's source goes on without it: its device has vanished.
   * @param {Line} line
   */
  isGone(line) {
    const source = this.sources.get(line.source);
    if (source === undefined || this.clock.monotonic() < line.deadline) return false;
    return source.time - line.time > 2 * (line.interval ?? 1);
  }
}
