import { Passage } from "./passage.js";
import { Polling } from "./polling.js";

/**
 * @typedef {"connecting" | "open" | "waiting"} Phase
 * @typedef {"network" | "down" | "silent" | "refused" | "denied" | "bye"} Kind
 * @typedef {{ kind: Kind, text: string }} Cause
 * @typedef {{ close(): void, readyState: number, addEventListener(type: string, listener: (event: any) => void): void }} Source
 */

const LONGEST = 30_000;
/** Doublings of the wait after which it stays for a while: who comes back from a restart is to be met within seconds. */
const SOON = 3;
/** Tries after which the wait doubles on. */
const PATIENT = 12;
/** A stream that lasted this long ends the back-off. */
const STABLE = 5_000;
/** A stream of which nothing has come for so long is asked after. */
const MUTE = 4_000;
/** Milliseconds by which a heartbeat may be late before the same is asked. */
const LATE = 1000;

/** One event stream that is never given up: own reconnect with back-off and jitter, resuming after the last id. */
export class Connection {
  /**
   * @param {object} options
   * @param {(after: string | null) => string} options.url
   * @param {() => Promise<Cause>} options.probe why the server does not give a stream
   * @param {readonly string[]} options.types
   * @param {(event: any) => void} options.onEvent
   * @param {() => void} options.onChange
   * @param {() => number} [options.now] milliseconds that never jump
   * @param {() => number} [options.random]
   * @param {(url: string) => Source} [options.open]
   * @param {(url: string, wait: number) => Source} [options.poll]
   */
  constructor({ url, probe, types, onEvent, onChange, now, random, open, poll }) {
    this.url = url;
    this.probe = probe;
    this.types = types;
    this.onEvent = onEvent;
    this.onChange = onChange;
    this.now = now ?? (() => performance.now());
    this.random = random ?? Math.random;
    this.open = open ?? ((address) => new EventSource(address));
    this.poll = poll ?? ((address, wait) => new Polling(address, wait));
    this.passage = new Passage();
    /** @type {Phase} */
    this.phase = "connecting";
    /** @type {Cause | null} */
    this.cause = null;
    /** @type {string | null} */
    this.lastId = null;
    this.attempts = 0;
    this.nextTry = 0;
    this.lastByte = 0;
    this.openedAt = 0;
    this.heartbeat = 5;
    this.stopped = true;
    /** Whether it was asked why nothing comes of this stream. */
    this.asked = false;
    /** @type {Source | null} */
    this.source = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** @param {string | null} after */
  start(after) {
    this.lastId = after;
    this.stopped = false;
    this.#connect();
  }

  /** What the way between does to the stream. */
  get fault() {
    return this.passage.fault;
  }

  /** Close for good, until `start` or `wake`. */
  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.#drop();
  }

  /** Something changed for the better (network back, tab awake): try now unless the stream is plainly alive. */
  wake() {
    const silent = this.now() - this.lastByte > 1000 * this.heartbeat * 1.2;
    if (!this.stopped && this.phase === "open" && !silent) return;
    this.stopped = false;
    this.attempts = 0;
    this.#connect();
  }

  /** No byte for two heartbeats is a dead stream, whatever TCP believes; call it about once a second. */
  watch() {
    const reroute = this.passage.judge(this.now());
    if (this.stopped || this.phase === "waiting") return;
    if (reroute) {
      this.#connect();
      return;
    }
    const silence = this.now() - this.lastByte;
    if (silence > (this.phase === "open" ? 1000 * this.heartbeat + LATE : MUTE) && !this.asked) this.#ask();
    if (silence <= 2000 * this.heartbeat) return;
    const seconds = Math.round(silence / 1000);
    const text = this.phase === "open" ? `the server was silent for ${seconds} s and is tried anew` : "the server does not answer";
    this.#fail({ kind: "silent", text });
  }

  #connect() {
    clearTimeout(this.timer);
    this.#drop();
    this.phase = "connecting";
    this.lastByte = this.now();
    this.asked = false;
    this.passage.begin();
    const address = this.url(this.lastId);
    const source = (this.source = this.passage.polling ? this.poll(address, this.passage.wait) : this.open(address));
    for (const type of this.types) {
      source.addEventListener(type, (message) => {
        if (this.source === source) this.#receive(message);
      });
    }
    source.addEventListener("error", () => {
      // EventSource gives up for good on any answer but 200, so it is never left to reconnect by itself.
      if (this.source === source) this.#broken();
    });
    this.onChange();
  }

  /** Nothing has come yet, or nothing more: does the server answer at all? */
  #ask() {
    const { source } = this;
    this.asked = true;
    void this.probe().then(({ kind }) => {
      if (kind !== "network" || this.source !== source || !this.asked) return;
      this.passage.mute();
      if (this.phase !== "open") return;
      const seconds = Math.round((this.now() - this.lastByte) / 1000);
      if (this.passage.judge(this.now())) this.#connect();
      else this.#fail({ kind: "silent", text: `the stream was silent for ${seconds} s, though the server answers, and is tried anew` });
    });
  }

  /** @param {{ type: string, data: string | object }} message */
  #receive(message) {
    const now = this.now();
    const event = typeof message.data === "string" ? JSON.parse(message.data) : message.data;
    this.passage.heard(now, (now - this.lastByte) / 1000, event);
    this.lastByte = now;
    this.asked = false;
    if (typeof event.id === "string") this.lastId = event.id;
    if (message.type === "hello") {
      this.phase = "open";
      this.cause = null;
      this.openedAt = this.now();
      this.heartbeat = event.heartbeat_interval || this.heartbeat;
      this.onChange();
    } else if (message.type === "bye") {
      // Drawn for each viewer by the server, so that a crowd does not come back as one.
      this.#wait({ kind: "bye", text: farewell(event.reason) }, 1000 * (event.retry_after ?? 1));
      return;
    } else if (this.attempts && this.now() - this.openedAt > STABLE) {
      this.attempts = 0;
    }
    this.onEvent(event);
  }

  #broken() {
    this.#fail({ kind: "network", text: this.phase === "open" ? "the stream broke off" : "the server is not reachable" });
  }

  /** @param {Cause} cause */
  #fail(cause) {
    // The first try comes within a second; then the waits double, each with jitter, so that a crowd does not come back as one.
    const doublings = Math.min(SOON, this.attempts) + Math.max(0, this.attempts - PATIENT);
    const ceiling = Math.min(LONGEST, 900 * 2 ** doublings);
    this.attempts++;
    this.#wait(cause, ceiling * (0.5 + this.random() / 2));
    const tries = this.attempts;
    const silence = (this.now() - this.lastByte) / 1000;
    const broken = cause.kind === "network" && !this.passage.polling;
    void this.probe().then((found) => {
      if (broken && found.kind === "network") this.passage.broke(silence);
      if (this.phase === "open" || tries !== this.attempts) return;
      this.cause = found.kind !== "denied" && cause.kind === "silent" ? cause : found;
      this.onChange();
    });
  }

  /**
   * @param {Cause} cause
   * @param {number} delay milliseconds
   */
  #wait(cause, delay) {
    this.#drop();
    this.phase = "waiting";
    this.cause = cause;
    this.nextTry = this.now() + delay;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#connect(), delay);
    this.onChange();
  }

  #drop() {
    this.source?.close();
    this.source = null;
  }
}

/** @param {string} reason */
function farewell(reason) {
  if (reason === "shutdown") return "the server is shutting down";
  if (reason === "busy") return "the server is busy";
  if (reason === "revoked") return "access was withdrawn";
  return "the server ended the stream";
}
