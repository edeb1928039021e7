// Written from dashboard/events.py by `python -m checks.contract`. Do not edit.

/** `<unix milliseconds>-<number>`; ids only rise. Compare them as two numbers. */
export type EventId = string;

export type Level = "debug" | "info" | "warning" | "error" | "critical";

export type TaskState = "running" | "completed" | "failed" | "lost";

export type SystemEvent = "start" | "stop" | "blind" | "collector_failed" | "collector_recovered" | "changed" | "clock_step" | "high_load" | "load_normal" | "not_stored" | "storing_stopped" | "storing_resumed";

export type GapReason = "retention" | "restart" | "slow" | "unknown_id" | "not_stored";

/** One collection of one source: full series are `samples`' keys with the labels of `resource` merged in. */
export interface Metrics {
  id: EventId;
  type: "metrics";
  timestamp: number;
  source: string;
  interval: number | null;
  resource: Record<string, string>;
  samples: Record<string, number>;
}

/**
 * One process at the time of its collection; `cpu_ratio` 1.0 is one core fully used.
 *
 * What nearly all have in common is not said of each: one thread, and that it sleeps.
 */
export interface ProcessRow {
  pid: number;
  name: string;
  user: string;
  cpu_ratio: number;
  resident_bytes: number;
  /** Absent: `1`. */
  threads?: number;
  /** Absent: `"sleeping"`. */
  state?: string;
  command?: string;
}

/** The top processes of one machine by CPU and by memory. */
export interface Processes {
  id: EventId;
  type: "processes";
  timestamp: number;
  source: string;
  interval: number | null;
  resource: Record<string, string>;
  rows: ProcessRow[];
}

/** One line of a program's log. */
export interface Log {
  id: EventId;
  type: "log";
  timestamp: number;
  source: string;
  resource: Record<string, string>;
  level: Level;
  message: string;
  /** Absent: `""`. */
  logger?: string;
}

/**
 * How far a piece of long work is: each event is the whole of what is known, and replaces the one before.
 *
 * `progress` is from 0 to 1, None while nobody knows; `done` of `total` are in `unit`, and `rate` is units per second.
 * Nothing heard for three `interval` seconds makes a running task `lost`. `output` are the last lines of a command.
 */
export interface Task {
  id: EventId;
  type: "task";
  timestamp: number;
  source: string;
  resource: Record<string, string>;
  task: string;
  state: TaskState;
  /** Absent: `""`. */
  title?: string;
  /** Absent: `""`. */
  message?: string;
  progress?: number;
  done?: number;
  total?: number;
  /** Absent: `""`. */
  unit?: string;
  rate?: number;
  interval: number;
  started_at: number;
  ended_at?: number;
  exit_code?: number;
  /** Absent: `[]`. */
  output?: string[];
}

/** A notice to all, or to the principal named in `to` alone. */
export interface Notification {
  id: EventId;
  type: "notification";
  timestamp: number;
  source: string;
  title: string;
  /** Absent: `""`. */
  message?: string;
  level: Level;
  to?: string;
}

/**
 * Something that the program says of itself.
 *
 * `not_stored` names in `ids` events that no disk holds, and that were not named before; from `start` to `end` lie
 * all that were lost of the same trouble. `step` is the seconds by which the clock was set; else from `start` to
 * `end` (Unix seconds) nobody watched, or nothing was stored.
 */
export interface System {
  id: EventId;
  type: "system";
  timestamp: number;
  source: string;
  event: SystemEvent;
  /** Absent: `""`. */
  message?: string;
  collector?: string;
  what?: string;
  /** Absent: `[]`. */
  ids?: string[];
  step?: number;
  start?: number;
  end?: number;
}

/** First on every stream. `oldest` and `newest` are the bounds of the log, empty when it is. */
export interface Hello {
  type: "hello";
  version: string;
  server_time: number;
  heartbeat_interval: number;
  resume: "fresh" | "gap" | "resumed";
  oldest: string;
  newest: string;
}

/** Sent every `heartbeat_interval`, whatever else is sent, and at once when the server's clock was set. */
export interface Heartbeat {
  type: "heartbeat";
  server_time: number;
}

/**
 * What this viewer was not sent: everything of `types` between the ids `after` and `before`, exclusive.
 *
 * `start` and `end` (on the wire `from` and `to`) are the times to ask `query_range` for.
 */
export interface Gap {
  type: "gap";
  after: string;
  before: string;
  from?: number;
  to?: number;
  types: string[];
  reason: GapReason;
  skipped?: number;
}

/** Last on a stream that the server ends; come back after `retry_after` seconds. */
export interface Bye {
  type: "bye";
  reason: "busy" | "revoked" | "shutdown";
  retry_after: number;
}

/** An event that has an id and a place in the log. */
export type Logged = Metrics | Processes | Log | Task | Notification | System;

/** An event about the stream itself; it has no id. */
export type Control = Hello | Heartbeat | Gap | Bye;

/** Any event of the stream, as its `data` has it. New types and fields may come: skip the unknown. */
export type StreamEvent = Logged | Control;
