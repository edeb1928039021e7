import { compareIds } from "./protocol.js";

/**
 * @typedef {import("./protocol.js").Notification} Notice
 * @typedef {Pick<Storage, "getItem" | "setItem">} Shelf
 */

/** Notices that a page holds at most, and marks of single ones that were read. */
const MOST = 100;
const MARKS = 200;
const KEY = "notices-read";

/** Notices, the newest first, and which of them this reader has read: kept in the browser, if it lets us. */
export class Notices {
  past = `/api/v1/notifications?limit=${MOST}`;
  known = false;
  filled = false;
  settled = false;
  asking = false;
  /** @type {Notice[]} */
  notices = [];
  /** All up to this id are read. */
  upto = "0-0";
  /** @type {Set<string>} */
  marks = new Set();
  /** @type {(notice: Notice) => void} called with each that came while the page was open */
  onFresh = () => {};

  /** @param {() => Shelf | null} shelf */
  constructor(shelf) {
    this.shelf = shelf;
    this.recall();
  }

  /**
   * @param {Notice} notice
   * @param {boolean} fresh
   */
  take(notice, fresh) {
    const at = this.notices.findIndex(({ id }) => compareIds(id, notice.id) <= 0);
    if (at >= 0 && this.notices[at]?.id === notice.id) return false;
    this.notices.splice(at < 0 ? this.notices.length : at, 0, notice);
    this.notices.length = Math.min(this.notices.length, MOST);
    if (fresh) this.onFresh(notice);
    return true;
  }

  /** @param {Notice} notice */
  isRead({ id }) {
    return compareIds(id, this.upto) <= 0 || this.marks.has(id);
  }

  get unread() {
    return this.notices.filter((notice) => !this.isRead(notice)).length;
  }

  /** @param {Notice} notice */
  read({ id }) {
    this.recall();
    this.marks.add(id);
    this.#keep();
  }

  readAll() {
    this.upto = this.notices[0]?.id ?? this.upto;
    this.#keep();
  }

  /** Take over what was read in another tab; without storage a mark lasts as long as the page. */
  recall() {
    try {
      const { upto, marks } = JSON.parse(this.shelf()?.getItem(KEY) ?? "{}");
      if (typeof upto === "string" && compareIds(upto, this.upto) > 0) this.upto = upto;
      for (const id of Array.isArray(marks) ? marks : []) this.marks.add(String(id));
    } catch {
      // A browser that lets no page store anything; or what is stored is not ours.
    }
    this.#forget();
  }

  #keep() {
    this.#forget();
    try {
      this.shelf()?.setItem(KEY, JSON.stringify({ upto: this.upto, marks: [...this.marks] }));
    } catch {
      // The marks stay in this page's memory.
    }
  }

  #forget() {
    const kept = [...this.marks].filter((id) => compareIds(id, this.upto) > 0).sort(compareIds).slice(-MARKS);
    this.marks = new Set(kept);
  }
}
