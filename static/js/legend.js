import { formatAge, formatText, isWhole, tellApart } from "./format.js";
import { make, write } from "./rows.js";
import { legendTexts } from "./series.js";

/**
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./panel.js").Moment} Moment
 * @typedef {{ root: HTMLElement, swatch: HTMLElement, name: HTMLElement, value: HTMLElement, line: Line | null }} Entry
 */

/** Widths of a cell in rem: the least, and one that is comfortable; and the distance of two. */
const CELL = 7.5;
const COMFORT = 10;
const GAP = 0.75;
/** Characters of a value, of one with the highest or its age beside it, and of one with the lowest, too; and the part of an em that one is wide. */
const SHORT = 10;
const LONG = 20;
const LONGEST = 30;
const CHARACTER = 0.55;

/** The names of a chart's lines with their current values, in cells of one width. */
export class Legend {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    /** @type {Entry[]} */
    this.entries = [];
    this.more = document.createElement("li");
    this.more.className = "more";
    this.unit = "";
    this.names = "";
    this.longest = 0;
    /** Whether there is room for more than name and value, the name goes first; and for even more. */
    this.roomy = true;
    this.wide = true;
    new ResizeObserver(() => this.#fit()).observe(element);
  }

  /**
   * @param {{ line: Line, colour: string, dash: number }[]} traces
   * @param {number} left lines that are not drawn
   * @param {string} legend
   * @param {string} unit of all; empty: each has its own
   */
  show(traces, left, legend, unit) {
    this.unit = unit;
    const names = traces.map(({ line, colour, dash }) => line.key + colour + dash).join() + left;
    if (names === this.names) return;
    this.names = names;
    this.left = left;
    const texts = legendTexts(legend, traces.map(({ line }) => line.series));
    this.longest = Math.max(0, ...texts.map((text) => text.length));
    while (this.entries.length < traces.length) this.entries.push(entry());
    this.entries.length = traces.length;
    const parts = tellApart(texts);
    traces.forEach(({ line, colour, dash }, at) => {
      const { root, swatch, name } = /** @type {Entry} */ (this.entries[at]);
      /** @type {Entry} */ (this.entries[at]).line = line;
      const text = texts[at] ?? "";
      writeName(name, parts[at] ?? [text]);
      root.title = `${text}\n${line.key}`;
      swatch.style.backgroundColor = colour;
      swatch.dataset["dash"] = String(dash);
    });
    this.element.replaceChildren(...this.entries.map(({ root }) => root), this.more);
    this.#fit();
  }

  /**
   * @param {number | null} time a moment in the past; null: now
   * @param {Moment} moment
   * @param {boolean} [known] whether anything is, of that moment
   */
  values(time, moment, known = true) {
    this.element.classList.toggle("past", moment.hover !== null);
    for (const { root, value, line } of this.entries) {
      if (!line) continue;
      const stale = time === null && moment.now >= line.deadline;
      const shown = time === null ? line.value : known ? line.valueAt(time) : null;
      const aged = stale || (time === null && line.interval === null);
      const coarse = time !== null && known && line.coarse;
      const peak = coarse && this.roomy ? line.peakAt(time) : null;
      const trough = coarse && this.wide ? line.troughAt(time) : null;
      const unit = this.unit || line.unit;
      const whole = isWhole([line]);
      const lowest = trough === null ? "" : ` ↓\u00a0${formatText(trough, unit, whole)}`;
      const highest = peak === null ? "" : ` ↑\u00a0${formatText(peak, unit, whole)}`;
      const age = aged ? `${formatAge((moment.now - line.born) / 1000)} ago` : "";
      const figures = `${formatText(shown, unit, whole)}${lowest}${highest}`;
      const text = stale && !this.roomy ? age : [figures, age].filter(Boolean).join(" · ");
      write(value, text);
      root.classList.toggle("stale", stale);
    }
  }

  /** Show as many whole cells as there is room for, and say how many lines have none. */
  #fit() {
    const style = getComputedStyle(this.element);
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const em = parseFloat(style.fontSize);
    const width = this.element.clientWidth + GAP * rem;
    const rows = Number(style.getPropertyValue("--rows")) || 99;
    const needed = (/** @type {number} */ characters) => 2 * em + (this.longest + characters) * CHARACTER * em;
    const fitting = (/** @type {number} */ cell) => Math.max(1, Math.floor(width / (cell + GAP * rem)));
    const hidden = this.left ?? 0;
    const count = this.entries.length + (hidden ? 1 : 0);
    const comfortable = fitting(Math.max(COMFORT * rem, needed(SHORT)));
    const columns = Math.min(fitting(CELL * rem), Math.max(1, Math.min(comfortable, count), Math.ceil(count / rows)));
    this.element.style.setProperty("--columns", String(columns));
    this.roomy = needed(LONG) <= width / columns - GAP * rem;
    this.wide = needed(LONGEST) <= width / columns - GAP * rem;
    const room = columns * rows;
    const shown = count > room ? room - 1 : this.entries.length;
    this.entries.forEach(({ root }, at) => {
      root.hidden = at >= shown;
    });
    const more = this.entries.length - shown + hidden;
    this.more.hidden = more <= 0;
    this.more.textContent = `and ${more} more`;
    this.more.title = hidden ? `${hidden} smaller lines are not drawn` : "";
  }
}

/**
 * Write a name so that where there is too little room its parts give way in their order, each by an ellipsis.
 * @param {HTMLElement} element
 * @param {string[]} parts as `tellApart` gives them
 */
export function writeName(element, parts) {
  const several = parts.length > 1;
  if (several !== element.classList.contains("apart")) {
    element.classList.toggle("apart", several);
    element.replaceChildren(...(several ? parts.map(() => make("span")) : []));
  }
  const places = several ? /** @type {HTMLElement[]} */ ([...element.children]) : [element];
  places.forEach((place, at) => write(place, parts[at] ?? ""));
}

/** @returns {Entry} */
function entry() {
  const root = document.createElement("li");
  const [swatch, name, value] = /** @type {[HTMLElement, HTMLElement, HTMLElement]} */ (
    ["swatch", "name", "value"].map((part) => {
      const span = document.createElement("span");
      span.className = part;
      return span;
    })
  );
  root.append(swatch, name, value);
  return { root, swatch, name, value, line: null };
}
