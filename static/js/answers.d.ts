// Written from dashboard/web/status.py by `python -m checks.contract`. Do not edit.

/** Who looks, with how many streams; admins are told the address, too. */
export interface StatusViewer {
  principal: string;
  streams: number;
  address?: string;
}

/** What the log holds, from id to id, and its bounds in events and in seconds. */
export interface StatusLog {
  oldest: string;
  newest: string;
  events: number;
  max_events: number;
  max_age: number;
}

/**
 * What is kept on disk, in bytes, and how much room there is; null when that is not known.
 *
 * `trouble` is why points and logs are not stored at present, null while they are.
 */
export interface StatusStorage {
  history_bytes: number | null;
  state_bytes: number | null;
  free_bytes: number | null;
  trouble: string | null;
}

/**
 * What the process takes; null when that is not collected.
 *
 * `loop_lag` is the longest delay of the event loop, in seconds, within the last interval of the collector.
 */
export interface StatusProcess {
  cpu_ratio: number | null;
  resident_bytes: number | null;
  loop_lag: number | null;
}

/**
 * How one collector is doing.
 *
 * `waiting`: never returned yet. `late`: takes longer than its interval. `failed`: raised, takes longer than it is
 * given, or gives samples that are refused; the others that it gives count. Times are Unix seconds, `duration` the
 * seconds that its last run took, `failures` the number of runs that failed since the start, `families` the names of
 * what it may give. One that could not be loaded has no `interval`, and nobody knows its families.
 */
export interface CollectorState {
  name: string;
  source: string;
  state: "failed" | "late" | "ok" | "waiting";
  interval: number | null;
  since: number;
  last_success: number | null;
  error: string | null;
  duration: number | null;
  failures: number;
  families: string[];
}

/** How the program is doing. Counts are since the start, times Unix seconds. */
export interface Status {
  version: string;
  instance: string;
  server_time: number;
  started_at: number;
  heartbeat_interval: number;
  insecure: boolean;
  streams: number;
  slowest: number;
  users: number;
  viewers: StatusViewer[];
  published: Record<string, number>;
  conflated: number;
  gaps: Record<string, number>;
  resumes: number;
  streams_refused: Record<string, number>;
  streams_aborted: number;
  bytes_sent: number;
  log: StatusLog;
  series: number;
  max_series: number;
  refused: number;
  unstored: number;
  storage: StatusStorage;
  process: StatusProcess;
  collectors: CollectorState[];
  board_fault: string | null;
}
