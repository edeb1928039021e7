/**
 * A panel's lines as they were at the end of a time that is past: each with the value of that moment, which is as true as
 * it ever was, and so is not veiled but labelled with its time.
 *
 * @typedef {import("./line.js").Line} Line
 */
export class Held {
  /** @type {Line[]} */
  lines = [];
  /** The moment whose values are shown: the end, or the last of which anything is known; seconds. */
  time = NaN;
  /** @type {Line[] | null} */
  #of = null;
  #load = NaN;

  /**
   * @param {Line[]} lines
   * @param {number} load which answer they have their points from
   * @param {boolean} single whether only the values of that one moment are shown, not how they came about
   */
  take(lines, load, single) {
    if (lines === this.#of && load === this.#load) return this.lines;
    [this.#of, this.#load] = [lines, load];
    const held = lines.flatMap((line) => hold(line) ?? []);
    this.time = held.length ? Math.max(...held.map(({ time }) => time)) : NaN;
    const reach = (/** @type {Line} */ line) => Math.max(line.step, 2 * (line.interval ?? line.step));
    this.lines = single ? held.filter((line) => this.time - line.time <= reach(line)) : held;
    return this.lines;
  }
}

/**
 * The moment whose values stand beside lines while nothing is pointed at: null: the present.
 * @param {Line[]} lines
 * @param {import("./panel.js").Moment} moment
 */
export function lastTime(lines, moment) {
  return moment.past === null || !lines.length ? null : Math.max(...lines.map(({ time }) => time));
}

/**
 * A line as it was with its last point; null: it has none.
 * @param {Line} line
 * @returns {Line | null}
 */
function hold(line) {
  let at = line.length - 1;
  while (at >= 0 && Number.isNaN(line.meanAt(at))) at--;
  if (at < 0) return null;
  const interval = intervalThen(line, at);
  const time = line.timeAt(at) + (interval < line.step ? line.step / 2 : 0);
  return Object.create(line, {
    value: { value: line.meanAt(at) },
    time: { value: time },
    born: { value: Infinity },
    interval: { value: interval },
    deadline: { value: Infinity },
    lapse: { value: Infinity },
  });
}

/**
 * Seconds between samples before a point, as the points themselves tell: today they may come more often, or less.
 * @param {Line} line
 * @param {number} at place of the point
 */
function intervalThen(line, at) {
  const today = line.interval ?? line.step;
  const apart = line.timeAt(at) - line.timeAt(at - 1);
  if (!at || Number.isNaN(line.meanAt(at - 1))) return today;
  return apart > line.step ? apart : Math.min(today, line.step);
}
