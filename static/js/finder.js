import { isSelector, pieces, readSelector, wordsOf } from "./catalogue.js";
import { dropped, narrowest, picked } from "./picking.js";
import { make, Rows, write } from "./rows.js";
import { learn } from "./selector.js";

/**
 * @typedef {import("./catalogue.js").Catalogue} Catalogue
 * @typedef {import("./catalogue.js").Group} Group
 * @typedef {import("./catalogue.js").Known} Known
 * @typedef {{ kind: "selector" | "group" | "series" | "more", text: string, series: Known[], group: Group | null }} Item one line of the list
 */

/** Lines of the list at most, and those of one name. */
const MOST = 400;
const MOST_OF_NAME = 100;
/** Series up to which all names that were found are unfolded. */
const FEW = 12;

/** The list of all series, and the words by which it gets short. */
export class Finder {
  /** @type {Catalogue | null} */
  catalogue = null;
  /** @type {string[]} */
  selectors = [];
  /** @type {Set<Known>} what they choose */
  covered = new Set();
  /** @type {Map<string, boolean>} which names the reader has folded or unfolded */
  folds = new Map();
  /** @type {Item[]} */
  items = [];
  /** Which line of the list the Tab key comes to. */
  at = 0;

  /**
   * @param {HTMLElement} root
   * @param {(selectors: string[]) => void} onChoice called with what is chosen from now on
   * @param {() => void} onAsk called when the list is wanted, and may be an old one
   */
  constructor(root, onChoice, onAsk) {
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (root.querySelector(selector));
    this.root = root;
    this.onChoice = onChoice;
    this.input = /** @type {HTMLInputElement} */ (find("input"));
    this.list = find(".found");
    this.count = find(".count");
    this.nothing = find(".nothing:not(.unknown)");
    this.unknown = find(".unknown");
    this.rows = new Rows(this.list, line);
    this.input.addEventListener("input", () => void this.#search());
    this.input.addEventListener("focus", onAsk);
    find("[data-again]").addEventListener("click", onAsk);
    this.input.addEventListener("keydown", (event) => this.#typed(event));
    this.list.addEventListener("click", (event) => this.#clicked(event));
    this.list.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("keydown", (event) => {
      const typing = /** @type {Element} */ (event.target).matches("input, textarea, select");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || document.querySelector("dialog[open], .zoomed")) return;
      event.preventDefault();
      this.input.select();
      this.input.focus();
    });
  }

  /** @param {Catalogue} catalogue */
  know(catalogue) {
    this.catalogue = catalogue;
    this.unknown.hidden = true;
    this.show(this.selectors);
  }

  /** @param {string} reason why there is no list */
  fail(reason) {
    if (this.catalogue) return;
    this.unknown.hidden = false;
    write(/** @type {HTMLElement} */ (this.unknown.querySelector(".why")), reason);
  }

  /** @param {string[]} selectors that are chosen */
  show(selectors) {
    this.selectors = selectors;
    this.covered = new Set(this.catalogue?.covered(selectors));
    void this.#search();
  }

  async #search() {
    const text = this.input.value.trim();
    // What reads regular expressions comes when it is needed.
    if (isSelector(text)) await learn([text]).catch(() => {});
    if (text !== this.input.value.trim() || !this.catalogue) return;
    const selector = isSelector(text) ? readSelector(text) : null;
    const groups = selector ? this.catalogue.chosen(selector) : isSelector(text) ? [] : this.catalogue.search(text);
    const series = groups.reduce((sum, group) => sum + group.series.length, 0);
    this.items = groups.flatMap((group) => this.#itemsOf(group, series <= FEW && text !== ""));
    // Of one that only the server can read nothing is known here.
    if (selector ? series > 0 : isSelector(text)) {
      this.items.unshift({ kind: "selector", text, series: groups.flatMap((group) => group.series), group: null });
    }
    if (this.items.length > MOST) {
      const left = groups.length - this.items.slice(0, MOST).filter(({ kind }) => kind === "group").length;
      this.items.splice(MOST, Infinity, { kind: "more", text: `and ${left} more names`, series: [], group: null });
    }
    write(this.count, text && !this.items.length ? "" : counted(groups.length, series));
    this.nothing.hidden = this.items.length > 0;
    this.list.hidden = !this.items.length;
    this.#draw(wordsOf(selector ? "" : text));
  }

  /**
   * @param {Group} group
   * @param {boolean} open unless the reader has said otherwise
   * @returns {Item[]}
   */
  #itemsOf(group, open) {
    const { name, series } = group;
    /** @type {Item} */
    const head = { kind: "group", text: name, series, group };
    if (!isOpen(group, this.folds.get(name) ?? open)) return [head];
    /** @type {Item[]} */
    const items = series.slice(0, MOST_OF_NAME).map((one) => ({ kind: "series", text: one.plain, series: [one], group }));
    const left = series.length - items.length;
    if (left) items.push({ kind: "more", text: `and ${left} more: name a label to narrow`, series: [], group });
    return [head, ...items];
  }

  /** @param {string[]} words that are shown where they were found */
  #draw(words) {
    this.at = Math.min(this.at, Math.max(0, this.items.length - 1));
    this.rows.take(this.items.length).forEach((row, place) => {
      const item = /** @type {Item} */ (this.items[place]);
      const { kind, group } = item;
      const { root } = row;
      root.className = kind;
      root.tabIndex = place === this.at ? 0 : -1;
      attribute(root, "aria-level", kind === "series" || (kind === "more" && group) ? "2" : "1");
      attribute(root, "aria-checked", kind === "more" ? null : this.#checked(item));
      const folded = kind === "group" && group && group.all > 1;
      attribute(root, "aria-expanded", folded ? String(this.items[place + 1]?.kind === "series") : null);
      root.title = kind === "group" ? (group?.help ?? "") : kind === "series" ? (item.series[0]?.series ?? "") : "";
      row.box.hidden = kind === "more";
      spell(row.text, kind === "series" && group ? item.text || group.name : item.text, words);
      write(row.unit, kind === "group" ? (group?.unit ?? "") : "");
      const partial = group && group.series.length < group.all ? `${group.series.length} of ${group.all}` : "";
      write(row.many, kind === "group" ? partial || String(group?.all ?? "") : kind === "selector" ? String(item.series.length || "") : "");
    });
  }

  /** @param {Item} item */
  #checked({ kind, text, series }) {
    if (kind === "selector") return String(this.selectors.includes(text));
    const some = series.filter((one) => this.covered.has(one)).length;
    return some === series.length ? "true" : some ? "mixed" : "false";
  }

  /** @param {Item | undefined} item that is chosen now if it was not, and the other way round */
  #toggle(item) {
    if (!item || !this.catalogue || item.kind === "more") return;
    const { catalogue, selectors } = this;
    const { kind, text, series, group } = item;
    const on = this.#checked(item) === "true";
    if (kind === "selector") this.onChoice(on ? selectors.filter((one) => one !== text) : picked(catalogue, selectors, [text]));
    else if (on) this.onChoice(dropped(catalogue, selectors, series));
    else if (kind === "group" && group) this.onChoice(picked(catalogue, selectors, narrowest(catalogue, group)));
    else this.onChoice(picked(catalogue, selectors, series.map(({ selector }) => selector)));
  }

  /**
   * @param {Item | undefined} item
   * @param {boolean} [open] else the other way round
   */
  #fold(item, open) {
    if (item?.kind !== "group" || (item.group?.all ?? 0) < 2) return;
    const at = this.items.indexOf(item);
    this.folds.set(item.text, open ?? this.items[at + 1]?.kind !== "series");
    void this.#search();
  }

  /** @param {MouseEvent} event */
  #clicked({ target }) {
    const element = /** @type {Element} */ (target);
    const place = [...this.list.children].indexOf(/** @type {Element} */ (element.closest("li")));
    if (place < 0) return;
    this.#go(place);
    const item = this.items[place];
    // Beside the mark for choosing, a name of several series opens; all else is chosen by a click anywhere on it.
    if (item?.kind === "group" && (item.group?.all ?? 0) > 1 && !element.closest(".box")) this.#fold(item);
    else this.#toggle(item);
  }

  /** @param {number} place */
  #go(place) {
    this.at = Math.max(0, Math.min(place, this.items.length - 1));
    [...this.list.children].forEach((row, at) => (/** @type {HTMLElement} */ (row).tabIndex = at === this.at ? 0 : -1));
    /** @type {HTMLElement | undefined} */ (this.list.children[this.at])?.focus();
  }

  /** @param {KeyboardEvent} event */
  #typed(event) {
    if (event.key === "ArrowDown" && this.items.length) this.#go(0);
    else if (event.key === "Enter") this.#toggle(this.items[0]);
    else return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const item = this.items[this.at];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowDown") this.#go(this.at + 1);
    else if (event.key === "ArrowUp" && this.at === 0) this.input.focus();
    else if (event.key === "ArrowUp") this.#go(this.at - 1);
    else if (event.key === "Home") this.#go(0);
    else if (event.key === "End") this.#go(this.items.length - 1);
    else if (event.key === "Enter" || event.key === " ") this.#toggle(item);
    else if (event.key === "ArrowRight") this.#fold(item, true);
    else if (event.key === "ArrowLeft" && item?.kind === "group") this.#fold(item, false);
    else if (event.key === "ArrowLeft") this.#go(this.items.findLastIndex(({ kind }, at) => at < this.at && kind === "group"));
    else if (event.key === "Escape") this.input.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/**
 * A name that has one series is that series.
 * @param {Group} group
 * @param {boolean} open
 */
function isOpen({ all }, open) {
  return open && all > 1;
}

/**
 * @param {number} names
 * @param {number} series
 */
function counted(names, series) {
  const of = (/** @type {number} */ count, /** @type {string} */ one, /** @type {string} */ many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
  return `${of(names, "name", "names")} · ${of(series, "series", "series")}`;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {string | null} value null: without
 */
function attribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Write a text with the words that were looked for marked.
 * @param {HTMLElement} element
 * @param {string} text
 * @param {string[]} words
 */
function spell(element, text, words) {
  const key = `${text}\n${words.join(" ")}`;
  if (element.dataset["of"] === key) return;
  element.dataset["of"] = key;
  element.replaceChildren(...pieces(text, words).flatMap((piece) => {
    if (!piece.hit) return breakable(piece.text);
    const mark = make("mark");
    mark.append(...breakable(piece.text));
    return [mark];
  }));
}

/**
 * A text that may be broken where its words end: after each underscore.
 * @param {string} text
 */
function breakable(text) {
  return text.split(/(?<=_)/).flatMap((part, at) => (at ? [make("wbr"), new Text(part)] : [new Text(part)]));
}

function line() {
  const root = make("li");
  root.setAttribute("role", "treeitem");
  const [mark, box, text, unit, many] = [make("span", "fold-mark"), make("span", "box"), make("span", "text"), make("span", "unit"), make("span", "many")];
  root.append(mark, box, text, unit, many);
  return { root, box, text, unit, many };
}
