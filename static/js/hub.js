import { Connection } from "./connection.js";
import { compareIds, CONTROL, LOGGED } from "./protocol.js";

/**
 * @typedef {import("./protocol.js").StreamEvent} StreamEvent
 * @typedef {import("./protocol.js").Logged} Logged
 * @typedef {{ postMessage(message: Told): void }} Port
 * @typedef {{ types: string[], selectors: string[] }} Wish no selectors: all series
 *
 * What a page says:
 * @typedef {{ do: "greet" | "leave" | "here" | "wake" }} Word
 * @typedef {Wish & { do: "join", serial: number, after: string | null }} Join
 *
 * What it is told; `whole`: the samples of an event may be more than those that it asked for, unless this is true.
 * @typedef {{ say: "here" | "lost" | "full" | "beat" }} Reply
 * @typedef {{ say: "event", serial: number, whole: boolean, event: StreamEvent }} Delivery
 * @typedef {{ say: "state", serial: number, phase: import("./connection.js").Phase, cause: import("./connection.js").Cause | null,
 *   attempts: number, wait: number }} State
 * @typedef {{ say: "fault", fault: import("./passage.js").Fault | null }} Accusation
 * @typedef {Reply | Delivery | State | Accusation} Told
 */

/** Milliseconds between two beats of the hub, and how many may go unanswered before a page is taken for gone. */
const [BEAT, UNANSWERED] = [5000, 3];
/** Beats after which what nobody wants any more is no longer asked for. */
const NARROW = 6;
/** Selectors that the server takes at most, and characters of an address that every proxy takes. */
const [MOST_SELECTORS, LONGEST] = [200, 7000];

/** One page: what it wants, and up to where it has it. */
class Channel {
  /** @param {Join} join */
  constructor({ serial, types, selectors, after }) {
    this.serial = serial;
    this.types = new Set(types);
    this.selectors = new Set(selectors);
    /** Everything of its wish up to this id was delivered; null: it begins after the newest. */
    this.last = after;
    /** Whether it was told that the stream is there. */
    this.open = false;
    this.whole = false;
    this.unanswered = 0;
  }
}

/** One stream for all pages of a browser: their wishes united, each page given every event of its own exactly once. */
export class Hub {
  /**
   * @param {object} options
   * @param {(selectors: string[], types: string[], after: string | null) => string} options.address
   * @param {() => Promise<import("./connection.js").Cause>} options.probe
   * @param {() => number} [options.now] milliseconds that never jump
   * @param {(url: string) => import("./connection.js").Source} [options.open]
   */
  constructor({ address, probe, now, open }) {
    this.address = address;
    /** @type {Map<Port, Channel>} */
    this.channels = new Map();
    /** @type {Channel[]} those that have a place in the log already, when the stream is asked for */
    this.placed = [];
    this.asked = "";
    /** @type {import("./passage.js").Fault | null} what the pages know of the way between */
    this.fault = null;
    this.beats = 0;
    this.beatAt = 0;
    this.connection = new Connection({
      url: () => this.#url(),
      probe,
      types: [...LOGGED, ...CONTROL],
      onEvent: (event) => this.#receive(event),
      onChange: () => this.#changed(),
      now,
      open,
    });
  }

  /**
   * Take what a page says.
   * @param {Port} port
   * @param {Word | Join} message
   */
  message(port, message) {
    if (message.do === "greet") port.postMessage({ say: "here" });
    else if (message.do === "join") this.#join(port, message);
    else if (message.do === "leave") this.#leave(port);
    else this.#answered(port, message.do);
  }

  /** Call it a few times a second. */
  watch() {
    if (!this.channels.size) return;
    this.connection.watch();
    if (this.connection.fault !== this.fault) {
      this.fault = this.connection.fault;
      for (const port of this.channels.keys()) port.postMessage({ say: "fault", fault: this.fault });
    }
    if (this.connection.now() - this.beatAt < BEAT) return;
    this.beatAt = this.connection.now();
    for (const [port, channel] of this.channels) {
      if (++channel.unanswered > UNANSWERED) this.#leave(port);
      else port.postMessage({ say: "beat" });
    }
    if (++this.beats >= NARROW && this.channels.size) this.#narrow();
  }

  /**
   * @param {Port} port
   * @param {Join} join
   */
  #join(port, join) {
    const channel = new Channel(join);
    this.channels.set(port, channel);
    if (this.channels.size > 1 && !this.#fits()) {
      this.channels.delete(port);
      port.postMessage({ say: "full" });
      return;
    }
    port.postMessage({ say: "fault", fault: this.fault });
    // Asking anew from where the last of all stands is the one way that needs no memory of what came meanwhile.
    this.connection.start(null);
  }

  /** @param {Port} port */
  #leave(port) {
    if (this.channels.delete(port) && !this.channels.size) this.connection.stop();
  }

  /**
   * @param {Port} port
   * @param {"here" | "wake"} word
   */
  #answered(port, word) {
    const channel = this.channels.get(port);
    if (!channel) {
      port.postMessage({ say: "lost" });
      return;
    }
    channel.unanswered = 0;
    if (word === "wake") this.connection.wake();
  }

  /** What all want together. */
  #union() {
    const channels = [...this.channels.values()];
    const types = new Set(channels.flatMap((channel) => [...channel.types]));
    const measured = channels.filter((channel) => channel.types.has("metrics"));
    const all = measured.some((channel) => !channel.selectors.size);
    const selectors = new Set(all ? [] : measured.flatMap((channel) => [...channel.selectors]));
    return { types: [...types].sort(), selectors: [...selectors].sort() };
  }

  #fits() {
    const { types, selectors } = this.#union();
    return selectors.length <= MOST_SELECTORS && this.address(selectors, types, null).length <= LONGEST;
  }

  #narrow() {
    this.beats = 0;
    const { types, selectors } = this.#union();
    if (this.connection.phase === "open" && this.address(selectors, types, null) !== this.asked) this.connection.start(null);
  }

  /** The address of the stream that all want, from where the last of them stands. */
  #url() {
    const { types, selectors } = this.#union();
    const channels = [...this.channels.values()];
    for (const channel of channels) channel.whole = channel.selectors.size === selectors.length;
    this.placed = channels.filter(({ last }) => last !== null);
    this.asked = this.address(selectors, types, null);
    this.beats = 0;
    const [least = null] = this.placed.map(({ last }) => /** @type {string} */ (last)).sort(compareIds);
    return this.address(selectors, types, least);
  }

  #changed() {
    const { phase, cause, attempts, nextTry, now } = this.connection;
    const wait = Math.max(0, nextTry - now());
    for (const [port, channel] of this.channels) {
      // That the stream is asked for anew on another page's behalf is nothing to a page that has it.
      if (phase === "waiting") channel.open = false;
      else if (channel.open) continue;
      port.postMessage({ say: "state", serial: channel.serial, phase, cause, attempts, wait });
    }
  }

  /** @param {StreamEvent} event */
  #receive(event) {
    if (event.type === "hello") this.#opened(event);
    else if (event.type === "heartbeat") for (const [port, channel] of this.channels) this.#send(port, channel, event);
    else if (event.type === "gap") this.#gap(event);
    else if (event.type !== "bye") this.#logged(event);
  }

  /** @param {import("./protocol.js").Hello} hello */
  #opened(hello) {
    const strange = this.placed.filter(({ last }) => last !== null && compareIds(last, hello.newest) > 0);
    // When no place is known to the server, it says so itself; else it knows of no other than the oldest.
    const told = strange.length === this.placed.length;
    for (const [port, channel] of this.channels) {
      if (!channel.open) this.#send(port, channel, hello);
      channel.open = true;
      if (channel.last !== null && !strange.includes(channel)) continue;
      channel.last = hello.newest;
      if (strange.includes(channel) && !told) this.#lost(port, channel, hello);
    }
  }

  /**
   * @param {Port} port
   * @param {Channel} channel whose place is of another log
   * @param {import("./protocol.js").Hello} hello
   */
  #lost(port, channel, { newest, server_time }) {
    const [time = "0", sequence = "0"] = newest.split("-");
    const types = LOGGED.filter((type) => channel.types.has(type));
    this.#send(port, channel, {
      type: "gap", after: "0-0", before: `${time}-${Number(sequence) + 1}`, to: server_time, types, reason: "unknown_id",
    });
  }

  /** @param {import("./protocol.js").Gap} gap told to those who lack what it covers */
  #gap(gap) {
    for (const [port, channel] of this.channels) {
      const types = gap.types.filter((type) => channel.types.has(type));
      const had = channel.last !== null && compareIds(channel.last, gap.before) >= 0;
      if (types.length && !had) this.#send(port, channel, { ...gap, types });
    }
  }

  /** @param {Logged} event */
  #logged(event) {
    for (const [port, channel] of this.channels) {
      if (channel.last !== null && compareIds(event.id, channel.last) <= 0) continue;
      channel.last = event.id;
      if (channel.types.has(event.type)) this.#send(port, channel, event);
    }
  }

  /**
   * @param {Port} port
   * @param {Channel} channel
   * @param {StreamEvent} event
   */
  #send(port, channel, event) {
    port.postMessage({ say: "event", serial: channel.serial, whole: channel.whole, event });
  }
}
