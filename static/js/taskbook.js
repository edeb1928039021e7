import { compareIds } from "./protocol.js";

/**
 * @typedef {import("./protocol.js").Task} Task
 * @typedef {{ task: Task, born: number }} Known `born`: when it was last heard of, milliseconds of `performance.now()`
 */

/** Tasks that a page holds at most. */
const MOST = 200;
/** Of a task that ended the page tells openly for so many milliseconds. */
export const RECENT = 600_000;

/** The newest state of each task. */
export class Taskbook {
  past = "/api/v1/tasks";
  known = false;
  filled = false;
  settled = false;
  asking = false;
  /** @type {Map<string, Known>} by instance and name */
  tasks = new Map();

  /** @param {import("./clock.js").ServerClock} clock */
  constructor(clock) {
    this.clock = clock;
  }

  /** @param {Task} task */
  take(task) {
    const key = keyOf(task);
    const known = this.tasks.get(key);
    if (known && compareIds(known.task.id, task.id) >= 0) return false;
    const born = Math.min(this.clock.monotonic(), this.clock.local(task.timestamp));
    this.tasks.set(key, { task, born });
    const last = this.tasks.size > MOST ? this.ranked().at(-1) : undefined;
    if (last) this.tasks.delete(keyOf(last.task));
    return true;
  }

  /** Running ones first, then those that ended; the newest first. */
  ranked() {
    return [...this.tasks.values()].sort((a, b) => {
      const running = Number(b.task.state === "running") - Number(a.task.state === "running");
      return running || since(b.task) - since(a.task);
    });
  }

  /** @param {number} milliseconds that the machine slept */
  age(milliseconds) {
    for (const known of this.tasks.values()) known.born -= milliseconds;
  }
}

/** @param {Task} task */
function keyOf({ task, resource }) {
  return `${resource["instance"] ?? ""}/${task}`;
}

/** @param {Task} task */
function since(task) {
  return task.state === "running" ? task.started_at : endOf(task);
}

/**
 * When a task ended; of a lost one, when it was given up. Seconds.
 * @param {Task} task
 */
export function endOf(task) {
  return task.ended_at ?? task.timestamp;
}
