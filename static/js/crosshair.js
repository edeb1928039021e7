import { timeWords } from "./blind.js";
import { wordsAt } from "./marks.js";
import { make, write } from "./rows.js";
import { durationWords } from "./timeframe.js";

/**
 * One moment, shown in all charts at once; the feed goes on beneath it.
 *
 * @typedef {import("./board.js").Board} Board
 * @typedef {import("./panel.js").View & { fractionAt(clientX: number): number | null }} Chart
 */

const CHARTS = "live-chart, live-heat";
/** Part of the time axis that an arrow key moves. */
const STRIDE = 1 / 180;
/** States in which a panel shows no values. */
const NOTHING = ["loading", "empty", "failed"];

export class Crosshair {
  /**
   * @param {Board} board
   * @param {HTMLElement} root
   * @param {HTMLElement} label
   */
  constructor(board, root, label) {
    this.board = board;
    this.label = label;
    /** @type {Chart | null} */
    this.chart = null;
    this.frame = 0;
    this.x = 0;
    /** What is told in the place of the moment, while something is chosen by dragging. */
    this.words = "";
    /** @type {Map<Element, HTMLElement>} by panel, where each chart but the one pointed at says which moment it shows */
    this.times = new Map();
    root.addEventListener("pointermove", (event) => this.#follow(event));
    root.addEventListener("pointerleave", ({ pointerType }) => {
      // A finger is lifted to see what is below it; what it pointed at stays until it taps elsewhere.
      if (pointerType !== "touch") this.#set(null, null);
    });
    root.addEventListener("pointercancel", () => this.#set(null, null));
    document.addEventListener("click", (event) => this.#tap(/** @type {PointerEvent} */ (event)));
    addEventListener("scroll", () => this.chart && this.#place(this.x, this.chart), { passive: true });
    root.addEventListener("keydown", (event) => this.#step(event));
    root.addEventListener("focusout", () => this.#set(null, null));
  }

  /** Point at nothing until the pointer moves. */
  clear() {
    this.#set(null, null);
  }

  /**
   * Point at a moment from outside of the charts; null: at none.
   * @param {number | null} time seconds
   */
  at(time) {
    const { end, range } = this.board.moment();
    const fraction = time === null ? null : 1 - (end - time) / range;
    this.#set(null, fraction !== null && fraction >= 0 && fraction <= 1 ? fraction : null);
    this.label.hidden = true;
  }

  /** Write the time anew, for time has gone on. */
  refresh() {
    this.#write();
    if (this.chart && !this.label.hidden) this.#place(this.x, this.chart);
  }

  #write() {
    const { hover } = this.board;
    const moment = this.board.moment();
    const time = moment.end - moment.range * (1 - (hover ?? 1));
    this.#tell(hover === null ? "" : `at ${timeWords(moment, time)}`, moment);
    if (hover === null || !this.chart) return;
    const { step } = this.board.store;
    const happened = wordsAt(moment, time);
    const what = happened ? ` · ${happened}` : step > 1 ? ` · average ↓ lowest ↑ highest of ${durationWords(step)}` : "";
    write(this.label, this.words || `${timeWords(moment, time)} ${this.board.preferences.zoneName}${what}`);
  }

  /**
   * Say in every panel whose figures are of the past when that was; the one pointed at has it above the pointer.
   * @param {string} words empty: nothing is pointed at
   * @param {import("./panel.js").Moment} moment
   */
  #tell(words, moment) {
    const { past } = moment;
    for (const { element, view, state, held } of words || past !== null || this.times.size ? this.board.panels : []) {
      if (!view.point && past === null && !view.past && !this.times.has(element)) continue;
      let place = this.times.get(element);
      if (!place) {
        place = make("span", "past");
        this.times.set(element, place);
        element.querySelector("header")?.append(place);
      }
      const nothing = past === null || NOTHING.includes(state) || !(held.time > 0 || view.subjects || view.book);
      const minute = view.past ? `minute from ${timeWords(moment, view.past.from)}` : "";
      const whole = nothing ? minute : view.subjects || view.book ? minute || "as of now" : `at ${timeWords(moment, held.time)}`;
      const own = words && view.point ? (view === this.chart || NOTHING.includes(state) ? "" : words) : whole;
      write(place, own);
      if (place.hidden !== !own) place.hidden = !own;
    }
  }

  /** @param {PointerEvent} event */
  #follow(event) {
    const chart = /** @type {Chart | null} */ (/** @type {Element} */ (event.target).closest(CHARTS));
    const fraction = chart?.fractionAt(event.clientX) ?? null;
    this.#set(fraction === null ? null : chart, fraction);
    if (chart && fraction !== null) this.#place(event.clientX, chart);
  }

  /** @param {PointerEvent} event */
  #tap(event) {
    if (event.pointerType !== "touch") return;
    if (/** @type {Element} */ (event.target).closest(".plot")) this.#follow(event);
    else this.#set(null, null);
  }

  /** @param {KeyboardEvent} event */
  #step(event) {
    const stride = { ArrowLeft: -STRIDE, ArrowRight: STRIDE }[event.key];
    const chart = /** @type {Chart | null} */ (/** @type {Element} */ (event.target).querySelector?.(CHARTS) ?? null);
    if (stride === undefined || !chart) return;
    event.preventDefault();
    this.#set(chart, Math.min(1, Math.max(0, (this.board.hover ?? 1) + stride)));
    const box = chart.getBoundingClientRect();
    this.#place(box.left + (this.board.hover ?? 1) * box.width, chart);
  }

  /**
   * @param {number} x
   * @param {Chart} chart
   */
  #place(x, chart) {
    this.x = x;
    const half = this.label.offsetWidth / 2 + 4;
    const panel = /** @type {Element} */ (chart.closest(".panel")).getBoundingClientRect();
    const inside = panel.width >= 2 * half;
    const left = Math.min((inside ? panel.right : innerWidth) - half, Math.max((inside ? panel.left : 0) + half, x));
    this.label.style.transform = `translate(calc(${left}px - 50%), max(0px, ${chart.getBoundingClientRect().top - 4}px - 100%))`;
  }

  /**
   * @param {Chart | null} chart
   * @param {number | null} fraction
   */
  #set(chart, fraction) {
    if (fraction === this.board.hover && chart === this.chart) return;
    this.chart = chart;
    this.board.hover = fraction;
    this.label.hidden = fraction === null;
    this.#write();
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      const moment = this.board.moment();
      for (const { view, visible, renderedAt } of this.board.panels) {
        if (visible && renderedAt) view.point?.(moment.hover, moment);
      }
    });
  }
}
