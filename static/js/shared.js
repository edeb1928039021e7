import { Connection } from "./connection.js";
import { Trim } from "./trim.js";

/**
 * @typedef {import("./hub.js").Told} Told
 * @typedef {import("./connection.js").Phase} Phase
 * @typedef {import("./connection.js").Cause} Cause
 * @typedef {{ postMessage(message: object): void, close(): void, onmessage: ((message: any) => void) | null }} Port
 * @typedef {(failed: () => void) => Port} Attach reach the shared one; `failed` is called when that is known to be in vain
 */

/** Milliseconds within which whoever is there answers. */
const ANSWER = 1000;
/** Milliseconds after which a page with a stream of its own looks for company again. */
const AGAIN = 60_000;

/** The stream as it comes through the one that all pages of this browser share: what `Connection` tells of its own. */
class Remote {
  /** @type {Phase} */
  phase = "connecting";
  /** @type {Cause | null} */
  cause = null;
  /** @type {string | null} */
  lastId = null;
  /** @type {import("./passage.js").Fault | null} */
  fault = null;
  attempts = 0;
  nextTry = 0;
  lastByte = 0;
  openedAt = 0;
  heartbeat = 5;
}

/** A page's event stream: shared with all others of this browser where that can be, else one of its own. */
export class SharedConnection {
  /**
   * @param {object} options
   * @param {import("./api.js").Api} options.api
   * @param {string[]} options.types of events that are wanted
   * @param {string[]} options.selectors
   * @param {readonly string[]} options.names of all events that there are
   * @param {(event: any) => void} options.onEvent
   * @param {() => void} options.onChange
   * @param {Attach | null} [options.attach] null: there is no shared one
   * @param {() => number} [options.now] milliseconds that never jump
   * @param {(url: string) => import("./connection.js").Source} [options.open]
   */
  constructor({ api, types, selectors, names, onEvent, onChange, attach = worker(), now = () => performance.now(), open }) {
    this.types = types;
    this.selectors = selectors;
    this.onEvent = onEvent;
    this.onChange = onChange;
    this.now = now;
    this.direct = new Connection({
      url: (after) => api.stream(this.selectors, types, after),
      probe: () => api.diagnose(),
      types: names,
      onEvent,
      onChange,
      now,
      open,
    });
    this.remote = new Remote();
    /** @type {Remote | Connection} the one that counts */
    this.view = this.remote;
    this.trim = trimOf(selectors);
    this.attach = this.trim && attach;
    this.stopped = true;
    /** @type {Port | null} */
    this.port = null;
    this.present = false;
    /** Whether it may still answer in time. */
    this.waiting = false;
    this.serial = 0;
    this.heardAt = 0;
    /** When it was asked last whether the shared one is there, while that is open; Infinity: it answered. */
    this.askedAt = Infinity;
    /** When it was last found that there is no shared one. */
    this.failedAt = -Infinity;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  get phase() {
    return this.view.phase;
  }

  get cause() {
    return this.view.cause;
  }

  get lastId() {
    return this.view.lastId;
  }

  get fault() {
    return this.view.fault;
  }

  get attempts() {
    return this.view.attempts;
  }

  get nextTry() {
    return this.view.nextTry;
  }

  get lastByte() {
    return this.view.lastByte;
  }

  get openedAt() {
    return this.view.openedAt;
  }

  get heartbeat() {
    return this.view.heartbeat;
  }

  /** Look whether the stream is shared, so that it is known when it is needed. */
  prepare() {
    if (this.present || this.waiting || !this.attach || this.now() - this.failedAt <= AGAIN) return;
    this.#part();
    this.#greet(this.attach);
  }

  /** @param {string | null} after */
  start(after) {
    this.remote.lastId = after;
    this.remote.lastByte = this.now();
    this.stopped = false;
    if (this.present) {
      this.#join();
      return;
    }
    this.prepare();
    if (!this.present && !this.waiting) this.#alone();
  }

  /**
   * Want other series than before: what is open is opened anew, from where it stands.
   * @param {string[]} selectors some of those of the beginning
   */
  want(selectors) {
    if (selectors.join("\n") === this.selectors.join("\n")) return;
    this.selectors = selectors;
    this.trim = trimOf(selectors);
    if (this.stopped) return;
    this.stop();
    this.start(this.lastId);
  }

  /** Close for good, until `start` or `wake`. */
  stop() {
    this.remote.lastId = this.lastId;
    this.stopped = true;
    this.#part();
    this.direct.stop();
    this.view = this.remote;
  }

  /** Something changed for the better (network back, tab awake): try now unless the stream is plainly alive. */
  wake() {
    if (this.stopped) this.start(this.lastId);
    else if (this.view === this.direct) this.direct.wake();
    else if (this.phase !== "open" || this.now() - this.lastByte > 1200 * this.heartbeat) this.#ask("wake");
  }

  /** Notice silence, of the server and of whoever brings its stream; call it about once a second. */
  watch() {
    if (this.stopped) return;
    if (this.view === this.direct) {
      this.direct.watch();
      this.prepare();
      return;
    }
    if (!this.present) return;
    if (this.now() - this.askedAt > ANSWER) this.#renew();
    else if (this.now() - this.heardAt > 2000 * this.heartbeat - ANSWER && this.askedAt === Infinity) this.#ask("here");
  }

  /** @param {Attach} attach */
  #greet(attach) {
    try {
      const port = (this.port = attach(() => {
        if (this.port === port && !this.present) this.#part();
        if (this.port === null) this.#absent();
      }));
      port.onmessage = ({ data }) => {
        if (this.port === port) this.#told(/** @type {Told} */ (data));
      };
      this.waiting = true;
      this.timer = setTimeout(() => this.#absent(), ANSWER);
      port.postMessage({ do: "greet" });
    } catch {
      this.#absent();
    }
  }

  /** Nobody answers: another may have taken its place. */
  #renew() {
    this.remote.lastId = this.lastId;
    this.#part();
    this.prepare();
    if (!this.present && !this.waiting) this.#alone();
  }

  /** Go on without, until it answers after all. */
  #absent() {
    this.waiting = false;
    this.failedAt = this.now();
    if (!this.stopped && this.view !== this.direct) this.#alone();
  }

  #alone() {
    this.view = this.direct;
    this.direct.start(this.remote.lastId);
  }

  #part() {
    clearTimeout(this.timer);
    this.port?.postMessage({ do: "leave" });
    this.port?.close();
    this.port = null;
    this.present = this.waiting = false;
    this.askedAt = Infinity;
  }

  #join() {
    const { remote, types, selectors } = this;
    if (this.view === this.direct) {
      remote.lastId = this.direct.lastId;
      this.direct.stop();
      this.view = remote;
    }
    remote.phase = "connecting";
    this.serial++;
    this.port?.postMessage({ do: "join", serial: this.serial, types, selectors, after: remote.lastId });
    this.onChange();
  }

  /** @param {"here" | "wake"} word that is answered, if not in words */
  #ask(word) {
    this.port?.postMessage({ do: word });
    this.port?.postMessage({ do: "greet" });
    this.askedAt = Math.min(this.askedAt, this.now());
  }

  /** @param {Told} told */
  #told(told) {
    this.heardAt = this.now();
    this.askedAt = Infinity;
    if (told.say === "beat") this.port?.postMessage({ do: "here" });
    else if (told.say === "here") this.#welcome();
    else if (told.say === "lost") this.#join();
    else if (told.say === "full") this.#crowded();
    else if (told.say === "fault") this.remote.fault = told.fault;
    else if (told.say === "state" && told.serial === this.serial) this.#state(told);
    else if (told.say === "event" && told.serial === this.serial) this.#event(told);
  }

  /** All pages together want more than one stream may carry. */
  #crowded() {
    this.attach = null;
    this.#part();
    this.#absent();
  }

  #welcome() {
    clearTimeout(this.timer);
    if (this.present) return;
    this.present = true;
    this.waiting = false;
    if (!this.stopped) this.#join();
  }

  /** @param {import("./hub.js").State} state */
  #state({ phase, cause, attempts, wait }) {
    const { remote } = this;
    // It is told a moment before its `hello` comes, and is not silent for as long as there was none.
    if (phase === "open" && remote.phase !== "open") remote.openedAt = remote.lastByte = this.now();
    Object.assign(remote, { phase, cause, attempts, nextTry: this.now() + wait });
    this.onChange();
  }

  /** @param {import("./hub.js").Delivery} delivery */
  #event({ event, whole }) {
    const { remote } = this;
    remote.lastByte = this.now();
    if ("id" in event) remote.lastId = event.id;
    if (event.type === "hello") {
      Object.assign(remote, { phase: "open", cause: null, attempts: 0, openedAt: this.now() });
      remote.heartbeat = event.heartbeat_interval || remote.heartbeat;
      this.onChange();
    }
    const own = event.type === "metrics" && !whole && this.trim ? this.trim.metrics(event) : event;
    if (own) this.onEvent(own);
  }
}

/**
 * @param {string[]} selectors
 * @returns {Trim | null} null: only the server can tell what these choose, so the stream cannot be shared
 */
function trimOf(selectors) {
  try {
    return new Trim(selectors);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The way to the one that all pages of this browser share; its address is another for each version, and for nothing else. */
function worker() {
  if (typeof SharedWorker === "undefined") return null;
  return (/** @type {() => void} */ failed) => {
    const shared = new SharedWorker(new URL("./shared-worker.js", import.meta.url), { type: "module", name: "stream" });
    shared.addEventListener("error", failed);
    return shared.port;
  };
}
