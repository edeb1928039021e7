import { format, formatText, isWhole } from "../format.js";
import { isTelling } from "../groups.js";
import { Hatch } from "../hatch.js";
import { write } from "../rows.js";
import { fullOf } from "../scale.js";
import { drawSpark } from "../spark.js";
import { severityOf } from "../thresholds.js";
import { figuresOf, tileDrawing } from "../tile.js";
import { NO_PANEL } from "../protocol.js";

/**
 * @typedef {import("../line.js").Line} Line
 * @typedef {import("../panel.js").Moment} Moment
 * @typedef {import("../groups.js").Group} Group
 */

/** One big current value (two, when the legend tells two apart), with its last minutes beneath. */
export class LiveValue extends HTMLElement {
  moving = true;
  strict = true;
  spec = NO_PANEL;
  /** @type {{ number: HTMLElement, unit: HTMLElement, name: HTMLElement }[]} */
  places = [];
  hatch = new Hatch();
  /** @type {Line[]} */
  lines = [];
  /** @type {Moment | null} */
  moment = null;

  connectedCallback() {
    const read = (/** @type {string} */ part) => /** @type {HTMLElement} */ (this.querySelector(part));
    this.figures = read(".figures");
    this.word = read(".word");
    this.track = /** @type {HTMLElement | null} */ (this.querySelector(".bar"));
    this.bar = /** @type {HTMLElement | null} */ (this.querySelector(".bar i"));
    this.canvas = /** @type {HTMLCanvasElement | null} */ (this.querySelector("canvas"));
  }

  /**
   * @param {Line[]} lines
   * @param {Moment} moment
   */
  render(lines, moment) {
    [this.lines, this.moment] = [lines, moment];
    const { groups: shown, worst } = figuresOf(lines, this.spec);
    this.#figures(shown, isTelling(this.spec.legend, lines));
    const severity = severityOf(worst.value, this.spec.thresholds);
    this.dataset["severity"] = severity ?? "";
    if (this.word) write(this.word, severity ? `${severity === "critical" ? "▲" : "△"} ${severity}` : "");
    // Where nobody knows what is full, a bar would only pretend to.
    const full = this.spec.max ?? fullOf(worst.unit);
    if (this.track && this.track.hidden !== (full === null)) this.track.hidden = full === null;
    if (this.bar) this.bar.style.transform = `scaleX(${full === null ? 0 : share(worst.value, this.spec.min ?? 0, full)})`;
    if (this.canvas) drawSpark(this.canvas, shown.map(({ lines: own }) => own), this.spec, moment, this.hatch);
  }

  /** What is drawn, as the server's image of this panel prints it, too; null while there is nothing. */
  drawing() {
    return this.moment && tileDrawing(this.lines, this.spec, this.moment);
  }

  /**
   * @param {Group[]} groups
   * @param {boolean} named
   */
  #figures(groups, named) {
    while (this.places.length < groups.length) this.places.push(place(/** @type {HTMLElement} */ (this.figures)));
    this.places.forEach(({ number, unit: symbol, name }, at) => {
      const group = groups[at];
      const text = group ? format(group.value, group.unit, false, isWhole(group.lines)) : { number: "", unit: "" };
      write(number, text.number);
      write(symbol, text.unit);
      const words = named ? group?.name ?? "" : "";
      write(name, words);
      if (name.title !== words) name.title = words;
      /** @type {HTMLElement} */ (number.parentElement).hidden = !group;
    });
    this.title = groups.map((group) => `${group.name}: ${formatText(group.value, group.unit, isWhole(group.lines))}`).join("\n");
  }
}

/** @param {HTMLElement} parent whose last child is the word */
function place(parent) {
  const [figure, number, unit, name] = /** @type {HTMLElement[]} */ (
    ["figure", "number", "unit", "name"].map((part) => {
      const span = document.createElement("span");
      span.className = part;
      return span;
    })
  );
  const parts = /** @type {{ number: HTMLElement, unit: HTMLElement, name: HTMLElement }} */ ({ number, unit, name });
  /** @type {HTMLElement} */ (figure).append(parts.number, parts.unit, parts.name);
  parent.lastElementChild?.before(/** @type {HTMLElement} */ (figure));
  return parts;
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function share(value, low, high) {
  const part = (value - low) / (high - low);
  return Number.isNaN(part) ? 0 : Math.min(1, Math.max(0, part));
}

customElements.define("live-value", LiveValue);
