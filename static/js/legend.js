import { formatAge, formatText } from "./format.js";
import { write } from "./rows.js";
import { legendTexts } from "./series.js";

/**
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./panel.js").Moment} Moment
 * @typedef {{ root: HTMLElement, swatch: HTMLElement, name: HTMLElement, value: HTMLElement, line: Line | null }} Entry
 */

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
    this.capacity = Infinity;
    new ResizeObserver(() => this.#fit()).observe(element);
  }

  /**
   * @param {{ line: Line, colour: string, dash: number }[]} traces
   * @param {number} left lines that are not drawn
   * @param {string} legend
   * @param {string} unit
   */
  show(traces, left, legend, unit) {
    this.unit = unit;
    const names = traces.map(({ line, colour, dash }) => line.key + colour + dash).join() + left;
    if (names === this.names) return;
    this.names = names;
    this.left = left;
    const texts = legendTexts(legend, traces.map(({ line }) => line.series));
    while (this.entries.length < traces.length) this.entries.push(entry());
    this.entries.length = traces.length;
    traces.forEach(({ line, colour, dash }, at) => {
      const { root, swatch, name } = /** @type {Entry} */ (this.entries[at]);
      /** @type {Entry} */ (this.entries[at]).line = line;
      const text = texts[at] ?? "";
      name.textContent = text;
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
   */
  values(time, moment) {
    for (const { root, value, line } of this.entries) {
      if (!line) continue;
      const stale = time === null && moment.now >= line.deadline;
      const shown = time === null ? line.value : line.valueAt(time);
      const aged = stale || (time === null && line.interval === null);
      const peak = time === null || !line.coarse ? null : line.peakAt(time);
      const highest = peak === null ? "" : ` ↑\u00a0${formatText(peak, this.unit)}`;
      const text = formatText(shown, this.unit) + highest + (aged ? ` ${formatAge((moment.now - line.born) / 1000)} ago` : "");
      write(value, text);
      root.classList.toggle("stale", stale);
    }
  }

  /** Show as many whole cells as there is room for, and say how many lines have none. */
  #fit() {
    const style = getComputedStyle(this.element);
    const columns = columnsOf(this.element, parseFloat(getComputedStyle(document.documentElement).fontSize));
    const rows = Number(style.getPropertyValue("--rows")) || 99;
    const room = columns * rows;
    const hidden = this.left ?? 0;
    const shown = this.entries.length + (hidden ? 1 : 0) > room ? room - 1 : this.entries.length;
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
 * Cells of 7.5 rem and their distance of 0.75 rem that fit side by side.
 * @param {HTMLElement} element
 * @param {number} rem pixels
 */
function columnsOf(element, rem) {
  return Math.max(1, Math.floor((element.clientWidth + 0.75 * rem) / (8.25 * rem)));
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
