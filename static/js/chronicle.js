import { compareIds } from "./protocol.js";

/**
 * What the program said of itself, as people read it.
 *
 * @typedef {import("./protocol.js").System} System
 * @typedef {"calm" | "good" | "bad"} Tone
 * @typedef {{ id: string, time: number, shape: string, tone: Tone, text: string }} Happening `time`: Unix seconds
 */

/** Happenings that a page holds at most, and for how many seconds; and how many events are asked for, some untold. */
const MOST = 50;
const DAY = 86_400;
const ASKED = 200;

/** @type {Record<string, { shape: string, tone: Tone, say: (event: System) => string }>} */
const WORDS = {
  start: { shape: "●", tone: "calm", say: () => "started" },
  stop: { shape: "■", tone: "calm", say: () => "stopped" },
  collector_failed: { shape: "△", tone: "bad", say: ({ collector }) => `collector ${collector} has trouble` },
  collector_recovered: { shape: "✓", tone: "good", say: ({ collector }) => `collector ${collector} delivers again` },
  high_load: { shape: "△", tone: "bad", say: () => "high load" },
  load_normal: { shape: "✓", tone: "good", say: () => "load is normal again" },
  clock_step: { shape: "◇", tone: "calm", say: () => "the clock was set" },
  not_stored: { shape: "△", tone: "bad", say: ({ ids }) => `${counted(ids?.length ?? 0, "event")} not kept on disk` },
};

/** Of these pages fetch again; they tell nothing of the machine. */
const UNTOLD = new Set(["changed", "audit"]);

/** The newest happenings, the newest first, each once. */
export class Chronicle {
  past = `/api/v1/system?limit=${ASKED}`;
  known = false;
  filled = false;
  settled = false;
  asking = false;
  /** @type {Happening[]} */
  happenings = [];

  /** @param {() => number} now the server's time, seconds */
  constructor(now) {
    this.now = now;
  }

  /** @param {System} event */
  take(event) {
    if (UNTOLD.has(event.event)) return false;
    const at = this.happenings.findIndex(({ id }) => compareIds(id, event.id) <= 0);
    if (at >= 0 && this.happenings[at]?.id === event.id) return false;
    this.happenings.splice(at < 0 ? this.happenings.length : at, 0, happening(event));
    this.happenings.length = Math.min(this.happenings.length, MOST);
    return true;
  }

  /** Those of the last day. */
  recent() {
    const since = this.now() - DAY;
    return this.happenings.filter(({ time }) => time >= since);
  }

  /**
   * What happened near a moment.
   * @param {number} time Unix seconds
   * @param {number} reach seconds
   */
  near(time, reach) {
    return this.happenings.filter((happening) => Math.abs(happening.time - time) <= reach);
  }
}

/**
 * @param {System} event
 * @returns {Happening}
 */
function happening(event) {
  const { shape, tone, say } = WORDS[event.event] ?? { shape: "◇", tone: "calm", say: () => event.event.replaceAll("_", " ") };
  const message = (event.message ?? "").replace(/\.$/, "");
  const own = event.event === "start" || event.event === "stop";
  const text = !message ? say(event) : own ? message : `${say(event)}: ${message}`;
  return { id: event.id, time: event.timestamp, shape, tone, text };
}

/**
 * @param {number} count
 * @param {string} noun
 */
function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
