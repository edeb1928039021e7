import { copy } from "./clipboard.js";
import { make } from "./rows.js";
import { durationText } from "./timeframe.js";

/**
 * The menu of a panel: what one can take from it.
 *
 * @typedef {import("./panel.js").Panel} Panel
 * @typedef {{ text: string, href?: string, download?: boolean, press?: (entry: HTMLElement) => void | Promise<void> }} Item
 */

/** What an address says of time. */
const TIME = ["range", "from", "to"];
/** Milliseconds for which the menu tells that something was copied. */
const SEEN = 900;
const CHARTS = new Set(["line", "area", "heat"]);

export class PanelMenu {
  /**
   * @param {object} options
   * @param {import("./api.js").Api} options.api
   * @param {import("./board.js").Board} options.board
   * @param {import("./protocol.js").BoardSpec} options.spec
   * @param {boolean} options.exploring
   * @param {() => void} options.annotate
   */
  constructor({ api, board, spec, exploring, annotate }) {
    this.api = api;
    this.board = board;
    this.spec = spec;
    this.exploring = exploring;
    this.annotate = annotate;
    this.sheet = make("div", "menu-sheet");
    this.sheet.setAttribute("role", "menu");
    this.sheet.hidden = true;
    document.body.append(this.sheet);
    /** @type {HTMLElement | null} the button that it belongs to */
    this.button = null;
    document.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".panel .menu"));
      if (button) this.#toggle(button);
      else this.close();
    });
    document.addEventListener("keydown", (event) => this.#key(event), { capture: true });
    addEventListener("scroll", () => this.close(), { passive: true });
    addEventListener("resize", () => this.close());
  }

  close() {
    if (!this.button) return;
    this.button.setAttribute("aria-expanded", "false");
    if (this.sheet.contains(document.activeElement)) this.button.focus();
    this.button = null;
    this.sheet.hidden = true;
  }

  /** @param {HTMLElement} button */
  #toggle(button) {
    const was = this.button;
    this.close();
    const panel = this.board.panels.find(({ element }) => element.contains(button));
    if (was === button || !panel) return;
    this.button = button;
    this.sheet.replaceChildren(...this.#items(panel).map((item) => this.#entry(item)));
    this.sheet.setAttribute("aria-label", panel.spec.title);
    this.sheet.hidden = false;
    button.setAttribute("aria-expanded", "true");
    const box = button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.sheet;
    const left = Math.max(8, Math.min(box.right - width, document.body.clientWidth - width - 8));
    const top = box.bottom + 4 + height > innerHeight ? Math.max(8, box.top - 4 - height) : box.bottom + 4;
    this.sheet.style.transform = `translate(${left}px, ${top}px)`;
    this.#entries()[0]?.focus({ preventScroll: true });
  }

  /**
   * @param {Panel} panel
   * @returns {Item[]}
   */
  #items({ spec }) {
    const chart = CHARTS.has(spec.kind);
    /** @type {Item[]} */
    const items = [
      { text: "Download as CSV", href: this.#points(spec, "csv"), download: true },
      { text: "Download as JSON", href: this.#points(spec, "json"), download: true },
      { text: "Copy as TOML", press: (entry) => this.#copy(spec, entry) },
    ];
    if (!this.exploring) {
      items.unshift({ text: "Open in Explore", href: this.#explore(spec) });
      items.push({ text: "Open as image", href: this.#image(spec) });
    }
    if (chart) items.push({ text: "Annotate…", press: () => this.annotate() });
    return items;
  }

  /** @param {Item} item */
  #entry({ text, href, download, press }) {
    const entry = document.createElement(href ? "a" : "button");
    entry.setAttribute("role", "menuitem");
    entry.tabIndex = -1;
    entry.textContent = text;
    if (entry instanceof HTMLAnchorElement) {
      entry.href = href ?? "";
      if (download) entry.download = "";
    } else {
      entry.type = "button";
    }
    entry.addEventListener("click", async (event) => {
      event.stopPropagation();
      const { button } = this;
      const done = press?.(entry);
      if (done) {
        await done;
        // It says that it was copied before it goes.
        await new Promise((seen) => setTimeout(seen, document.querySelector("dialog[open]") ? 0 : SEEN));
      }
      if (this.button === button) this.close();
    });
    return entry;
  }

  #entries() {
    return /** @type {HTMLElement[]} */ ([...this.sheet.children]);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.button) return;
    const entries = this.#entries();
    const at = entries.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (to !== undefined) entries.at(to % entries.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") this.close();
    else return;
    if (event.key === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * Where the points of what a panel shows are had.
   * @param {import("./protocol.js").PanelSpec} spec
   * @param {string} format
   */
  #points(spec, format) {
    const { end, range } = this.board.moment();
    const { step } = this.board.store;
    const query = new URLSearchParams(spec.series.map((text) => ["match", text]));
    query.set("start", String(end - range));
    query.set("end", String(end));
    query.set("step", String(step));
    query.set("format", format);
    query.set("unknown", "empty");
    query.set("download", "1");
    return `${this.spec.root_path}/api/v1/query_range?${query}`;
  }

  /** @param {import("./protocol.js").PanelSpec} spec */
  #explore({ series, kind, stack }) {
    const query = new URLSearchParams(series.map((text) => ["match", text]));
    if (stack) query.set("stack", "1");
    else if (kind === "area") query.set("kind", "area");
    this.#time(query);
    return `${this.spec.root_path}/explore?${query}`;
  }

  /**
   * An address is good for other pages and documents, too, so it says all that the page knows of itself.
   * @param {import("./protocol.js").PanelSpec} spec
   */
  #image({ id }) {
    const query = new URLSearchParams();
    this.#time(query);
    if (getComputedStyle(document.documentElement).colorScheme.includes("dark")) query.set("theme", "dark");
    query.set("tz", this.board.preferences.zone === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone);
    return `${this.spec.root_path}/embed/${encodeURIComponent(`${this.spec.name}.${id}`)}.svg?${query}`;
  }

  /**
   * Say which time the page shows.
   * @param {URLSearchParams} query
   */
  #time(query) {
    const own = new URLSearchParams(location.search);
    for (const word of TIME) for (const text of own.getAll(word)) query.append(word, text);
    if (!TIME.some((word) => query.has(word))) query.set("range", durationText(this.board.store.wanted));
  }

  /**
   * @param {import("./protocol.js").PanelSpec} spec
   * @param {HTMLElement} entry
   */
  async #copy(spec, entry) {
    const query = new URLSearchParams(this.exploring ? spec.series.map((text) => ["match", text]) : [["panel", spec.id]]);
    if (this.exploring) {
      query.set("title", spec.title);
      query.set("kind", spec.kind);
      if (spec.stack) query.set("stack", "1");
    }
    const path = this.exploring ? "/explore.toml" : `/boards/${encodeURIComponent(this.spec.name)}.toml`;
    const text = await (await this.api.get(`${path}?${query}`)).text();
    await copy(text, entry);
  }
}
