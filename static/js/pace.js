import { allowance, EARLY } from "./staleness.js";

/** Milliseconds of which the ticks are counted and measured. */
const COUNTED = 30_000;
/** Who was told of no gap for so many times what lies between two ticks, and these milliseconds, and is not further behind, has caught up. */
const [SPACINGS, QUIET] = [3, 4000];
/** The longest time between two ticks that is taken for an interval, in seconds: beyond, a viewer is not slow but stale. */
const LONGEST = 15;
/** Milliseconds for which it counts that ticks came too late; and the age of one that does not. */
const [LATE, FRESH] = [60_000, 1000];

/** How many of the ticks are seen here, where the way is too narrow for all of them and the server leaves some out. */
export class Pace {
  constructor() {
    /** @type {{ at: number, skipped: number }[]} */
    this.gaps = [];
    /** @type {{ at: number, age: number, step: number }[]} events: their age when they came and what time they skip, in milliseconds */
    this.seen = [];
    this.newest = NaN;
    this.lateAt = -Infinity;
    this.tooShort = 0;
  }

  /**
   * @param {number} now milliseconds
   * @param {number | null} [skipped] ticks that are left out, where it is known
   */
  gap(now, skipped) {
    this.gaps.push({ at: now, skipped: skipped ?? 0 });
    this.#judge(now);
  }

  /**
   * @param {number} now milliseconds
   * @param {number} born when what came was true
   */
  took(now, born) {
    const step = Math.max(0, born - this.newest) || 0;
    this.newest = Math.max(this.newest || born, born);
    this.seen.push({ at: now, age: now - born, step });
    this.#judge(now);
  }

  /**
   * Find out which intervals are too short for the way here.
   * @param {number} now milliseconds
   */
  #judge(now) {
    this.#forget(now);
    // An interval below this ends before what came is allowed to: it would be veiled before each next one.
    const tooShort = Math.max(...this.seen.map(({ age }) => age)) / 1000 - allowance(0) + EARLY;
    const spacing = this.spacing(now);
    if (!spacing || spacing >= tooShort) return;
    this.tooShort = Math.max(tooShort, now - this.lateAt < LATE ? this.tooShort : 0);
    this.lateAt = now;
  }

  /** @param {number} now milliseconds */
  slow(now) {
    const last = this.gaps.at(-1);
    if (last === undefined) return false;
    const behind = (this.seen.at(-1)?.age ?? 0) > QUIET;
    return behind || now - last.at < Math.max(QUIET, SPACINGS * Math.min(1000 * LONGEST, this.#longest));
  }

  get #longest() {
    return Math.max(0, ...this.seen.map(({ step }) => step));
  }

  /**
   * Seconds between two ticks as they come; 0: as they are sent. One gap is no measure.
   * @param {number} now milliseconds
   */
  spacing(now) {
    const longest = this.#longest / 1000;
    return this.gaps.length < 2 || longest > LONGEST || !this.slow(now) ? 0 : longest;
  }

  /**
   * Seconds: what is sampled more often comes so late that each would be too old before the next. It is that all the time,
   * and there is no back and forth. 0: nothing is.
   * @param {number} now milliseconds
   */
  lateness(now) {
    if (!this.slow(now) || now - this.lateAt >= LATE) return 0;
    const since = now - Math.max(QUIET, this.#longest);
    return this.seen.some(({ at, age }) => at > since && age > FRESH) ? this.tooShort : 0;
  }

  /**
   * What to tell, like "you see 1 of 5 ticks"; empty when all are seen.
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
    for (const list of [this.seen, this.gaps]) while (now - (list[0]?.at ?? now) > COUNTED) list.shift();
  }
}
