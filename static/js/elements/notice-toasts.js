import { reaches } from "../levels.js";
import { make, write } from "../rows.js";

/**
 * @typedef {import("../notices.js").Notice} Notice
 * @typedef {{ notice: Notice, root: HTMLElement, timer: ReturnType<typeof setTimeout> | undefined }} Toast
 */

/** Toasts at once; of more, those are counted. */
const MOST = 3;
/** Milliseconds for which a toast below `error` is shown to someone who looks. */
const SHOWN = 8000;

/** Notices as they come. From `error` on they stay until they are dismissed; nothing goes while it is pointed at or out of sight. */
export class NoticeToasts extends HTMLElement {
  /** @type {Toast[]} the newest last */
  toasts = [];
  /** Notices that had no room. */
  missed = 0;

  connectedCallback() {
    this.calm = /** @type {HTMLElement} */ (this.querySelector("[role=status]"));
    this.grave = /** @type {HTMLElement} */ (this.querySelector("[role=alert]"));
    this.more = /** @type {HTMLElement} */ (this.querySelector(".more"));
    this.more.addEventListener("click", () => this.dispatchEvent(new CustomEvent("more")));
  }

  /** @param {Notice} notice */
  add(notice) {
    if (this.toasts.length >= MOST) {
      const passing = this.toasts.find((toast) => !stays(toast.notice));
      this.missed++;
      this.#tell();
      if (!passing) return;
      this.#remove(passing);
    }
    const toast = { notice, root: this.#build(notice), timer: undefined };
    this.toasts.push(toast);
    (stays(notice) ? this.grave : this.calm)?.append(toast.root);
    this.#time(toast);
  }

  /** Everything that is told here is told by the list. */
  clear() {
    for (const toast of [...this.toasts]) this.#remove(toast);
    this.missed = 0;
    this.#tell();
  }

  /** @param {Toast} toast */
  #time(toast) {
    if (stays(toast.notice)) return;
    toast.timer = setTimeout(() => {
      if (document.hidden || toast.root.matches(":hover, :focus-within")) this.#time(toast);
      else this.#remove(toast);
    }, SHOWN);
  }

  /** @param {Toast} toast */
  #remove(toast) {
    clearTimeout(toast.timer);
    toast.root.remove();
    this.toasts = this.toasts.filter((other) => other !== toast);
    if (!this.toasts.length) this.missed = 0;
    this.#tell();
  }

  #tell() {
    if (!this.more) return;
    this.more.hidden = !this.missed;
    write(this.more, this.missed ? `${this.missed} more` : "");
  }

  /** @param {Notice} notice */
  #build(notice) {
    const root = make("div", "toast");
    root.dataset["level"] = notice.level;
    const [level, title, message] = [make("span", "level"), make("b", "title"), make("span", "message")];
    write(level, notice.level);
    write(title, notice.title);
    write(message, notice.message ?? "");
    message.title = notice.message ?? "";
    title.title = notice.title;
    const close = /** @type {HTMLButtonElement} */ (make("button", "close"));
    close.type = "button";
    close.setAttribute("aria-label", `Dismiss: ${notice.title}`);
    close.addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("dismissed", { detail: notice }));
      this.#remove(/** @type {Toast} */ (this.toasts.find((toast) => toast.root === root)));
    });
    root.append(level, title, message, close);
    return root;
  }
}

/** @param {Notice} notice */
function stays({ level }) {
  return reaches(level, "error");
}

customElements.define("notice-toasts", NoticeToasts);
