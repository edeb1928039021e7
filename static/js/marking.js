import { meant } from "./annotations.js";
import { make } from "./rows.js";

/**
 * Choosing a moment or a time on a chart to say something of it: with the shift key held, or by the key for where one
 * points.
 *
 * @typedef {import("./board.js").Board} Board
 * @typedef {import("./drag.js").Chart} Chart
 */

const CHARTS = "live-chart, live-heat";
/** Pixels that a pointer must move to mean a time and not a moment. */
const SLACK = 5;
/** Milliseconds for which the moment that was pointed at last is still meant. */
const MEANT = 20_000;
const KEY = "a";

export class Marking {
  /**
   * @param {Board} board
   * @param {(time: { start: number, end: number | null }) => void} onChosen seconds
   */
  constructor(board, onChosen) {
    this.board = board;
    this.onChosen = onChosen;
    /** @type {{ chart: Chart, x: number, from: number } | null} */
    this.held = null;
    this.band = make("div", "marking");
    this.swallow = false;
    this.pointed = { time: NaN, at: -Infinity };
    const capture = { capture: true };
    document.addEventListener("pointerdown", (event) => this.#down(event), capture);
    document.addEventListener("pointermove", (event) => this.#move(event));
    document.addEventListener("pointerup", (event) => this.#up(event));
    document.addEventListener("pointercancel", () => this.#end());
    document.addEventListener("click", (event) => {
      if (!this.swallow) return;
      this.swallow = false;
      event.stopPropagation();
    }, capture);
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Take note of where one points; call it several times a second. */
  watch() {
    const { hover } = this.board;
    if (hover === null) return;
    const { end, range } = this.board.moment();
    this.pointed = { time: end - range * (1 - hover), at: performance.now() };
  }

  /** The moment that is meant by who asks for the dialog without having chosen one: where they pointed last, or the newest. */
  get time() {
    this.watch();
    const { end, range } = this.board.moment();
    const { time, at } = this.pointed;
    const fresh = performance.now() - at < MEANT && time >= end - range && time <= end;
    return Math.round(fresh ? time : end);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    this.#end();
    this.swallow = false;
    const plot = /** @type {Element} */ (event.target).closest?.(".plot");
    const chart = /** @type {Chart | null | undefined} */ (plot?.closest(CHARTS));
    if (!event.shiftKey || event.button !== 0 || !plot || !chart) return;
    const from = this.#timeAt(chart, event.clientX);
    if (from === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.held = { chart, x: event.clientX, from };
    this.band.hidden = true;
    plot.append(this.band);
  }

  /** @param {PointerEvent} event */
  #move({ clientX: x }) {
    const { held } = this;
    const area = held?.chart.area;
    const to = held && this.#timeAt(held.chart, x);
    if (!held || !area || typeof to !== "number") return;
    const { end, range } = this.board.moment();
    const [first, last] = [Math.min(held.from, to), Math.max(held.from, to)].map((time) => Math.min(1, Math.max(0, (time - end + range) / range)));
    this.band.hidden = Math.abs(x - held.x) < SLACK;
    this.band.style.left = `${area.left + (first ?? 0) * area.width}px`;
    this.band.style.width = `${((last ?? 0) - (first ?? 0)) * area.width}px`;
    this.band.style.top = `${area.top}px`;
    this.band.style.height = `${area.height}px`;
  }

  /** @param {PointerEvent} event */
  #up({ clientX }) {
    const { held } = this;
    if (!held) return;
    const to = this.#timeAt(held.chart, clientX) ?? held.from;
    const { range } = this.board.moment();
    const width = held.chart.area?.width ?? 1;
    this.swallow = true;
    // The press that ends here is followed by a click, if at all, at once.
    setTimeout(() => (this.swallow = false));
    this.#end();
    this.onChosen(meant(held.from, to, (range * SLACK) / width));
  }

  #end() {
    this.held = null;
    this.band.remove();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {Element} */ (event.target);
    const elsewhere = target.matches("input, textarea, select, [role=treeitem]") || document.querySelector("dialog[open]");
    if (event.key.toLowerCase() !== KEY || event.ctrlKey || event.metaKey || event.altKey || elsewhere) return;
    event.preventDefault();
    this.onChosen({ start: this.time, end: null });
  }

  /**
   * @param {Chart} chart
   * @param {number} x
   */
  #timeAt(chart, x) {
    const fraction = chart.fractionAt(x);
    const { end, range } = this.board.moment();
    return fraction === null ? null : end - range * (1 - fraction);
  }
}
