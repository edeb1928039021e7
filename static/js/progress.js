import { format, formatAge, formatText } from "./format.js";

/** @typedef {import("./protocol.js").Task} Task */

/** So little of the work, or of its time, tells nothing of the rest. */
const TELLING = 0.02;
const TELLING_SECONDS = 3;
/** Longer times left are no forecast. */
const LONGEST = 30 * 86_400;

/**
 * How far a task is, from 0 to 1; null: nobody knows.
 * @param {Task} task
 */
export function fraction({ progress, done, total }) {
  const part = progress ?? (done != null && total ? done / total : null);
  return part === null ? null : Math.min(1, Math.max(0, part));
}

/**
 * Seconds that a running task will still take, by its rate, else by how long it took so far; null: nobody knows.
 * @param {Task} task
 * @param {number} age seconds since it was true
 */
export function timeLeft(task, age) {
  const { done, total, rate, timestamp, started_at: start } = task;
  let left = null;
  if (done != null && total != null && rate != null) left = rate > 0 ? (total - done) / rate : null;
  else {
    const part = fraction(task) ?? 0;
    const elapsed = timestamp - start;
    if (part >= TELLING && elapsed >= TELLING_SECONDS) left = (elapsed * (1 - part)) / part;
  }
  return left === null || !(left < LONGEST) ? null : Math.max(0, left - age);
}

/**
 * A time left in words as rough as it is known.
 * @param {number | null} seconds
 */
export function leftText(seconds) {
  if (seconds === null) return "time left unknown";
  if (seconds < 5) return "a few seconds left";
  return `about ${formatAge(rough(seconds))} left`;
}

/** @param {number} seconds */
function rough(seconds) {
  const grain = seconds < 55 ? 5 : seconds < 3600 ? 60 : seconds < 86_400 ? 600 : 3600 * 6;
  return Math.ceil(seconds / grain) * grain;
}

/**
 * How much of how much, and how fast: `420 of 1000 files · 13.7 files/s`.
 * @param {Task} task
 */
export function amountText({ done, total, rate, unit = "" }) {
  const parts = [];
  if (done != null && total != null) {
    const [part, whole] = [format(done, unit), format(total, unit)];
    parts.push(`${part.unit === whole.unit ? part.number : formatText(done, unit)} of ${formatText(total, unit)}`);
  } else if (done != null) parts.push(formatText(done, unit));
  if (rate != null) parts.push(unit ? formatText(rate, `${unit}/s`) : `${formatText(rate)}/s`);
  return parts.join(" · ");
}
