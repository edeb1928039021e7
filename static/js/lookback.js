/**
 * Which processes took most in a minute that is over: for the moment that is pointed at, or for the end of a past time.
 *
 * @typedef {{ name: string, cpu_ratio: number, cpu_ratio_max: number, resident_bytes: number, resident_bytes_max: number,
 *   processes: number }} Busy what all processes of one name took
 * @typedef {{ start: number, by_cpu: Busy[], by_memory: Busy[] }} Minute
 * @typedef {{ from: number, to: number, minute: Minute | null, words: string }} Past `words`: why there is no minute
 */

export const MINUTE = 60;
/** Minutes that a page holds at most. */
const MOST = 120;
/** Milliseconds for which a pointer must rest on a minute to be told of it. */
const REST = 150;
/** Milliseconds after which a question that failed is put again. */
const AGAIN = 5000;

/**
 * The minute that a moment lies in; null while that is not over.
 * @param {number} time seconds
 * @param {number} now seconds
 */
export function minuteOf(time, now) {
  const start = Math.floor(time / MINUTE) * MINUTE;
  return start + MINUTE <= now ? start : null;
}

/** Asks for minutes, one after the other, and holds what was answered. */
export class Lookback {
  /** @type {Map<number, Minute | null>} by start; null: nothing is recorded */
  known = new Map();
  /** @type {number | null} the minute that is looked at */
  start = null;
  since = 0;
  asking = false;
  failedAt = -Infinity;
  fault = "";

  /**
   * @param {(start: number) => Promise<Minute | null>} ask
   * @param {() => void} onAnswer
   * @param {() => number} [monotonic] milliseconds
   */
  constructor(ask, onAnswer, monotonic = () => performance.now()) {
    this.ask = ask;
    this.onAnswer = onAnswer;
    this.monotonic = monotonic;
  }

  /**
   * Look at a minute; null: at none. Call it several times a second.
   * @param {number | null} start seconds
   * @returns {Past | null}
   */
  look(start) {
    const now = this.monotonic();
    if (start !== this.start) [this.start, this.since] = [start, now];
    if (start === null) return null;
    const span = { from: start, to: start + MINUTE };
    const minute = this.known.get(start);
    if (minute !== undefined) return { ...span, minute, words: minute ? "" : "Nothing is recorded of this minute." };
    if (!this.asking && now - this.since >= REST && now - this.failedAt > AGAIN) void this.#ask(start);
    return { ...span, minute: null, words: now - this.failedAt > AGAIN ? "…" : this.fault };
  }

  /** @param {number} start */
  async #ask(start) {
    this.asking = true;
    try {
      const minute = await this.ask(start);
      this.known.set(start, minute);
      this.failedAt = -Infinity;
      for (const oldest of this.known.keys()) if (this.known.size > MOST) this.known.delete(oldest);
    } catch (error) {
      this.failedAt = this.monotonic();
      this.fault = `It could not be asked for: ${error instanceof Error ? error.message : error}`;
    } finally {
      this.asking = false;
      this.onAnswer();
    }
  }
}

/**
 * The minute of an answer of `/api/v1/processes`.
 * @param {{ result: Minute[] }} answer
 * @param {number} start
 */
export function minuteIn({ result }, start) {
  return result.find((minute) => minute.start === start) ?? null;
}
