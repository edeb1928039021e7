/**
 * The wire contract, mirrored from the server's `events.py`.
 *
 * @typedef {{ id: string, type: "metrics", timestamp: number, source: string, interval: number | null,
 *   resource: Record<string, string>, samples: Record<string, number> }} Metrics
 * @typedef {{ pid: number, name: string, user: string, cpu_ratio: number, resident_bytes: number, threads: number,
 *   state: string, command?: string }} ProcessRow
 * @typedef {{ id: string, type: "processes", timestamp: number, source: string, interval: number | null,
 *   resource: Record<string, string>, rows: ProcessRow[] }} Processes
 * @typedef {"debug" | "info" | "warning" | "error" | "critical"} Level
 * @typedef {{ id: string, type: "log", timestamp: number, source: string, resource: Record<string, string>, level: Level,
 *   message: string, logger?: string }} Log
 * @typedef {{ id: string, type: "task", timestamp: number, source: string, resource: Record<string, string>, task: string,
 *   state: "running" | "completed" | "failed" | "lost", title?: string, message?: string, progress?: number | null,
 *   done?: number | null, total?: number | null, unit?: string, rate?: number | null, interval: number, started_at: number,
 *   ended_at?: number | null, exit_code?: number | null, output?: string[] }} Task
 * @typedef {{ id: string, type: "notification", timestamp: number, source: string, title: string, message?: string,
 *   level: Level, to?: string | null }} Notification
 * @typedef {{ id: string, type: "system", timestamp: number, source: string, event: string, message?: string,
 *   collector?: string | null, what?: string | null, ids?: string[] }} System
 * @typedef {{ type: "hello", version: string, server_time: number, heartbeat_interval: number,
 *   resume: "fresh" | "resumed" | "gap", oldest: string, newest: string }} Hello
 * @typedef {{ type: "heartbeat", server_time: number }} Heartbeat
 * @typedef {{ type: "gap", after: string, before: string, from?: number | null, to?: number | null, types: string[],
 *   reason: string, skipped?: number | null }} Gap
 * @typedef {{ type: "bye", reason: string, retry_after: number }} Bye
 * @typedef {Metrics | Processes | Log | Task | Notification | System} Logged
 * @typedef {Hello | Heartbeat | Gap | Bye} Control
 * @typedef {Logged | Control} StreamEvent
 */

/** Types that have an id and a place in the log. */
export const LOGGED = /** @type {const} */ (["metrics", "processes", "log", "task", "notification", "system"]);

/** Types that are about the stream itself and never move Last-Event-ID. */
export const CONTROL = /** @type {const} */ (["hello", "heartbeat", "gap", "bye"]);

/** What a `system` event tells. */
export const SYSTEM = /** @type {const} */ ({
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
 *   thresholds: Threshold[], text?: string | null }} PanelSpec
 * @typedef {{ name: string, title: string, range: number, panels: PanelSpec[], fault: string | null,
 *   instance: string, version: string, root_path: string, history: History }} BoardSpec
 * @typedef {{ selectors: string[], range: number, step: number, url: string }} History what the page asks first, in seconds
 */

/** What a panel is until it is told. */
export const NO_PANEL = /** @type {PanelSpec} */ ({ id: "", title: "", kind: "", series: [], legend: "", width: 12, thresholds: [] });
