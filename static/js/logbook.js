import { reaches } from "./levels.js";
import { compareIds } from "./protocol.js";

/**
 * @typedef {import("./protocol.js").Log} Log
 * @typedef {import("./protocol.js").Gap} Gap
 * @typedef {{ kind: "line", id: string, number: number, line: Log }} LineEntry `number`: by arrival
 * @typedef {{ kind: "gap", id: string, number: number, gap: Gap }} GapEntry
 * @typedef {LineEntry | GapEntry} Entry
 */

/** Lines that a page holds at most, and their characters together. */
const MOST = 1000;
const CHARACTERS = 1_000_000;

/** The newest lines that a panel shows, in the order of their ids, each once; a gap stands where its lines would. */
export class Logbook {
  known = false;
  filled = false;
  settled = false;
  asking = false;
  /** @type {Entry[]} */
  entries = [];
  /** Lines that ever came. */
  arrived = 0;
  #characters = 0;

  /** @param {Pick<import("./protocol.js").PanelSpec, "level" | "contains" | "logger">} spec */
  constructor({ level = "debug", contains = "", logger = "" }) {
    this.least = level;
    this.text = fold(contains);
    this.logger = logger;
    const query = new URLSearchParams({ limit: "200" });
    if (level !== "debug") query.set("level", level);
    if (contains || logger) query.set("text", contains || logger);
    this.past = `/api/v1/logs?${query}`;
  }

  /** @param {Log} line */
  take(line) {
    if (!this.#wants(line)) return false;
    const taken = this.#insert({ kind: "line", id: line.id, number: this.arrived + 1, line });
    if (taken) this.arrived++;
    return taken;
  }

  /** @param {Log} line */
  #wants({ level, message, logger = "" }) {
    const named = !this.logger || logger === this.logger || logger.startsWith(`${this.logger}.`);
    return named && reaches(level, this.least) && (!this.text || fold(message).includes(this.text));
  }

  /** @param {Gap} gap */
  gap(gap) {
    this.#insert({ kind: "gap", id: gap.after, number: this.arrived, gap });
  }

  /** @param {Entry} entry */
  #insert(entry) {
    const { entries } = this;
    let at = entries.length;
    while (at > 0 && order(/** @type {Entry} */ (entries[at - 1]), entry) > 0) at--;
    const before = entries[at - 1];
    if (before && order(before, entry) === 0) return false;
    if (at === 0 && entries.length >= MOST) return false;
    entries.splice(at, 0, entry);
    this.#characters += size(entry);
    while (entries.length > MOST || (this.#characters > CHARACTERS && entries.length > 1)) {
      this.#characters -= size(/** @type {Entry} */ (entries.shift()));
    }
    return true;
  }
}

/**
 * As texts are compared: great and small letters are the same.
 * @param {string} text
 */
export function fold(text) {
  return text.toLowerCase();
}

/**
 * A gap comes after the last that was had before it.
 * @param {Entry} a
 * @param {Entry} b
 */
function order(a, b) {
  return compareIds(a.id, b.id) || Number(a.kind === "gap") - Number(b.kind === "gap");
}

/** @param {Entry} entry */
function size(entry) {
  return entry.kind === "line" ? entry.line.message.length + (entry.line.logger ?? "").length : 0;
}
