import { timeWords } from "../blind.js";
import { formatAge, formatText, isWhole, tellApart } from "../format.js";
import { writeName } from "../legend.js";
import { make, Rows, write } from "../rows.js";
import { namesOf } from "../series.js";
import { NO_PANEL } from "../protocol.js";

/**
 * @typedef {import("../line.js").Line} Line
 * @typedef {import("../panel.js").Moment} Moment
 * @typedef {{ line: Line, value: number | null, low: number, mean: number, high: number }} Summary
 * @typedef {"name" | "value" | "low" | "mean" | "high"} Order
 */

/** Lines that are listed at most. */
const MOST = 500;
/** What each column is sorted by; the last, the age, is not. */
const ORDERS = /** @type {Order[]} */ (["name", "value", "low", "mean", "high"]);

/** Every line of the page with its value, and what it was at least, on average and at most in the time that is shown. */
export class LiveSummary extends HTMLElement {
  moving = true;
  strict = false;
  spec = NO_PANEL;
  /** @type {Order} */
  order = "name";
  /** @type {Line[]} */
  lines = [];
  /** @type {Summary[]} */
  summaries = [];
  /** @type {Moment | null} */
  moment = null;

  connectedCallback() {
    this.more = /** @type {HTMLElement} */ (this.querySelector(".more"));
    this.heads = [...this.querySelectorAll("th")];
    ORDERS.forEach((order, at) => {
      const head = this.heads?.[at];
      if (!head || head.querySelector("button")) return;
      const button = document.createElement("button");
      const what = make("span", "what");
      what.textContent = head.textContent;
      button.type = "button";
      button.append(what);
      button.addEventListener("click", () => {
        this.order = order;
        this.#draw();
      });
      head.replaceChildren(button);
    });
    this.rows = new Rows(/** @type {HTMLElement} */ (this.querySelector("tbody")), row);
  }

  /**
   * @param {Line[]} lines
   * @param {Moment} moment
   */
  render(lines, moment) {
    this.lines = lines.filter((line) => line.length || !Number.isNaN(line.value));
    this.moment = moment;
    this.summaries = this.lines.map((line) => summaryOf(line, moment));
    this.point(moment.hover, moment);
  }

  /**
   * @param {number | null} fraction of the time axis; null: the newest
   * @param {Moment} moment
   */
  point(fraction, moment) {
    this.moment = moment;
    const time = fraction === null ? null : moment.end - moment.range * (1 - fraction);
    for (const summary of this.summaries) summary.value = time === null ? summary.line.value : summary.line.valueAt(time);
    this.#draw();
  }

  #draw() {
    const { moment } = this;
    if (!moment) return;
    this.#sort();
    const names = namesOf("", this.summaries.map(({ line }) => line.series));
    const parts = tellApart(names);
    const traces = drawn();
    const shown = this.summaries.slice(0, MOST);
    this.rows?.take(shown.length).forEach((cells, at) => {
      const { line, value, low, mean, high } = /** @type {Summary} */ (shown[at]);
      const trace = traces.get(line.key);
      cells.swatch.classList.toggle("none", !trace);
      cells.swatch.style.backgroundColor = trace?.colour ?? "";
      cells.swatch.dataset["dash"] = String(trace?.dash ?? 0);
      writeName(cells.name, parts[at] ?? []);
      const title = trace ? line.key : `${line.key}\nIt is not drawn: the chart shows the largest.`;
      if (cells.root.title !== title) cells.root.title = title;
      const whole = isWhole([line]);
      write(cells.value, formatText(value, line.unit, whole));
      write(cells.low, formatText(low, line.unit, whole));
      write(cells.mean, formatText(mean, line.unit));
      write(cells.high, formatText(high, line.unit, whole));
      const age = Number.isNaN(line.born) ? "" : formatAge((moment.now - line.born) / 1000);
      write(cells.age, moment.past === null ? age : timeWords(moment, line.time));
      cells.root.classList.toggle("stale", moment.now >= line.deadline);
    });
    write(/** @type {HTMLElement} */ (this.heads?.at(-1)), moment.past === null ? "Age" : "At");
    if (this.more) write(this.more, shown.length < this.summaries.length ? `and ${this.summaries.length - shown.length} more` : "");
    ORDERS.forEach((order, at) => {
      const sorted = order !== this.order ? "none" : order === "name" ? "ascending" : "descending";
      this.heads?.[at]?.setAttribute("aria-sort", sorted);
    });
  }

  #sort() {
    const { order } = this;
    // Lines come in the order of their names.
    if (order === "name") {
      const places = new Map(this.lines.map((line, at) => [line, at]));
      this.summaries.sort((one, other) => (places.get(one.line) ?? 0) - (places.get(other.line) ?? 0));
      return;
    }
    const key = (/** @type {Summary} */ summary) => (Number.isNaN(summary[order] ?? NaN) ? -Infinity : Number(summary[order]));
    this.summaries.sort((one, other) => key(other) - key(one) || 0);
  }
}

/**
 * @param {Line} line
 * @param {Moment} moment
 * @returns {Summary}
 */
function summaryOf(line, { end, range }) {
  let [low, high, sum, count] = [Infinity, -Infinity, 0, 0];
  for (let at = 0; at < line.length; at++) {
    const [time, mean] = [line.timeAt(at), line.meanAt(at)];
    if (time + line.step <= end - range || time > end || Number.isNaN(mean)) continue;
    low = Math.min(low, line.lowAt(at));
    high = Math.max(high, line.highAt(at));
    sum += mean;
    count++;
  }
  return count ? { line, value: line.value, low, mean: sum / count, high } : { line, value: line.value, low: NaN, mean: NaN, high: NaN };
}

/** The lines that charts of this page draw, and how they look. */
function drawn() {
  /** @type {Map<string, { colour: string, dash: number }>} */
  const looks = new Map();
  const charts = /** @type {NodeListOf<import("./live-chart.js").LiveChart>} */ (document.querySelectorAll("live-chart"));
  for (const { traces } of charts) for (const trace of traces) looks.set(trace.line.key, trace);
  return looks;
}

function row() {
  const root = make("tr");
  const [cell, place, swatch, name] = [make("td"), make("span", "place"), make("span", "swatch"), make("span", "name")];
  const [value, low, mean, high, age] = [make("td", "value now"), make("td", "value"), make("td", "value"), make("td", "value"), make("td", "value age")];
  place.append(swatch, name);
  cell.append(place);
  root.append(cell, value, low, mean, high, age);
  return { root, swatch, name, value, low, mean, high, age };
}

customElements.define("live-summary", LiveSummary);
