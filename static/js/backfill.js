import { apart } from "./apart.js";
import { again, Refused } from "./api.js";
import { compareIds } from "./protocol.js";
import { questionOf } from "./span.js";

/**
 * @typedef {import("./protocol.js").Gap} Gap
 * @typedef {import("./store.js").RangeAnswer} RangeAnswer
 * @typedef {import("./span.js").Span} Span
 */

/** Milliseconds after which what could not be fetched is asked for again. */
const AGAIN = 5000;
/** Seconds after its end when a bucket is asked for, and by how many pages differ in it, so that they do not come at once. */
const [SETTLED, SPREAD] = [2, 8];

/** What the charts are filled with besides the stream: other times, gaps, and buckets that had begun before. */
export class Backfill {
  /**
   * @param {object} options
   * @param {import("./api.js").Api} options.api
   * @param {import("./store.js").Store} options.store
   * @param {import("./truth.js").Truth} options.truth
   * @param {string[]} options.selectors
   * @param {string[]} options.later those of the selectors that the first question leaves out
   * @param {(selectors: string[]) => void} options.want tells which of the selectors the stream is wanted of
   * @param {() => void} options.onFilled
   * @param {(fault: string | null) => void} options.onShown told when what is wanted is shown (null), or why it cannot be
   */
  constructor({ api, store, truth, selectors, later, want, onFilled, onShown }) {
    this.api = api;
    this.store = store;
    this.truth = truth;
    this.selectors = selectors;
    this.later = later;
    this.want = want;
    this.onFilled = onFilled;
    this.onShown = onShown;
    this.loaded = false;
    /** Whether the first answer, or that for another choice, could not be had. */
    this.failed = false;
    /** What is to be shown; `store.span` is what is. */
    this.wanted = store.span;
    /** @type {Gap[]} gaps that are to be filled: once no answer is under way that may begin anew without them, and a slow viewer has caught up */
    this.waiting = [];
    /** When what failed may be asked for again, milliseconds. */
    this.againAt = 0;
    /** Start of the bucket that had begun when points came last, and when it is to be asked for whole; both seconds. */
    this.open = { start: NaN, at: Infinity };
  }

  /**
   * Show another time; what is drawn stays until the points of that are here.
   * @param {Span} span
   */
  async show(span) {
    this.wanted = span;
    try {
      await this.load();
    } catch (error) {
      if (this.wanted !== span) return;
      const refused = error instanceof Refused && !error.passing;
      if (refused) this.wanted = this.store.span;
      this.onShown(refused ? `This time cannot be shown: ${error.message}` : "This time could not be fetched yet; it is tried again.");
      this.againAt = this.store.clock.monotonic() + AGAIN;
    }
  }

  /**
   * Fill all charts for the first time, or for another choice; tells whether it was done. Else it is said, and tried again.
   * @param {RangeAnswer} [known] the answer, where it is here already
   */
  async begin(known) {
    this.failed = false;
    try {
      await this.load(known);
    } catch {
      this.failed = true;
      this.againAt = this.store.clock.monotonic() + AGAIN;
      this.onShown("What was before could not be fetched yet; it is tried again.");
    }
    return !this.failed;
  }

  /**
   * Fill all charts with the points of what is wanted.
   * @param {RangeAnswer} [known] the answer, where it is here already
   */
  async load(known) {
    const { store, selectors, wanted: span } = this;
    const { start, end, step } = questionOf(span, store.clock.now());
    const outdated = () => span !== this.wanted || selectors !== this.selectors;
    await store.keeping(async () => known ?? this.#points(selectors, start, end, step), (answer) => {
      if (outdated()) return;
      if (!known) this.later = [];
      store.show(span, answer.step);
      store.load(answer);
      this.waiting = this.waiting.filter((gap) => compareIds(gap.before, answer.as_of) > 0);
      this.#begun(answer);
    });
    if (outdated()) return;
    const fitting = store.fitting();
    if (fitting) {
      this.wanted = fitting;
      await this.load();
      return;
    }
    this.loaded = true;
    this.onShown(null);
    this.onFilled();
  }

  /** Once in a while: fetch what failed, fit the range to the record, complete what had begun. */
  async renew() {
    const { store } = this;
    if (store.asking || store.clock.monotonic() < this.againAt) return;
    if (this.failed && this.truth.connection.phase === "open") await this.begin();
    if (!this.loaded) return;
    if (this.wanted !== store.span) return this.show(this.wanted);
    const fitting = store.fitting();
    if (fitting) return this.show(fitting);
    await this.complete();
    await this.#settle();
  }

  /**
   * Ask for points. A question that is refused is put for each selector alone, so that it costs only those who asked for
   * too much; what the stream brings of these is not wanted either.
   * @param {string[]} selectors
   * @param {number} start
   * @param {number} end
   * @param {number} step
   */
  async #points(selectors, start, end, step) {
    const { refused } = this.truth;
    let answer = await this.api.range(selectors, start, end, step).catch(again);
    if (answer) for (const selector of selectors) refused.delete(selector);
    else answer = await apart(this.api, refused, selectors, start, end, step);
    this.want(this.selectors.filter((selector) => !refused.has(selector)));
    return answer;
  }

  /**
   * Fetch points that are missing in what is drawn, and merge them.
   * @param {string[]} selectors
   * @param {number} start
   * @param {number} end
   */
  async #fetch(selectors, start, end) {
    const { store } = this;
    const { span, step } = store;
    await store.keeping(() => this.#points(selectors, start, end, step), (answer) => {
      if (span !== store.span || answer.step !== step) return;
      store.load(answer, true);
      if (end > answer.server_time - (answer.server_time % step)) this.#begun(answer);
    });
    this.onFilled();
  }

  /** Fetch the history that the first question left out, once the first picture is there. */
  async complete() {
    const { later, store } = this;
    if (!later.length || !this.loaded) return;
    this.later = [];
    const { start, end } = questionOf(store.span, store.clock.now());
    await this.#fetch(later, start, end).catch(() => {
      this.later = later;
      this.againAt = store.clock.monotonic() + AGAIN;
    });
  }

  /**
   * Take note of the bucket in which points end: how many samples its average is of, nobody has said.
   * @param {RangeAnswer} answer
   */
  #begun({ server_time: now }) {
    const { step, span } = this.store;
    const start = Math.floor(now / step) * step;
    if (span.past || step <= 1) this.open = { start: NaN, at: Infinity };
    else this.open = { start, at: start + step + SETTLED + Math.random() * SPREAD };
  }

  /** Fetch the bucket that had begun before the stream, now that it is whole. */
  async #settle() {
    const { store, open } = this;
    if (store.clock.now() < open.at || store.span.past) return;
    this.open = { start: NaN, at: Infinity };
    const next = this.open;
    await this.#fetch(this.selectors, open.start, open.start + store.step).catch(() => {
      if (this.open === next) this.open = { ...open, at: store.clock.now() + AGAIN / 1000 };
    });
  }

  /**
   * Note that something was not sent here; tells whether it is to be filled.
   * @param {Gap} gap
   */
  missed(gap) {
    if (!gap.types.includes("metrics") || compareIds(gap.before, this.store.asOf) <= 0) return false;
    this.waiting = [union([...this.waiting, gap])];
    return true;
  }

  /** Fill what was missed, point by point; what the server does not have either stays a hatched hole. */
  async fill() {
    const { store, truth, waiting } = this;
    const now = store.clock.now();
    if (!waiting.length || !this.loaded || store.asking || store.clock.monotonic() < this.againAt) return;
    this.waiting = [];
    // A time that is past has no gaps, and whoever comes back from it is given all points anew.
    if (store.span.past) return;
    const from = Math.min(...waiting.map((gap) => gap.from ?? -Infinity));
    const to = Math.max(...waiting.map((gap) => gap.to ?? now));
    const { step } = store;
    truth.filling++;
    try {
      const start = Math.floor(Math.max(from, now - store.range) / step) * step;
      await this.#fetch(this.selectors.filter((one) => !truth.refused.has(one)), start, Math.max(start, to) + step);
    } catch (error) {
      if (error instanceof Refused && !error.passing) return;
      this.againAt = store.clock.monotonic() + AGAIN;
      this.waiting = [union([...waiting, ...this.waiting])];
    } finally {
      truth.filling--;
      this.onFilled();
    }
  }
}

/**
 * One gap over several.
 * @param {Gap[]} gaps
 * @returns {Gap}
 */
function union(gaps) {
  const { from: _, to: __, ...rest } = /** @type {Gap} */ (gaps.at(-1));
  const [from, to] = [Math.min(...gaps.map((gap) => gap.from ?? -Infinity)), Math.max(...gaps.map((gap) => gap.to ?? Infinity))];
  return { ...rest, ...(from > -Infinity && { from }), ...(to < Infinity && { to }) };
}
