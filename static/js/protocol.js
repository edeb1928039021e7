/**
 * The wire contract, as the server's own declarations have it.
 *
 * @typedef {import("./events.js").Metrics} Metrics
 * @typedef {import("./events.js").ProcessRow} ProcessRow
 * @typedef {import("./events.js").Processes} Processes
 * @typedef {import("./events.js").Level} Level
 * @typedef {import("./events.js").Log} Log
 * @typedef {import("./events.js").Task} Task
 * @typedef {import("./events.js").Notification} Notification
 * @typedef {import("./events.js").System} System
 * @typedef {import("./events.js").Hello} Hello
 * @typedef {import("./events.js").Heartbeat} Heartbeat
 * @typedef {import("./events.js").Gap} Gap
 * @typedef {import("./events.js").Bye} Bye
 * @typedef {import("./events.js").Logged} Logged
 * @typedef {import("./events.js").Control} Control
 * @typedef {import("./events.js").StreamEvent} StreamEvent
 */

/** @type {Record<Logged["type"], true>} */
const logged = { metrics: true, processes: true, log: true, task: true, notification: true, system: true };

/** Types that have an id and a place in the log. */
export const LOGGED = /** @type {Logged["type"][]} */ (Object.keys(logged));

/** @type {Record<Control["type"], true>} */
const control = { hello: true, heartbeat: true, gap: true, bye: true };

/** Types that are about the stream itself and never move Last-Event-ID. */
export const CONTROL = /** @type {Control["type"][]} */ (Object.keys(control));

/**
 * What a `system` event tells.
 * @satisfies {Record<string, import("./events.js").SystemEvent>}
 */
export const SYSTEM = /** @type {const} */ ({
  blind: "blind",
  collectorFailed: "collector_failed",
  collectorRecovered: "collector_recovered",
  changed: "changed",
  clockStep: "clock_step",
});

/**
 * Compare two event ids, `<milliseconds>-<sequence>`: negative when `a` is the older.
 * @param {string} a
 * @param {string} b
 */
export function compareIds(a, b) {
  const [aTime = 0, aSequence = 0] = a.split("-").map(Number);
  const [bTime = 0, bSequence = 0] = b.split("-").map(Number);
  return aTime - bTime || aSequence - bSequence;
}

/**
 * The Unix seconds at which an id was given.
 * @param {string} id
 */
export function timeOf(id) {
  return Number(id.split("-")[0]) / 1000;
}

/**
 * The id that begins some seconds before another, to see the newest values of the log once more.
 * @param {string} id
 * @param {number} seconds
 */
export function idBefore(id, seconds) {
  return `${Math.max(0, Number(id.split("-")[0]) - Math.round(seconds * 1000))}-0`;
}

/**
 * @typedef {{ above: number, severity: string }} Threshold
 * @typedef {{ id: string, title: string, kind: string, series: string[], legend: string, width: number,
 *   height?: number | null, unit?: string | null, min?: number | null, max?: number | null, stack?: boolean,
 *   thresholds: Threshold[], text?: string | null, level?: Level, contains?: string, logger?: string }} PanelSpec
 * @typedef {{ name: string, title: string, range: number, panels: PanelSpec[], fault: string | null,
 *   instance: string, version: string, root_path: string, history: History }} BoardSpec
 * @typedef {{ selectors: string[], later: string[], wanted: number, range: number, step: number, start: number | null,
 *   end: number | null, longest: number, url: string }} History what the page asks first, in seconds
 */

/** What a panel is until it is told. */
export const NO_PANEL = /** @type {PanelSpec} */ ({ id: "", title: "", kind: "", series: [], legend: "", width: 12, thresholds: [] });
