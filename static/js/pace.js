/** Milliseconds of which the ticks are counted. */
const COUNTED = 30_000;
/** Gaps from which the interval is taken, and the longest that is taken for one, in seconds: beyond, a viewer is not slow but stale. */
const [MEASURED, LONGEST] = [3, 15];
/** Whoever was told of no gap for so many intervals, and so many milliseconds, has caught up. */
const [INTERVALS, QUIET] = [3, 4000];

/** How many of the ticks are seen here, where the way is too narrow for all of them and the server leaves some out. */
export class Pace {
  constructor() {
    /** @type {{ at: number, skipped: number, span: number }[]} */
    this.gaps = [];
    /** @type {number[]} when events came that were not left out */
    this.seen = [];
  }

  /**
   * @param {number} now milliseconds
   * @param {import("./protocol.js").Gap} gap of a slow viewer
   */
  gap(now, { skipped, from, to }) {
    const before = this.gaps.at(-1);
    const span = from != null && to != null ? to - from : before ? (now - before.at) / 1000 : 0;
    this.gaps.push({ at: now, skipped: skipped ?? 0, span });
    this.#forget(now);
  }

  /** @param {number} now milliseconds */
  took(now) {
    this.seen.push(now);
    this.#forget(now);
  }

  /** @param {number} now milliseconds */
  slow(now) {
    const last = this.gaps.at(-1);
    return last !== undefined && now - last.at < Math.max(QUIET, INTERVALS * 1000 * Math.min(LONGEST, last.span));
  }

  /**
   * Seconds between two ticks as they come; 0: as they are sent. One gap is no measure.
   * @param {number} now milliseconds
   */
  interval(now) {
    if (!this.slow(now) || this.gaps.length < 2) return 0;
    const longest = Math.max(...this.gaps.slice(-MEASURED).map(({ span }) => span));
    return longest > LONGEST ? 0 : longest;
  }

  /**
   * What to tell: "1 of 5 ticks"; empty when all are seen.
   * @param {number} now milliseconds
   */
  text(now) {
    if (!this.slow(now)) return "";
    const skipped = this.gaps.reduce((sum, gap) => sum + gap.skipped, 0);
    const of = Math.round((this.seen.length + skipped) / Math.max(1, this.seen.length));
    return of > 1 ? `you see 1 of ${of} ticks` : "you do not see every tick";
  }

  /** @param {number} now */
  #forget(now) {
    while (now - (this.seen[0] ?? now) > COUNTED) this.seen.shift();
    while (this.gaps.length > MEASURED && now - (this.gaps[0]?.at ?? now) > COUNTED) this.gaps.shift();
  }
}
