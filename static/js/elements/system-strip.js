import { spanText } from "../blind.js";
import { make, Rows, tellNone, write } from "../rows.js";

/**
 * @typedef {import("../chronicle.js").Happening} Happening
 * @typedef {{ root: HTMLElement, button: HTMLButtonElement, shape: HTMLElement, time: HTMLElement, text: HTMLElement }} Row
 */

/** What the program said of itself, the newest first: one line, and the rest when asked for. */
export class SystemStrip extends HTMLElement {
  /** @type {Happening[]} */
  happenings = [];
  open = false;

  connectedCallback() {
    this.list = /** @type {HTMLElement} */ (this.querySelector("ol"));
    this.more = /** @type {HTMLElement} */ (this.querySelector(".more"));
    this.rows = new Rows(this.list, makeRow);
    this.more.addEventListener("click", () => this.#open(!this.open));
    this.list.addEventListener("pointerover", (event) => this.#point(event));
    this.list.addEventListener("focusin", (event) => this.#point(event));
    this.list.addEventListener("click", (event) => this.#point(event));
    this.list.addEventListener("pointerleave", () => this.#tell(null));
    this.list.addEventListener("focusout", () => this.#tell(null));
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.open) return;
      event.stopPropagation();
      this.#open(false);
      this.more?.focus();
    });
    document.addEventListener("pointerdown", ({ target }) => {
      if (this.open && target instanceof Element && !this.contains(target)) this.#open(false);
    });
    new ResizeObserver(() => this.#fit()).observe(this);
  }

  /**
   * @param {Happening[]} happenings the newest first
   * @param {import("../preferences.js").Preferences} preferences
   * @param {number} now the server's time, seconds
   * @param {boolean} known whether what happened before the page is among them
   */
  render(happenings, preferences, now, known) {
    this.happenings = happenings;
    const today = preferences.day?.(now * 1000);
    this.rows?.take(happenings.length).forEach((row, at) => {
      const { time, tone, shape, text, span } = /** @type {Happening} */ (happenings[at]);
      const day = preferences.day?.(time * 1000);
      const clock = span ? spanText(span, preferences) : preferences.clock?.(time * 1000);
      row.root.dataset["tone"] = tone;
      write(row.shape, shape);
      write(row.time, day === today ? `${clock}` : `${day} ${clock}`);
      write(row.text, text);
      row.button.title = `${day} ${clock} ${preferences.zoneName}\n${text}`;
    });
    tellNone(this, happenings.length > 0, known);
    this.#fit();
  }

  /** Hide what has no room in the line, and count it. */
  #fit() {
    const { list, more, rows } = this;
    if (!list || !more || !rows) return;
    const shown = rows.pool.slice(0, this.happenings.length);
    for (const { root } of shown) root.classList.remove("out");
    more.hidden = false;
    const out = this.open ? [] : shown.filter(({ root }) => root.offsetTop > (shown[0]?.root.offsetTop ?? 0));
    for (const { root } of out) root.classList.add("out");
    more.hidden = !out.length && !this.open;
    write(more, this.open ? "Fewer" : `${out.length} more`);
  }

  /** @param {boolean} open */
  #open(open) {
    this.open = open;
    this.toggleAttribute("data-open", open);
    this.more?.setAttribute("aria-expanded", String(open));
    this.#fit();
  }

  /** @param {Event} event */
  #point({ target }) {
    const at = this.rows?.pool.findIndex(({ root }) => root.contains(/** @type {Node} */ (target))) ?? -1;
    this.#tell(this.happenings[at] ?? null);
  }

  /** @param {Happening | null} happening whose moment is to be shown in the charts */
  #tell(happening) {
    this.dispatchEvent(new CustomEvent("moment", { detail: happening }));
  }
}

/** @returns {Row} */
function makeRow() {
  const root = make("li");
  const button = /** @type {HTMLButtonElement} */ (make("button"));
  button.type = "button";
  const [shape, time, text] = [make("span", "shape"), make("span", "time"), make("span", "text")];
  button.append(shape, time, text);
  root.append(button);
  return { root, button, shape, time, text };
}

customElements.define("system-strip", SystemStrip);
