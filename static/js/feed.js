import { again } from "./api.js";
import { Backfill } from "./backfill.js";
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
   * @param {(fault: string | null) => void} options.onShown told when the time that is wanted is shown (null), or why it cannot be
   * @param {(event: import("./protocol.js").Processes) => void} options.onProcesses
   * @param {(what: string) => void} options.onChanged something on the server that pages fetch again
   * @param {import("./news.js").News} options.news what happened besides samples
   * @param {(fault: string | null) => void} options.onFault
   * @param {() => void} options.onState
   */
  constructor({ api, store, clock, selectors, version, first, later = [], news, onLines, onShown, onProcesses, onChanged, onFault, onState }) {
    this.api = api;
    this.store = store;
    this.clock = clock;
    this.first = first;
    this.news = news;
    this.onLines = onLines;
    this.onProcesses = onProcesses;
    this.onChanged = onChanged;
    this.onFault = onFault;
    this.onState = onState;
    /** Questions for other series that are on their way. */
    this.choosing = 0;
    /** Streams that have begun. */
    this.greeted = 0;
    /** Newest id when the stream began: events up to it are old news. */
    this.newest = "0-0";
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
    this.backfill = new Backfill({
      api, store, truth: this.truth, selectors, onShown,
      later: first === null ? [] : later,
      want: (wanted) => this.connection.want(wanted),
      onFilled: () => onLines([...store.lines.values()]),
    });
  }

  /** Whether the charts have what they are to show. */
  get loaded() {
    return this.backfill.loaded;
  }

  /** Load the history and go on with the stream from where it ends. */
  async begin() {
    this.connection.prepare();
    try {
      const history = this.first === null ? null : this.api.history(this.first).catch(again);
      await Promise.all([this.#ask(), history]);
      const filled = await this.backfill.begin((await history) ?? undefined);
      this.connection.start(filled ? idBefore(this.store.asOf, LOOK_BACK) : null);
    } catch {
      // The connection finds out why, says so, and tries again; history follows with its first `hello`.
      this.connection.start(null);
    }
  }

  /**
   * Show other series than before. The stream is told first, so that what it brings and what is answered leave no hole.
   * @param {string[]} selectors
   */
  async choose(selectors) {
    const { backfill } = this;
    backfill.selectors = selectors;
    backfill.later = [];
    this.truth.refused.clear();
    this.connection.want(selectors);
    this.choosing++;
    if (!(await backfill.begin())) {
      // It is asked for again in a while, or with the next `hello`.
      backfill.loaded = false;
      this.connection.wake();
    }
    this.choosing--;
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
    if (!this.loaded) void this.backfill.begin().then((filled) => filled || this.connection.wake());
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
    if (!this.backfill.missed(gap)) return;
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
    if (!this.pace.slow(now)) void this.backfill.fill();
  }
}
