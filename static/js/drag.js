import { timeWords } from "./blind.js";
import { make } from "./rows.js";
import { between, durationWords } from "./timeframe.js";

/**
 * A time that is chosen by dragging over a chart, for all charts.
 *
 * @typedef {import("./board.js").Board} Board
 * @typedef {import("./panel.js").View & { fractionAt(clientX: number): number | null,
 *   area: { left: number, width: number, top: number, height: number } | null }} Chart
 */

const CHARTS = "live-chart, live-heat";
/** Pixels that a pointer must move for a drag, and a finger, which is never still. */
const [SLACK, TREMBLE] = [6, 16];

export class Drag {
  /**
   * @param {Board} board
   * @param {HTMLElement} root
   * @param {import("./crosshair.js").Crosshair} crosshair
   * @param {(frame: import("./timeframe.js").PastFrame) => void} choose
   */
  constructor(board, root, crosshair, choose) {
    this.board = board;
    this.crosshair = crosshair;
    this.choose = choose;
    /** @type {{ chart: Chart, pointer: number, x: number, from: number, to: number, slack: number, on: boolean } | null} */
    this.held = null;
    /** @type {Map<Element, HTMLElement>} what is chosen, in each chart */
    this.bands = new Map();
    root.addEventListener("pointerdown", (event) => this.#down(event));
    root.addEventListener("pointermove", (event) => this.#move(event));
    root.addEventListener("pointerup", (event) => this.#up(event));
    root.addEventListener("pointercancel", () => this.#end());
    root.addEventListener("lostpointercapture", () => this.#end());
    // Before any other: what Escape ends first is the drag.
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.held?.on) return;
      event.stopImmediatePropagation();
      this.#end();
    }, { capture: true });
  }

  /** @param {PointerEvent} event */
  #down({ target, button, isPrimary, clientX: x, pointerId: pointer, pointerType, shiftKey, ctrlKey, metaKey }) {
    this.#end();
    const plot = /** @type {Element} */ (target).closest(".plot");
    const chart = /** @type {Chart | null | undefined} */ (plot?.closest(CHARTS));
    if (!chart || button !== 0 || !isPrimary || shiftKey || ctrlKey || metaKey) return;
    const time = this.#timeAt(chart, x);
    if (time === null) return;
    this.held = { chart, pointer, x, from: time, to: time, slack: pointerType === "touch" ? TREMBLE : SLACK, on: false };
  }

  /** @param {PointerEvent} event */
  #move({ clientX: x, pointerId }) {
    const { held } = this;
    if (!held || pointerId !== held.pointer) return;
    held.to = this.#timeAt(held.chart, x) ?? held.to;
    const far = Math.abs(x - held.x) >= held.slack;
    if (far && !held.on) {
      held.on = true;
      // So that it goes on beside the chart, too.
      held.chart.querySelector(".plot")?.setPointerCapture(pointerId);
      document.documentElement.classList.add("dragging");
    }
    if (held.on) this.#show(far);
  }

  /** @param {PointerEvent} event */
  #up({ clientX: x, pointerId }) {
    const { held } = this;
    if (!held?.on || pointerId !== held.pointer || Math.abs(x - held.x) < held.slack) return this.#end();
    const frame = between(held.from, held.to, this.board.clock.now());
    this.#end();
    this.choose(frame);
  }

  #end() {
    if (this.held?.on) {
      document.documentElement.classList.remove("dragging");
      for (const band of this.bands.values()) band.hidden = true;
      this.crosshair.words = "";
      this.crosshair.refresh();
    }
    this.held = null;
  }

  /**
   * The moment below a pointer, seconds.
   * @param {Chart} chart
   * @param {number} x
   */
  #timeAt(chart, x) {
    const fraction = chart.fractionAt(x);
    const { end, range } = this.board.moment();
    return fraction === null ? null : end - range * (1 - fraction);
  }

  /** @param {boolean} far whether it is a choice, not the way back to none */
  #show(far) {
    const { held, board } = this;
    if (!held) return;
    const moment = board.moment();
    const { from, to } = between(held.from, held.to, board.clock.now());
    this.crosshair.words = far ? `${timeWords(moment, from)} – ${timeWords(moment, to)} · ${durationWords(to - from)}` : "Release to choose nothing";
    this.crosshair.refresh();
    const begin = moment.end - moment.range;
    const [first, last] = [Math.min(held.from, held.to), Math.max(held.from, held.to)].map((time) => Math.min(1, Math.max(0, (time - begin) / moment.range)));
    for (const { view, visible } of board.panels) {
      const area = visible ? /** @type {Chart} */ (view).area : null;
      if (area) place(this.#band(view), area, first ?? 0, last ?? 1, far);
    }
  }

  /** @param {Element} view */
  #band(view) {
    let band = this.bands.get(view);
    if (!band) {
      band = make("div", "drag");
      view.querySelector(".plot")?.append(band);
      this.bands.set(view, band);
    }
    return band;
  }
}

/**
 * @param {HTMLElement} band
 * @param {{ left: number, width: number, top: number, height: number }} area
 * @param {number} first part of the axis
 * @param {number} last
 * @param {boolean} far
 */
function place(band, { left, width, top, height }, first, last, far) {
  band.hidden = !far;
  band.style.left = `${left + first * width}px`;
  band.style.width = `${(last - first) * width}px`;
  band.style.top = `${top}px`;
  band.style.height = `${height}px`;
}
