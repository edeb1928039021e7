/** Arrivals that an undeclared interval is taken from. */
const ARRIVALS = 5;

/** The page veils by this much earlier than it must, so that a late timer still keeps the promise. */
export const EARLY = 0.35;

/**
 * Seconds after which a value without a successor is no longer shown as true: two intervals and one second.
 * @param {number} interval seconds
 */
export function allowance(interval) {
  return 2 * interval + 1;
}

/**
 * Tell whether a value of this age is stale; never, while its interval is unknown (its age is shown instead).
 * @param {number} age seconds
 * @param {number | null} interval seconds
 */
export function isStale(age, interval) {
  return interval !== null && age > allowance(interval);
}

/** The interval of a series that declares none: the median of the gaps between its last five arrivals, once it has them. */
export class Arrivals {
  /** @type {number[]} */
  #times = [];
  /** @type {number | null} what the server has learned, until there are arrivals enough here */
  learned = null;

  /** @param {number} time seconds */
  add(time) {
    this.#times.push(time);
    if (this.#times.length > ARRIVALS) this.#times.shift();
  }

  /** @returns {number | null} */
  get interval() {
    if (this.#times.length < ARRIVALS) return this.learned;
    const gaps = this.#times.slice(1).map((time, at) => time - (this.#times[at] ?? time)).sort((a, b) => a - b);
    return ((gaps[1] ?? 0) + (gaps[2] ?? 0)) / 2;
  }
}
