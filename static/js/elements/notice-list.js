import { formatAge } from "../format.js";
import { make, Rows, tellNone, write } from "../rows.js";

/** @typedef {import("../notices.js").Notice} Notice */

const KEY = "notices-browser";

/** Notices behind a bell, with how many are unread; and whether the browser is to tell of them. */
export class NoticeList extends HTMLElement {
  /** @type {import("../notices.js").Notices | null} */
  book = null;
  /** @type {import("../preferences.js").Preferences | null} */
  preferences = null;
  /** @type {() => number} the server's time, seconds */
  now = () => NaN;
  wanted = false;

  connectedCallback() {
    const find = (/** @type {string} */ part) => /** @type {HTMLElement} */ (this.querySelector(part));
    this.bell = find(".bell");
    this.sheet = find(".sheet");
    this.count = find(".count");
    this.all = find("[data-read-all]");
    this.browser = find("[data-browser]");
    this.why = find(".why");
    this.rows = new Rows(find("ol"), makeRow);
    this.wanted = kept();
    this.bell.addEventListener("click", () => this.open(this.sheet?.hidden === true));
    this.all.addEventListener("click", () => this.#readAll());
    this.browser.addEventListener("click", () => void this.#switch());
    find("ol").addEventListener("click", ({ target }) => this.#read(/** @type {Element} */ (target)));
    document.addEventListener("pointerdown", ({ target }) => {
      if (!this.sheet?.hidden && target instanceof Element && !target.closest("notice-list, notice-toasts")) this.open(false);
    });
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.sheet?.hidden) return;
      event.stopPropagation();
      this.open(false);
      this.bell?.focus();
    });
    addEventListener("storage", () => {
      this.book?.recall();
      this.render();
    });
  }

  /** @param {boolean} open */
  open(open) {
    if (!this.sheet || !this.bell) return;
    this.sheet.hidden = !open;
    this.bell.setAttribute("aria-expanded", String(open));
    if (open) this.dispatchEvent(new CustomEvent("opened"));
    this.render();
  }

  /**
   * Have the browser tell of a notice, where it may and the page is not looked at; tells whether it does.
   * @param {Notice} notice
   */
  alert({ id, title, message = "" }) {
    if (!this.wanted || !document.hidden || !window.isSecureContext || Notification.permission !== "granted") return false;
    try {
      // With one tag for each notice, several open tabs tell of it once.
      const shown = new Notification(title, { body: message, tag: `notice ${id}` });
      shown.addEventListener("click", () => {
        window.focus();
        this.open(true);
      });
      return true;
    } catch {
      return false; // browsers of phones let service workers alone tell of anything, whatever was allowed
    }
  }

  render() {
    const { book, bell, count, sheet } = this;
    if (!book || !bell || !count || !sheet) return;
    const { unread } = book;
    write(count, unread ? (unread > 99 ? "99+" : String(unread)) : "");
    const words = unread ? `Notices, ${unread} unread` : "Notices";
    if (bell.getAttribute("aria-label") !== words) bell.setAttribute("aria-label", words);
    bell.title = words;
    if (!sheet.hidden) this.#list(book, unread);
  }

  /**
   * @param {import("../notices.js").Notices} book
   * @param {number} unread
   */
  #list(book, unread) {
    const { preferences } = this;
    this.rows?.take(book.notices.length).forEach((row, at) => {
      const notice = /** @type {Notice} */ (book.notices[at]);
      const read = book.isRead(notice);
      row.root.dataset["level"] = notice.level;
      row.root.classList.toggle("unread", !read);
      row.button.disabled = read;
      row.button.title = read ? "" : "Mark as read";
      write(row.state, read ? "read" : "unread");
      write(row.level, notice.level);
      write(row.title, notice.title);
      write(row.message, notice.message ?? "");
      const age = formatAge(this.now() - notice.timestamp);
      write(row.time, `${preferences?.day?.(notice.timestamp * 1000)} ${preferences?.clock?.(notice.timestamp * 1000)} ${preferences?.zoneName} · ${age} ago${notice.to ? " · to you" : ""}`);
    });
    tellNone(this, book.notices.length > 0, book.known);
    if (this.all) this.all.hidden = !unread;
    this.#explain();
  }

  /** @param {Element} target */
  #read(target) {
    const at = this.rows?.pool.findIndex(({ root }) => root.contains(target)) ?? -1;
    const notice = this.book?.notices[at];
    if (notice && target.closest("button")) this.book?.read(notice);
    this.render();
  }

  #readAll() {
    this.book?.readAll();
    this.render();
    this.bell?.focus();
  }

  async #switch() {
    if (!this.wanted && Notification.permission !== "granted") await Notification.requestPermission();
    this.wanted = !this.wanted && Notification.permission === "granted";
    keep(this.wanted);
    this.#explain();
  }

  /** Say what the switch does, or why there is none here. */
  #explain() {
    const { browser, why } = this;
    if (!browser || !why) return;
    const possible = window.isSecureContext && "Notification" in window;
    browser.hidden = !possible;
    const on = possible && this.wanted && Notification.permission === "granted";
    browser.setAttribute("aria-checked", String(on));
    write(browser, on ? "Browser notifications: on" : "Browser notifications: off");
    if (!possible) write(why, "Over plain http the browser lets no page notify: notices are shown on the page alone.");
    else if (Notification.permission === "denied") write(why, "The browser's settings forbid this page to notify: notices are shown on the page alone.");
    else write(why, on ? "The browser tells of notices while this page is not in sight." : "");
  }
}

function makeRow() {
  const root = make("li", "notice");
  const button = /** @type {HTMLButtonElement} */ (make("button"));
  button.type = "button";
  const [state, level, title, message, time] = [make("span", "state"), make("span", "level"), make("span", "title"), make("span", "message"), make("span", "time")];
  button.append(level, state, title, message, time);
  root.append(button);
  return { root, button, state, level, title, message, time };
}

function kept() {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

/** @param {boolean} on */
function keep(on) {
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

customElements.define("notice-list", NoticeList);
