import { absence, refusal } from "./absence.js";
import { formatAge } from "./format.js";
import { timeOf } from "./protocol.js";
import { allowance, EARLY } from "./staleness.js";

/**
 * @typedef {import("./shared.js").SharedConnection} Connection
 * @typedef {import("./elements/connection-status.js").Status} Status
 * @typedef {import("./store.js").Store} Store
 */

/** Latencies of which the middle one is shown. */
const LATENCIES = 9;

/** What is told of a way that spoils the stream. */
const PASSAGES = { held: "held back by a proxy: polling", cut: "cut off by a proxy: polling" };

/** What the page knows about how true it is: the seven states of the stream, and who is at fault. */
export class Truth {
  /**
   * @param {Connection} connection
   * @param {Store} store
   * @param {string} version of the page
   */
  constructor(connection, store, version) {
    this.connection = connection;
    this.store = store;
    this.version = version;
    /** Version that the server says it has. */
    this.serverVersion = version;
    /** @type {Map<string, { name: string, error: string, late?: boolean }>} collectors that fail or are late, by source */
    this.failed = new Map();
    /** @type {Map<string, import("./answers.js").CollectorState>} by source */
    this.collectors = new Map();
    /** @type {Map<string, import("./api.js").Refused>} selectors of which the server gives no points, and why */
    this.refused = new Map();
    /** Fills of gaps that are under way. */
    this.filling = 0;
    /** Newest metrics event: when it was true and when it came, `performance.now()`. */
    this.newestBorn = -Infinity;
    this.newestAt = -Infinity;
    /** When anything at all came over the stream, `performance.now()`. */
    this.heardAt = -Infinity;
    /** @type {string | null} what a probe of a silent server gave */
    this.verdict = null;
    /** @type {number[]} */
    this.latencies = [];
    this.reloadAt = Infinity;
    /** What to tell of ticks that are left out for this viewer, and the seconds between those that come; 0: all come. */
    this.pace = "";
    this.spacing = 0;
    /** Whether they come too late to be shown as true, all the time. */
    this.late = false;
  }

  /** @param {number} milliseconds from sample to screen */
  painted(milliseconds) {
    this.latencies.push(milliseconds);
    if (this.latencies.length > LATENCIES) this.latencies.shift();
  }

  get latency() {
    const sorted = [...this.latencies].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? NaN;
  }

  /**
   * The shortest interval that any series declares, seconds; Infinity: none does. One that had ended before the newest of
   * the others was true tells nothing of the stream.
   */
  get shortest() {
    let shortest = Infinity;
    let living = Infinity;
    for (const { declared, lapse } of this.store.lines.values()) {
      if (declared === null) continue;
      shortest = Math.min(shortest, declared);
      if (this.newestBorn < lapse) living = Math.min(living, declared);
    }
    return living < Infinity ? living : shortest;
  }

  /** Seconds that may pass without a sample before that says something. */
  get hush() {
    return Math.max(this.patience, allowance(this.spacing) - EARLY);
  }

  /** Whether there are samples to wait for: where there never was one, heartbeats are all that comes. */
  get expected() {
    return this.newestAt > -Infinity || this.store.lines.size > 0;
  }

  /** Seconds within which the next sample of anything must come. */
  get patience() {
    const { shortest } = this;
    return shortest === Infinity ? 2 * this.connection.heartbeat : allowance(Math.max(shortest, this.store.stretched)) - EARLY;
  }

  /**
   * How old what happens may be told: as long as the stream speaks, silence means that nothing happened.
   * @returns {import("./panel.js").Subject}
   */
  get heard() {
    return { born: this.heardAt, deadline: this.heardAt + 1000 * this.patience, source: "", interval: this.connection.heartbeat };
  }

  /**
   * @param {number} now milliseconds
   * @returns {Status}
   */
  status(now) {
    const { phase, cause, nextTry, attempts } = this.connection;
    if (phase !== "open" && cause?.kind === "denied") return { word: "denied", detail: cause.text, action: "retry" };
    if (phase === "waiting") {
      const wait = Math.max(0, Math.ceil((nextTry - now) / 1000));
      return { word: "offline", detail: `next try in ${wait} s · ${cause?.text ?? ""}`, action: "retry" };
    }
    if (phase === "connecting") {
      if (attempts && cause) return { word: "offline", detail: `trying now · ${cause.text}`, action: "" };
      return { word: "connecting", detail: "", action: "" };
    }
    const behind = (now - this.newestBorn) / 1000;
    const silent = (now - Math.max(this.expected ? this.newestAt : this.connection.lastByte, this.connection.openedAt)) / 1000;
    if (silent > this.hush) {
      const since = this.newestAt > -Infinity ? ` for ${formatAge((now - this.newestAt) / 1000)}` : "";
      return { word: "stale", detail: `no sample${since} · ${this.explain("", now)}`, action: "" };
    }
    if (this.filling || this.late || (this.expected && behind > this.patience)) {
      const late = this.newestAt > -Infinity && behind > 1 ? `${formatAge(behind)} behind` : "";
      return { word: "catching up", detail: [late, this.pace].filter(Boolean).join(" · "), action: "" };
    }
    if (this.serverVersion !== this.version) {
      const wait = Math.ceil((this.reloadAt - now) / 1000);
      const renewal = wait < 100 ? ` · renewing in ${Math.max(0, wait)} s` : "";
      return { word: "outdated", detail: `version ${this.serverVersion} is out${renewal}`, action: "reload" };
    }
    const latency = Number.isNaN(this.latency) ? "" : `${Math.round(this.latency)} ms`;
    const { fault } = this.connection;
    const passage = fault ? PASSAGES[fault.kind] : "";
    return { word: "live", detail: [latency, this.pace, passage].filter(Boolean).join(" · "), action: fault ? "mend" : "" };
  }

  /**
   * Who is at fault that a source's values are old: stream, server, collector or the source itself.
   * @param {string} source
   * @param {number} now milliseconds
   */
  explain(source, now) {
    const { phase, cause, lastByte } = this.connection;
    if (phase !== "open") {
      const who = cause?.kind === "network" || cause?.kind === "denied" ? "stream" : "server";
      return cause ? `${who}: ${cause.text.replace(/^the (server|stream) /, "it ")}` : "stream: connecting";
    }
    const silence = (now - lastByte) / 1000;
    if (silence > this.patience) {
      return this.verdict ?? `stream: nothing received for ${formatAge(silence)}`;
    }
    // What had no successor when the history was told does not wait for the stream.
    const over = source && timeOf(this.store.asOf) - (this.store.sources.get(source)?.time ?? Infinity) > this.patience;
    if (!over && (now - this.connection.openedAt) / 1000 < this.patience) return "stream: catching up";
    const failed = this.failed.get(source);
    if (failed) return `collector ${failed.name}: ${failed.error}`;
    if ((now - this.newestAt) / 1000 > this.hush) return "server: it sends no samples";
    if (this.late || (now - this.newestBorn) / 1000 > this.patience) return "stream: catching up";
    if (!source) return "server: it sends no samples";
    const heard = this.store.sources.get(source)?.time ?? -Infinity;
    const goesOn = !over && this.store.clock.now() - heard < this.patience;
    return `source ${source}: ${goesOn ? "it goes on, but not with this" : "it stopped sending"}`;
  }

  /**
   * Why a panel cannot be shown as a whole; empty: it can.
   * @param {import("./panel.js").Panel} panel
   */
  refusal(panel) {
    return this.refused.size || panel.left ? refusal(this.refused, panel) : "";
  }

  /**
   * What to say where there is nothing to show.
   * @param {number} now milliseconds
   * @param {string} kind of the panel
   * @param {{ mayMatch(name: string): boolean }} selection
   */
  absence(now, kind, selection) {
    if (this.connection.phase !== "open") return `No data: ${this.explain("", now)}.`;
    return absence(this, kind, selection);
  }

  /** @param {import("./api.js").Status} status */
  adopt(status) {
    this.failed.clear();
    this.collectors = new Map(status.collectors.map((one) => [one.source, one]));
    for (const { name, source, state, error } of status.collectors) {
      if (state === "failed" || state === "late") this.failed.set(source, { name, error: error || "it is late", late: state === "late" });
    }
  }

  /** @param {import("./protocol.js").System} event */
  collector(event) {
    const name = event.collector ?? "";
    const instance = event.source.split("/")[0];
    const source = `${instance}/${name}`;
    if (event.event === "collector_failed") this.failed.set(source, { name, error: event.message || "it failed", late: event.what === "late" });
    else this.failed.delete(source);
  }
}
