import { compareIds, SYSTEM } from "./protocol.js";

/**
 * What the program said of itself, as people read it.
 *
 * @typedef {import("./protocol.js").System} System
 * @typedef {"calm" | "good" | "bad"} Tone
 * @typedef {{ id: string, time: number, shape: string, tone: Tone, text: string, span?: { from: number, to: number } }} Happening
 *   `time`: Unix seconds; `span`: of what is a time, not a moment
 * @typedef {{ id: string, from: number, to: number }} Blind a time in which nobody watched
 */

/** Happenings that a page holds at most, and for how many seconds; and how many events are asked for, some untold. */
const MOST = 50;
const DAY = 86_400;
const ASKED = 200;

/** @type {Record<string, { shape: string, tone: Tone, say: (event: System) => string }>} */
const WORDS = {
  start: { shape: "●", tone: "calm", say: () => "started" },
  stop: { shape: "■", tone: "calm", say: () => "stopped" },
  [SYSTEM.blind]: { shape: "▨", tone: "bad", say: () => "blind" },
  collector_failed: { shape: "△", tone: "bad", say: ({ collector }) => `collector ${collector} has trouble` },
  collector_recovered: { shape: "✓", tone: "good", say: ({ collector }) => `collector ${collector} delivers again` },
  high_load: { shape: "△", tone: "bad", say: () => "high load" },
  load_normal: { shape: "✓", tone: "good", say: () => "load is normal again" },
  clock_step: { shape: "◇", tone: "calm", say: () => "the clock was set" },
  storing_stopped: { shape: "△", tone: "bad", say: () => "points and logs are not stored" },
  storing_resumed: { shape: "✓", tone: "good", say: () => "points and logs are stored again" },
  not_stored: { shape: "△", tone: "bad", say: () => "not kept on disk" },
};

/** Of these pages fetch again; they tell nothing of the machine. */
const UNTOLD = new Set(["changed", "audit"]);

/** After which nothing is stored, or is again; a new run says anew what it cannot do. */
const TURNS = new Set(["storing_stopped", "storing_resumed", "start"]);

/** The newest happenings, the newest first, each once. */
export class Chronicle {
  past = `/api/v1/system?limit=${ASKED}`;
  known = false;
  filled = false;
  settled = false;
  asking = false;
  /** @type {Happening[]} */
  happenings = [];
  /** @type {Blind[]} not crowded out by what else happens */
  blinds = [];
  /** @type {{ id: string, halt: Happening | null } | null} the newest turn of storing */
  turn = null;

  /** @param {() => number} now the server's time, seconds */
  constructor(now) {
    this.now = now;
  }

  /** @param {System} event */
  take(event) {
    if (UNTOLD.has(event.event)) return false;
    const happened = happening(event);
    if (TURNS.has(event.event) && (!this.turn || compareIds(this.turn.id, event.id) < 0)) {
      this.turn = { id: event.id, halt: event.event === "storing_stopped" ? happened : null };
    }
    if (happened.span) insert(this.blinds, { id: event.id, ...happened.span });
    return insert(this.happenings, happened);
  }

  /** Those of the last day, but before them all that nothing is stored, for as long as that goes on. */
  recent() {
    const since = this.now() - DAY;
    const halt = this.turn?.halt;
    const others = this.happenings.filter(({ id, time }) => time >= since && id !== halt?.id);
    return halt ? [halt, ...others] : others;
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
  const { start: from, end: to } = event;
  const span = event.event === SYSTEM.blind && from !== undefined && to !== undefined ? { from, to } : undefined;
  // Of a time the message begins with its ends, in UTC; here they are told as all times of the page are.
  const message = (event.message ?? "").replace(span ? /^blind .*? UTC: / : "", "").replace(/\.$/, "");
  const own = event.event === "start" || event.event === "stop";
  const text = !message ? say(event) : own ? message : `${say(event)}: ${message}`;
  return { id: event.id, time: event.timestamp, shape, tone, text, ...(span && { span }) };
}

/**
 * Put something in its place, the newest first, of which there are so many at most; tells whether it was not there.
 * @template {{ id: string }} T
 * @param {T[]} list
 * @param {T} one
 */
function insert(list, one) {
  const at = list.findIndex(({ id }) => compareIds(id, one.id) <= 0);
  if (at >= 0 && list[at]?.id === one.id) return false;
  list.splice(at < 0 ? list.length : at, 0, one);
  list.length = Math.min(list.length, MOST);
  return true;
}
