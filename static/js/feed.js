import { again } from "./api.js";
import { compareIds, CONTROL, idBefore, LOGGED, SYSTEM } from "./protocol.js";
import { Pace } from "./pace.js";
import { SharedConnection } from "./shared.js";
import { Truth } from "./truth.js";

/**
 * @typedef {import("./protocol.js").StreamEvent} StreamEvent
 * @typedef {import("./protocol.js").Gap} Gap
 * @typedef {import("./line.js").Line} Line
 */

/** Seconds of the log that are seen once more at the start: the newest exact values, and totals to take rates from. */
const LOOK_BACK = 6;
/** So many milliseconds the server's status is news. */
const FRESH = 2000;
/** Events that wait for the clock to be checked, at most. */
const HELD = 500;
/** Seconds by which two clocks that were compared may differ, and by which the word that a clock was set may be late. */
const TIMER = 0.25;
const LATEST = 30;

/** Brings history and stream together into the store, without a hole and without a point twice. */
export class Feed {
  /**
   * @param {object} options
   * @param {import("./api.js").Api} options.api
   * @param {import("./store.js").Store} options.store
   * @param {import("./clock.js").ServerClock} options.clock
   * @param {string[]} options.selectors
   * @param {string} options.version
   * @param {string[]} [options.later] those of the selectors that this question leaves out
   * @param {string | null} options.first question for the history that the page's head has put already
   * @param {(lines: Line[], taken?: number | null) => void} options.onLines
   * @param {(event: import("./protocol.js").Processes) => void} options.onProcesses
   * @param {(what: string) => void} options.onChanged something on the server that pages fetch again
   * @param {import("./news.js").News} options.news what happened besides samples
   * @param {(fault: string | null) => void} options.onFault
   * @param {() => void} options.onState
   */
  constructor({ api, store, clock, selectors, version, first, later = [], news, onLines, onProcesses, onChanged, onFault, onState }) {
    this.api = api;
    this.store = store;
    this.clock = clock;
    this.selectors = selectors;
    this.first = first;
    /** Selectors whose history is still to be asked for. */
    this.later = first === null ? [] : later;
    this.news = news;
    this.onLines = onLines;
    this.onProcesses = onProcesses;
    this.onChanged = onChanged;
    this.onFault = onFault;
    this.onState = onState;
    this.loaded = false;
    /** Questions for other series that are on their way. */
    this.choosing = 0;
    /** Streams that have begun. */
    this.greeted = 0;
    /** Newest id when the stream began: events up to it are old news. */
    this.newest = "0-0";
    /** @type {Gap[]} gaps that are to be filled; those of a slow viewer once it has caught up */
    this.waiting = [];
    this.pace = new Pace();
    /** @type {StreamEvent[] | null} */
    this.held = null;
    this.probing = false;
    /** When the server's status was asked for last, `performance.now()`. */
    this.askedAt = -Infinity;
    /** The clock's offset before a step that no round trip has measured yet; NaN: there was none. */
    this.before = NaN;
    const { types } = news;
    this.connection = new SharedConnection({
      api,
      types,
      selectors,
      names: [...LOGGED, ...CONTROL],
      onEvent: (event) => this.#receive(event),
      onChange: onState,
    });
    this.truth = new Truth(this.connection, store, version);
  }

  /** Load the history and go on with the stream from where it ends. */
  async begin() {
    this.connection.prepare();
    try {
      const history = this.first === null ? null : this.api.history(this.first).catch(again);
      await Promise.all([this.#ask(), history]);
      await this.load((await history) ?? undefined);
      this.connection.start(idBefore(this.store.asOf, LOOK_BACK));
    } catch {
      // The connection finds out why, says so, and tries again; history follows with its first `hello`.
      this.connection.start(null);
    }
  }

  /**
   * Fill all charts from the server's memory.
   * @param {import("./store.js").RangeAnswer} [known] the answer, where it is here already
   */
  async load(known) {
    const { store, clock } = this;
    const end = Math.ceil(clock.now()) + 1;
    const start = Math.floor((end - store.range) / store.step) * store.step;
    const span = store.range;
    const answer = known ?? (await this.#points(this.selectors, start, end, store.step));
    if (span !== store.range || answer.step !== store.step) return;
    if (!known) this.later = [];
    store.load(answer);
    if (store.fit()) {
      await this.load();
      return;
    }
    this.loaded = true;
    this.onLines([...store.lines.values()]);
  }

  /**
   * Show other series than before. The stream is told first, so that what it brings and what is answered leave no hole.
   * @param {string[]} selectors
   */
  async choose(selectors) {
    this.selectors = selectors;
    this.later = [];
    this.truth.refused.clear();
    this.connection.want(selectors);
    this.choosing++;
    try {
      await this.load();
    } catch {
      // It is asked for again with the next `hello`.
      this.loaded = false;
      this.connection.wake();
    } finally {
      this.choosing--;
    }
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
    else answer = await (await import("./apart.js")).apart(this.api, refused, selectors, start, end, step);
    this.connection.want(this.selectors.filter((selector) => !refused.has(selector)));
    return answer;
  }

  /** Fetch the history that the first question left out, once the first picture is there. */
  async complete() {
    const { later, store, clock } = this;
    if (!later.length || !this.loaded) return;
    this.later = [];
    const { step } = store;
    const end = Math.ceil(clock.now()) + 1;
    try {
      const answer = await this.#points(later, Math.floor((end - store.range) / step) * step, end, step);
      if (step === store.step) store.load(answer, true);
      this.onLines([...store.lines.values()]);
    } catch {
      this.later = later;
    }
  }

  /** Ask the server what those new series are whose names leave it open. */
  async learn() {
    const names = [...this.store.doubtful];
    if (!names.length) return;
    this.store.doubtful.clear();
    try {
      for (const { name, type } of await this.api.series(names)) this.store.declare(name, type);
    } catch {
      for (const name of names) this.store.doubtful.add(name);
    }
  }

  /** Ask the server what time it is, how its collectors are, which version it has. */
  async #ask() {
    const { status, sent, received } = await this.#timed();
    const { offset } = this.clock;
    if (this.clock.bracket(status.server_time, sent, received) === "stepped") this.store.clockStepped(this.clock.offset - offset);
    this.before = NaN;
    this.truth.adopt(status);
    this.truth.serverVersion = status.version;
    this.onFault(status.board_fault);
  }

  /** The status, and when the question went out and its answer came; the first was put by the page's head. */
  async #timed() {
    const { monotonic } = this.clock;
    if (!this.clock.known) return this.api.timedStatus(monotonic);
    const sent = monotonic();
    return { status: await this.api.status(), sent, received: monotonic() };
  }

  /** Call it about once a second: notices silence, and asks a silent server whether it is there at all. */
  watch() {
    const { connection, truth } = this;
    connection.watch();
    this.#measure();
    const silence = (this.clock.monotonic() - connection.lastByte) / 1000;
    if (connection.phase !== "open" || silence < truth.patience) truth.verdict = null;
    else if (!this.probing && truth.verdict === null) {
      this.probing = true;
      void this.api.diagnose().then(({ kind, text }) => {
        this.probing = false;
        const answers = kind === "network";
        truth.verdict = answers ? "stream: nothing comes, though the server answers" : `server: ${kind === "down" ? "it does not answer" : text}`;
      });
    }
  }

  /** @param {StreamEvent} event */
  #receive(event) {
    this.truth.heardAt = this.clock.monotonic();
    if (event.type === "hello" || event.type === "heartbeat") this.#tell(event);
    else if (event.type === "system" && event.event === SYSTEM.clockStep && compareIds(event.id, this.newest) > 0) {
      this.#stepped(event);
      this.#take(event);
    } else if (this.held && this.held.length < HELD) this.held.push(event);
    else this.#take(event);
  }

  /** @param {import("./protocol.js").Hello | import("./protocol.js").Heartbeat} event */
  #tell(event) {
    const { offset } = this.clock;
    const verdict = this.clock.observe(event.server_time);
    if (verdict === "stepped") this.store.clockStepped(this.clock.offset - offset);
    if (verdict !== "steady" && Number.isNaN(this.before)) this.before = offset;
    // A heartbeat is late, or the clock was set back: then that is told before any sample of the new time, and nothing has
    // to wait. What happened to the clock while there was no stream nobody tells.
    if (verdict === "doubtful" && event.type === "hello") this.#check();
    else if (verdict === "doubtful") void this.#ask().catch(() => {});
    if (event.type !== "hello") return;
    this.greeted++;
    this.newest = event.newest || "0-0";
    this.truth.latencies = [];
    this.truth.serverVersion = event.version;
    this.news.hello(event);
    if (!this.loaded) void this.load().catch(() => this.connection.wake());
    else if (verdict !== "doubtful" && this.clock.monotonic() - this.askedAt > FRESH) void this.#ask().catch(() => {});
  }

  /** The clock was set, but how is not known: hold what comes until a round trip has told. */
  #check() {
    if (this.held) return;
    this.held = [];
    void this.#ask().catch(() => {}).then(() => this.#release());
  }

  #release() {
    const events = this.held ?? [];
    this.held = null;
    for (const event of events) this.#take(event);
  }

  /**
   * The server says by how much its clock was set. What was known before the step and the step itself are exact, however
   * late the words come: so nothing waits for the round trip, which goes on and has the last word.
   * @param {import("./protocol.js").System} event
   */
  #stepped({ timestamp, step = 0 }) {
    // Without doubt before it, the clock has been measured since, or the step is too small to be one.
    const shift = this.before + step - this.clock.offset || 0;
    const late = this.clock.now() + shift - timestamp;
    if (!(late > -TIMER && late < LATEST)) return this.#check();
    this.before = NaN;
    this.clock.shift(shift);
    if (shift) this.store.clockStepped(shift);
    void this.#ask().catch(() => {});
    this.#release();
  }

  /** @param {StreamEvent} event */
  #take(event) {
    if (event.type === "metrics") {
      const lines = this.store.take(event);
      const now = this.clock.monotonic();
      this.truth.newestAt = now;
      this.truth.newestBorn = Math.max(this.truth.newestBorn, Math.min(now, this.clock.local(event.timestamp)));
      this.pace.took(now, Math.min(now, this.clock.local(event.timestamp)));
      // What was sent before the stream began, or took its collector long, says nothing of the way to the screen.
      const telling = compareIds(event.id, this.newest) > 0 && (event.interval ?? Infinity) <= this.truth.shortest;
      this.onLines(lines, telling ? event.timestamp : null);
    } else if (event.type === "processes") {
      this.onProcesses(event);
    } else if (event.type === "system") {
      this.#system(event);
    } else if (event.type === "gap") {
      this.#gap(event);
    }
    this.news.take(event);
  }

  /** @param {import("./protocol.js").System} event */
  #system(event) {
    const { collectorFailed, collectorRecovered, changed } = SYSTEM;
    const fresh = compareIds(event.id, this.newest) > 0;
    if (event.event === collectorFailed || event.event === collectorRecovered) this.truth.collector(event);
    else if (event.event === changed && fresh) this.onChanged(event.what ?? "");
    this.onState();
  }

  /** @param {Gap} gap */
  #gap(gap) {
    // Another run of the server may have other boards than the one that gave this page.
    if (gap.reason === "restart" && this.greeted > 1) this.onChanged("boards");
    if (!gap.types.includes("metrics") || compareIds(gap.before, this.store.asOf) <= 0 || !this.loaded) return;
    this.waiting = [union([...this.waiting, gap])];
    if (gap.reason === "slow") this.pace.gap(this.clock.monotonic(), gap.skipped);
    this.#measure();
  }

  /** How fast ticks come here; what a slow viewer was not sent is fetched when it is slow no more. */
  #measure() {
    const now = this.clock.monotonic();
    const [spacing, lateness] = [this.pace.spacing(now), this.pace.lateness(now)];
    this.store.stretch(spacing, lateness);
    [this.truth.spacing, this.truth.late] = [spacing, lateness > 0];
    this.truth.pace = this.pace.text(now);
    if (this.waiting.length && !this.pace.slow(now)) void this.#fillWaiting();
  }

  async #fillWaiting() {
    if (!this.waiting.length) return;
    const now = this.clock.now();
    const from = Math.min(...this.waiting.map((gap) => gap.from ?? -Infinity));
    const to = Math.max(...this.waiting.map((gap) => gap.to ?? now));
    this.waiting = [];
    const { step } = this.store;
    this.truth.filling++;
    try {
      const start = Math.floor(Math.max(from, now - this.store.range) / step) * step;
      const answer = await this.#points(this.connection.selectors, start, Math.max(start, to) + step, step);
      if (step === this.store.step) this.store.load(answer, true);
    } catch {
      // What cannot be fetched stays a hatched hole, which is what is known.
    } finally {
      this.truth.filling--;
      this.onLines([...this.store.lines.values()]);
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
