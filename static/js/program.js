/**
 * @typedef {import("./answers.js").Status} Status
 * @typedef {{ severity: "warning" | "critical", text: string }} Problem
 * @typedef {{ seconds: number, bytes: number, events: number, refused: number }} Growth what came to what there was
 */

/** Milliseconds that growth is measured over. */
const SPAN = 10_000;
/** Seconds by which everything is late when the event loop is, above which it is felt. */
const LATE = 0.25;
/** Share of its events' bound that a stream lags behind, from which it is about to lose some. */
const FAR = 0.5;

/** @param {Record<string, number>} counts */
export const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);

/** How fast counters grow, over the last answers of one run of the program. */
export class Rates {
  constructor() {
    /** @type {{ at: number, status: Status }[]} */
    this.kept = [];
  }

  /**
   * @param {Status} status
   * @param {number} at milliseconds of `performance.now()`
   */
  take(status, at) {
    if (this.kept[0]?.status.started_at !== status.started_at) this.kept = [];
    this.kept.push({ at, status });
    while (this.kept.length > 2 && at - (this.kept[1]?.at ?? at) >= SPAN) this.kept.shift();
  }

  /** Forget all, because time went by that was not counted. */
  clear() {
    this.kept = [];
  }

  /** @returns {Growth | null} null while there is nothing to compare */
  growth() {
    const [first, last] = [this.kept[0], this.kept.at(-1)];
    if (!first || !last || last.at <= first.at) return null;
    return {
      seconds: (last.at - first.at) / 1000,
      bytes: last.status.bytes_sent - first.status.bytes_sent,
      events: sum(last.status.published) - sum(first.status.published),
      refused: sum(last.status.streams_refused) - sum(first.status.streams_refused),
    };
  }
}

/**
 * What is wrong with the program now, the worst first.
 * @param {Status} status
 * @param {Growth | null} growth
 * @returns {Problem[]}
 */
export function problemsOf(status, growth) {
  /** @type {Problem[]} */
  const critical = [];
  /** @type {Problem[]} what fails, which a board tells before any other warning, too */
  const failing = [];
  /** @type {Problem[]} */
  const warning = [];
  const warn = (/** @type {string} */ text) => warning.push({ severity: "warning", text });
  for (const { name, state } of status.collectors) {
    if (state === "failed") failing.push({ severity: "warning", text: `Collector ${name} fails` });
    if (state === "late") warn(`Collector ${name} is late`);
  }
  if (status.storage.trouble) critical.push({ severity: "critical", text: "Points and logs are not stored" });
  if (growth && growth.refused > 0) critical.push({ severity: "critical", text: "Streams are being refused" });
  if (status.series >= status.max_series) warn("No room for further series");
  if (status.slowest > FAR * status.log.max_events) warn(`The slowest stream is ${status.slowest} events behind`);
  if ((status.process.loop_lag ?? 0) > LATE) warn("The event loop is late");
  if (status.board_fault) warn("The settings have a fault");
  return [...critical, ...failing, ...warning];
}
