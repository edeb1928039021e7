import { fold } from "../logbook.js";
import { LEVELS, reaches } from "../levels.js";
import { make, write } from "../rows.js";
import { formatAge } from "../format.js";
import { NO_PANEL } from "../protocol.js";

/**
 * @typedef {import("../protocol.js").Level} Level
 * @typedef {import("../logbook.js").Entry} Entry
 * @typedef {import("../panel.js").Moment} Moment
 * @typedef {Entry | { kind: "day", id: string, day: string }} Item
 * @typedef {{ root: HTMLElement, time: HTMLElement, level: HTMLElement, logger: HTMLElement, text: HTMLElement }} Row
 */

/** Rows in the document at most; a step to earlier ones moves by half of them. */
const ROWS = 200;
/** Pixels from the end at which a reader is still at the end. */
const NEAR = 24;
/** Characters of a message in its closed row. */
const LONGEST = 4000;
/** @type {Record<string, string>} */
const REASONS = {
  retention: "they are kept no longer", restart: "the server was started anew", slow: "this page read too slowly",
  not_stored: "they could not be kept on disk", unknown_id: "the server does not know what was before",
};

/** The log as it is written: the newest line at the bottom, until somebody scrolls up to read. */
export class LiveLog extends HTMLElement {
  moving = true;
  strict = false;
  spec = NO_PANEL;
  /** @type {import("../logbook.js").Logbook | undefined} */
  book;
  /** @type {Entry[] | null} what there was when the reader paused */
  frozen = null;
  /** Whether scrolling paused it, so that scrolling to the end goes on. */
  scrolled = false;
  /** Whether a press or a selection in it paused it, which goes on when that is over: rows must not change under either. */
  selecting = false;
  pressed = false;
  /** Lines that came since, and up to which arrival they are counted. */
  waiting = 0;
  counted = 0;
  /** Lines below those that are shown, when paused. */
  below = 0;
  /** @type {Item[]} */
  items = [];
  /** @type {Row[]} */
  rows = [];
  /** @type {Level} */
  least = "debug";
  text = "";
  /** @type {WeakMap<Entry, boolean>} whether the filter lets it through */
  hits = new WeakMap();
  /** @type {WeakSet<Item>} those that are shown in full length */
  open = new WeakSet();
  wrapped = false;
  zone = "";
  /** Lines above those that are shown. */
  older = 0;

  connectedCallback() {
    const find = (/** @type {string} */ part) => /** @type {HTMLElement} */ (this.querySelector(part));
    this.list = find(".lines");
    this.none = find(".none");
    this.earlier = find(".earlier");
    this.top = find(".day");
    this.pause = find("[data-pause]");
    this.level = /** @type {HTMLSelectElement} */ (find("select"));
    const search = /** @type {HTMLInputElement} */ (find("input"));
    const wrap = find("[data-wrap]");
    this.level.addEventListener("change", () => this.#filter(/** @type {Level} */ (this.level?.value), this.text));
    search.addEventListener("input", () => this.#filter(this.least, fold(search.value)));
    this.pause.addEventListener("click", () => (this.frozen ? this.#resume() : this.#freeze(false)));
    this.earlier.addEventListener("click", () => this.#back());
    wrap.addEventListener("click", () => {
      this.wrapped = !this.wrapped;
      wrap.setAttribute("aria-pressed", String(this.wrapped));
      this.list?.classList.toggle("wrapped", this.wrapped);
      this.#stick();
    });
    this.list.addEventListener("scroll", () => this.#scrolled());
    this.list.addEventListener("click", (event) => this.#toggle(event));
    this.list.addEventListener("pointerdown", (event) => this.#press(event));
    const { signal } = (this.ending = new AbortController());
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => this.#release(), { signal });
    document.addEventListener("selectionchange", () => this.#settle(), { signal });
    new ResizeObserver(() => this.#stick()).observe(this.list);
  }

  disconnectedCallback() {
    this.ending?.abort();
  }

  /**
   * @param {Moment} moment
   * @returns {import("../panel.js").Subject[]}
   */
  subjects({ heard }) {
    return this.book?.settled && heard.born > -Infinity ? [heard] : [];
  }

  /**
   * @param {unknown} _
   * @param {Moment} moment
   */
  render(_, moment) {
    if (!this.book || !this.list) return;
    this.moment = moment;
    this.#levels();
    if (this.zone !== moment.preferences.zoneName) {
      this.zone = moment.preferences.zoneName ?? "";
      this.#clear();
    }
    if (this.frozen) this.#count();
    else this.#show();
    this.#tell();
  }

  /** Only levels that the panel's settings let through can be chosen. */
  #levels() {
    if (!this.level || this.level.options.length) return;
    const from = this.spec.level ?? "debug";
    this.least = from;
    for (const level of LEVELS.filter((one) => reaches(one, from))) {
      const words = level === from && from === "debug" ? "All levels" : level === "critical" ? "Critical" : `${capital(level)} and above`;
      this.level.add(new Option(words, level));
    }
  }

  /**
   * @param {Level} least
   * @param {string} text
   */
  #filter(least, text) {
    this.least = least;
    this.text = text;
    this.hits = new WeakMap();
    this.below = 0;
    this.#show();
    this.#tell();
  }

  /** @param {Entry} entry */
  #hit(entry) {
    if (entry.kind === "gap") return true;
    let hit = this.hits.get(entry);
    if (hit === undefined) {
      const { level, message, logger = "" } = entry.line;
      hit = reaches(level, this.least) && (!this.text || fold(message).includes(this.text) || fold(logger).includes(this.text));
      this.hits.set(entry, hit);
    }
    return hit;
  }

  /** Show the last of what passes the filter; of what was there, when paused. */
  #show() {
    const { list, moment } = this;
    if (!list || !moment) return;
    const passed = (this.frozen ?? this.book?.entries ?? []).filter((entry) => this.#hit(entry));
    const end = passed.length - this.below;
    const entries = passed.slice(Math.max(0, end - ROWS), end);
    this.older = Math.max(0, end - ROWS);
    this.#sync(this.#dated(entries, moment));
    if (!this.frozen) this.#stick();
  }

  /**
   * Where the day changes its name stands between; at the top that of the first line, unless it is today's.
   * @param {Entry[]} entries
   * @param {Moment} moment
   */
  #dated(entries, moment) {
    const { day } = moment.preferences;
    const today = day?.(moment.present * 1000) ?? "";
    const first = entries.find((entry) => entry.kind === "line");
    let last = first?.kind === "line" ? day?.(first.line.timestamp * 1000) ?? "" : today;
    if (this.top) {
      write(this.top, last);
      this.top.hidden = last === today;
    }
    /** @type {Item[]} */
    const items = [];
    const old = new Map(this.items.map((item) => [item.kind === "day" ? item.id : "", item]));
    for (const entry of entries) {
      const own = entry.kind === "line" ? day?.(entry.line.timestamp * 1000) ?? "" : last;
      if (own !== last) items.push(old.get(`${own} ${entry.id}`) ?? { kind: "day", id: `${own} ${entry.id}`, day: own });
      last = own;
      items.push(entry);
    }
    return items;
  }

  /**
   * Bring the rows to these items. The rows of what left at the top are used again at the bottom.
   * @param {Item[]} items
   */
  #sync(items) {
    const { list } = this;
    if (!list) return;
    const shift = items[0] ? this.items.indexOf(items[0]) : -1;
    const kept = shift < 0 ? 0 : this.items.length - shift;
    const goesOn = shift >= 0 && kept <= items.length && items.slice(0, kept).every((item, at) => item === this.items[shift + at]);
    if (goesOn && shift) this.rows.push(...this.rows.splice(0, shift));
    const start = goesOn ? kept : 0;
    this.items = items;
    for (let at = start; at < items.length; at++) {
      const row = (this.rows[at] ??= makeRow());
      this.#write(row, /** @type {Item} */ (items[at]));
      list.append(row.root);
    }
    for (const { root } of this.rows.splice(items.length)) root.remove();
    if (this.none) this.none.hidden = items.length > 0;
  }

  #clear() {
    for (const { root } of this.rows) root.remove();
    this.rows = [];
    this.items = [];
    if (this.frozen) this.#show();
  }

  /**
   * @param {Row} row
   * @param {Item} item
   */
  #write({ root, time, level, logger, text }, item) {
    const { preferences } = /** @type {Moment} */ (this.moment);
    const line = item.kind === "line" ? item.line : null;
    root.dataset["kind"] = item.kind;
    root.dataset["level"] = line?.level ?? "";
    root.classList.toggle("open", this.open.has(item));
    write(time, line ? preferences.clock?.(line.timestamp * 1000) ?? "" : "");
    time.title = line ? `${preferences.day?.(line.timestamp * 1000)} ${preferences.clock?.(line.timestamp * 1000)} ${preferences.zoneName}` : "";
    write(level, line ? line.level : "");
    write(logger, line ? line.logger || line.source : "");
    logger.title = line ? `${line.logger || line.source}\n${line.source}` : "";
    const words = line ? shortened(line.message, this.open.has(item)) : item.kind === "gap" ? missing(item.gap) : item.kind === "day" ? item.day : "";
    write(text, words);
    text.title = line ? words : "";
  }

  /** @param {MouseEvent} event */
  #toggle({ target }) {
    const root = target instanceof Element ? target.closest(".line") : null;
    const at = this.rows.findIndex((row) => row.root === root);
    const [row, item] = [this.rows[at], this.items[at]];
    if (!row || item?.kind !== "line" || getSelection()?.toString()) return;
    if (this.open.has(item)) this.open.delete(item);
    else this.open.add(item);
    if (!this.frozen) this.#freeze(true);
    this.selecting = false;
    this.#write(row, item);
  }

  /** @param {PointerEvent} event */
  #press({ button, pointerType }) {
    if (button !== 0 || pointerType !== "mouse") return;
    this.pressed = true;
    this.#hold();
  }

  #release() {
    if (!this.pressed) return;
    this.pressed = false;
    setTimeout(() => this.#settle()); // behind the click, which is for what was pressed
  }

  /** Stand still while something of it is selected, and go on when nothing is pressed or selected any more. */
  #settle() {
    const selection = getSelection();
    if (selection && !selection.isCollapsed && this.list?.contains(selection.anchorNode)) this.#hold();
    else if (this.selecting && !this.pressed) this.#resume();
  }

  #hold() {
    if (this.frozen) return;
    this.#freeze(true);
    this.selecting = true;
  }

  /** @param {boolean} scrolled */
  #freeze(scrolled) {
    if (!this.book) return;
    this.frozen = [...this.book.entries];
    this.scrolled = scrolled;
    this.counted = this.book.arrived;
    this.waiting = this.below = 0;
    this.#tell();
  }

  #resume() {
    this.frozen = null;
    this.selecting = false;
    this.below = 0;
    this.#show();
    this.#tell();
  }

  /** Count what came since the reader paused, and passes the filter. */
  #count() {
    const { book } = this;
    if (!book) return;
    for (let at = book.entries.length - 1; at >= 0; at--) {
      const entry = /** @type {Entry} */ (book.entries[at]);
      if (entry.number > this.counted && entry.kind === "line" && this.#hit(entry)) this.waiting++;
    }
    this.counted = book.arrived;
  }

  #tell() {
    const { pause, earlier, none, book } = this;
    if (!pause || !earlier || !none || !book) return;
    const waiting = this.waiting ? `Resume · ${this.waiting} waiting` : "Resume";
    write(pause, this.frozen ? waiting : "Pause");
    if (pause.getAttribute("aria-pressed") !== String(this.frozen !== null)) pause.setAttribute("aria-pressed", String(this.frozen !== null));
    const more = this.older;
    earlier.hidden = !more;
    write(earlier, more ? `${more} earlier` : "");
    write(none, book.entries.length ? "No line passes the filter." : book.known ? "No line yet. Programs send theirs to /api/v1/logs." : "What came before is not known here: it could not be asked for.");
  }

  /** Go half a screenful of rows back; what is read stays where it is. */
  #back() {
    const { list } = this;
    if (!list) return;
    if (!this.frozen) this.#freeze(true);
    const first = this.rows[0]?.root;
    const top = first?.offsetTop ?? 0;
    const item = this.items[0];
    this.below += Math.min(ROWS / 2, this.older);
    this.#show();
    this.#tell();
    const row = item ? this.rows[this.items.indexOf(item)] : undefined;
    if (row) list.scrollTop += row.root.offsetTop - top;
  }

  #scrolled() {
    const { list } = this;
    if (!list) return;
    const end = list.scrollHeight - list.scrollTop - list.clientHeight <= NEAR;
    if (!end) this.selecting = false; // who scrolls away reads on, also when nothing is selected any more
    if (!end && !this.frozen) this.#freeze(true);
    else if (end && this.frozen && this.below) this.#forward();
    else if (end && this.frozen && this.scrolled && !this.selecting) this.#resume();
  }

  /** Scrolled to the end of earlier lines: those after them follow. */
  #forward() {
    const last = this.items.at(-1);
    this.below = Math.max(0, this.below - ROWS / 2);
    this.#show();
    this.#tell();
    const row = last ? this.rows[this.items.indexOf(last)] : undefined;
    row?.root.scrollIntoView({ block: "end" });
  }

  /** Stay at the end, whatever grew. */
  #stick() {
    if (this.list && !this.frozen) this.list.scrollTop = this.list.scrollHeight;
  }
}

/** @returns {Row} */
function makeRow() {
  const root = make("div", "line");
  const [time, level, logger, text] = [make("span", "time"), make("span", "level"), make("span", "logger"), make("span", "text")];
  root.append(time, level, logger, text);
  return { root, time, level, logger, text };
}

/**
 * @param {string} message
 * @param {boolean} whole
 */
function shortened(message, whole) {
  return whole || message.length <= LONGEST ? message : `${message.slice(0, LONGEST)}… and ${message.length - LONGEST} more characters`;
}

/** @param {import("../protocol.js").Gap} gap */
function missing({ skipped, from, to, reason }) {
  const what = skipped ? `${skipped} lines are missing` : "Lines are missing";
  const time = from && to && to > from ? ` of ${formatAge(to - from)}` : "";
  return `${what}${time}: ${REASONS[reason] ?? reason}`;
}

/** @param {string} word */
function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

customElements.define("live-log", LiveLog);
