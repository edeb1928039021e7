import { Line } from "./line.js";
import { parseSeries, seriesText } from "./series.js";
import { compareIds } from "./protocol.js";
import { isCounter, isDoubtful } from "./rates.js";
import { rangeOf, stepOf } from "./span.js";

/**
 * @typedef {import("./protocol.js").Metrics} Metrics
 * @typedef {import("./line.js").Point} Point
 * @typedef {{ series: string, type?: string, interval: number | null, source?: string, last?: [number, number | null] | null,
 *   first?: number | null, points: Point[] }} RangeResult
 * @typedef {{ as_of: string, step: number, server_time: number, result: RangeResult[], blind?: [number, number, string][],
 *   incomplete?: [number, number][] }} RangeAnswer
 * @typedef {import("./span.js").Span} Span
 */

/** Series that a page holds at most; of further ones only their number is known, and that up to a bound. */
export const MOST = 2000;
const MOST_LEFT = 20_000;
/** Samples that are kept while a question is under way, at most; what comes then is a hole. */
const MOST_LATE = 200_000;

/** Seconds for which a series is kept that is not drawn, for its next sample may come. */
const LIVING = 900;

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
    /** @type {Span} what is drawn */
    this.span = { wanted: 900, range: 900, exact: false, past: null };
    this.begin = Infinity;
    this.step = 5;
    /** Answers that were taken. */
    this.loads = 0;
    /** @type {import("./blind.js").Span[]} times of what is drawn in which nobody watched, as the answers say, the newest first */
    this.blinds = [];
    /** @type {[number, number][]} times of what is drawn that the server could not read */
    this.incomplete = [];
    /** Questions that are under way. */
    this.asking = 0;
    /** @type {Map<Line, [number, number][]>} times and values that come meanwhile, for no answer may have them */
    this.late = new Map();
    /** Everything up to this id is in the charts already. */
    this.asOf = "0-0";
    /** @type {(line: Line) => void} */
    this.onLine = () => {};
    /** @type {(series: import("./series.js").Series, key: string) => void} told of each series that is not held */
    this.onLeft = () => {};
    /** @type {Map<string, { time: number }>} newest batch of each source: its time on the server */
    this.sources = new Map();
  }

  /** Seconds that are drawn. */
  get range() {
    return this.span.range;
  }

  /** Seconds that are wanted. */
  get wanted() {
    return this.span.wanted;
  }

  /**
   * Choose what is drawn; all points are dropped and must be loaded.
   * @param {Span} span
   * @param {number} [step] seconds of a bucket
   */
  show(span, step = stepOf(span.range)) {
    this.span = span;
    this.step = step;
    this.blinds = [];
    this.incomplete = [];
    for (const line of this.lines.values()) line.clear(this.step, this.capacity);
  }

  /**
   * The span that fits the record now: what began two minutes ago is not drawn at the edge of an empty quarter of an hour.
   * Null: it is the one that is drawn.
   * @returns {Span | null}
   */
  fitting() {
    const { span } = this;
    const recorded = this.clock.now() - this.#begin();
    if (span.exact || !(recorded > 0)) return null;
    const range = rangeOf(recorded, span.wanted);
    return range === span.range ? null : { ...span, range };
  }

  /** Time of the oldest point that was ever here. */
  #begin() {
    for (const line of this.lines.values()) {
      if (line.length) this.begin = Math.min(this.begin, line.timeAt(0));
      this.begin = Math.min(this.begin, line.first);
    }
    return this.begin;
  }

  get capacity() {
    return Math.ceil(this.range / this.step) + 8;
  }

  /**
   * Ask something, and take the answer; what comes meanwhile is kept until then, for the answer may not have it.
   * @template T
   * @param {() => Promise<T>} question
   * @param {(answer: T) => void} take
   */
  async keeping(question, take) {
    this.asking++;
    try {
      take(await question());
    } finally {
      this.asking--;
      if (!this.asking) this.late.clear();
    }
  }

  /**
   * Take an answer of `query_range`: everything anew, or what fills a gap.
   * @param {RangeAnswer} answer
   * @param {boolean} [gap]
   */
  load(answer, gap = false) {
    if (!gap) this.asOf = answer.as_of;
    this.loads++;
    this.#learn(answer, gap);
    for (const { series, type, interval, source, last, first, points } of answer.result) {
      const read = parseSeries(series);
      if (type) this.declare(read.name, type);
      const line = this.#line(series, () => read);
      if (line === null) continue;
      line.declared = line.arrivals.learned = interval;
      if (source) line.source = source;
      if (typeof first === "number") line.first = first;
      line.merge(points, this.span.past ? NaN : last?.[0], this.span.past ? [] : this.late.get(line));
      if (this.span.past) continue;
      if (last && last[1] !== null) this.#adopt(line, [last[0], last[1]]);
      // What the source has sent is known by its other series, so that one without a successor is known to be gone.
      const time = line.lastTime - line.step;
      if (source && time > (this.sources.get(source)?.time ?? -Infinity)) this.sources.set(source, { time });
    }
  }

  /**
   * Take note of what an answer says of all series: when nobody watched, and what could not be read.
   * @param {RangeAnswer} answer
   * @param {boolean} gap
   */
  #learn({ blind = [], incomplete = [] }, gap) {
    const known = gap ? this.blinds : [];
    const fresh = blind.map(([from, to, cause]) => ({ from, to, cause }));
    const others = known.filter(({ from, to }) => !fresh.some((one) => one.from < to && from < one.to));
    this.blinds = [...others, ...fresh].sort((a, b) => b.from - a.from);
    if (!gap) this.incomplete = incomplete;
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
    const known = this.span.past !== null || compareIds(event.id, this.asOf) <= 0;
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
      const point = line.sample(event.timestamp, value, born, known);
      if (this.asking && point !== null) this.#keep(line, event.timestamp, point);
      changed.push(line);
    }
    return changed;
  }

  /**
   * @param {Line} line
   * @param {number} time
   * @param {number} value
   */
  #keep(line, time, value) {
    const kept = this.late.get(line);
    if (!kept) this.late.set(line, [[time, value]]);
    else if (kept.length * this.late.size < MOST_LATE) kept.push([time, value]);
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
   * Forget series of which nothing is left to draw, and nothing comes; returns those dropped.
   * @returns {Line[]}
   */
  sweep() {
    const { past } = this.span;
    const oldest = this.clock.now() - (past ? LIVING : this.range);
    const drawn = (/** @type {Line} */ line) => (past ? line.length > 0 : line.lastTime > oldest);
    const now = this.clock.monotonic();
    // What comes so seldom that it has left the chart is still true until the next is overdue.
    const holds = (/** @type {Line} */ line) => line.own !== null && line.deadline > now;
    const dropped = this.drop((line) => !(line.time > oldest || line.sampled > oldest || drawn(line) || holds(line)));
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
    // A counter whose samples come too far apart for a rate is still there.
    const newest = line.sampled > line.time ? line.sampled : line.time;
    return source.time - newest > 2 * (line.interval ?? 1);
  }
}
