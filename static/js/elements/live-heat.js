import { AXIS, drawTimes, GUTTER, RIGHT } from "../axes.js";
import { drawUnknown, keepOut, nameBlinds, unknown, within } from "../blind.js";
import { coverage } from "../coverage.js";
import { fit, formatAge, formatText, formatTick, isWhole, tellApart } from "../format.js";
import { Hatch } from "../hatch.js";
import { cellsOf, endsOf, heatDrawing, shadesOf } from "../heat.js";
import { drawAnnotations, drawMarks } from "../marks.js";
import { lastTime } from "../past.js";
import { make, write } from "../rows.js";
import { namesOf } from "../series.js";
import { prepare } from "../spark.js";
import { NO_PANEL } from "../protocol.js";

/** @typedef {import("../line.js").Line} Line */

const TOP = 5;
/** Part of the width that names may take at most, where they are too long for the place that all charts give to labels. */
const NAMES = 0.3;

/**
 * A row for each line, a column for each moment, the value as depth of one colour; where points are rolled up, the highest
 * of each.
 */
export class LiveHeat extends HTMLElement {
  moving = true;
  strict = false;
  spec = NO_PANEL;
  /** @type {Line[]} */
  lines = [];
  /** @type {string[]} what the lines are called */
  names = [];
  /** @type {string[]} what of them has room, and of what that was told */
  labels = [];
  labelsOf = "";
  gutter = 0;
  /** @type {import("../heat.js").Reaches} */
  reaches = new Map();
  /** @type {import("../panel.js").Moment | null} */
  moment = null;
  /** @type {string[]} */
  shades = [];
  shadesOf = "";
  hatch = new Hatch();
  /** @type {import("../blind.js").Span[]} when nobody watched, nor was told afterwards */
  unknown = [];

  connectedCallback() {
    this.canvas = /** @type {HTMLCanvasElement} */ (this.querySelector("canvas"));
    this.now = make("span", "highest");
    this.key = make("span", "key");
    this.querySelector(".now")?.replaceChildren(this.now, this.key);
    this.cross = document.createElement("div");
    this.cross.className = "cross";
    this.cross.hidden = true;
    this.canvas.after(this.cross);
  }

  /**
   * @param {Line[]} lines
   * @param {import("../panel.js").Moment} moment
   */
  render(lines, moment) {
    if (!this.canvas) return;
    this.lines = lines;
    this.moment = moment;
    this.names = namesOf(this.spec.legend, lines.map(({ series }) => series));
    const { palette } = moment;
    if (this.shadesOf !== palette.heat.join()) {
      this.shadesOf = palette.heat.join();
      this.shades = shadesOf(palette.heat);
    }
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const { ctx, width, height } = prepare(this.canvas);
    const font = `${12 * rem}px ${getComputedStyle(this).fontFamily}`;
    const left = this.#label(ctx, font, width, rem);
    const area = { left, width: width - left - RIGHT * rem, top: 0, height: height - AXIS * rem };
    this.area = area;
    const start = moment.end - moment.range;
    const box = { left, right: left + area.width, top: TOP * rem, bottom: area.height };
    drawUnknown(ctx, box, moment, this.hatch, { holes: coverage(lines, start, moment.end).holes });
    this.unknown = unknown(lines, moment);
    ctx.save();
    keepOut(ctx, box, moment, this.unknown);
    ctx.font = font;
    ctx.fillStyle = palette.muted;
    ctx.textBaseline = "middle";
    const row = (area.height - TOP * rem) / Math.max(1, lines.length);
    const every = Math.max(1, Math.ceil((16 * rem) / row));
    const ends = endsOf(lines, this.spec, moment, this.reaches);
    this.#tell(ends);
    lines.forEach((line, at) => {
      const end = ends.get(this.spec.unit || line.unit) ?? { min: 0, max: 1 };
      this.#row(ctx, line, TOP * rem + at * row, row - (row > 6 ? 2 * rem : row > 3 ? 1 : 0), area, moment, end);
      if (at % every) return;
      ctx.fillStyle = palette.muted;
      ctx.textAlign = "right";
      ctx.fillText(this.labels[at] ?? "", left - 8 * rem, TOP * rem + at * row + row / 2);
    });
    ctx.restore();
    ctx.font = font;
    nameBlinds(ctx, box, moment, rem);
    drawAnnotations(ctx, box, moment);
    drawMarks(ctx, box, moment, rem);
    drawTimes(ctx, box, moment, { family: getComputedStyle(this).fontFamily, rem });
    this.point(moment.hover, moment);
  }

  /**
   * @param {number | null} fraction
   * @param {import("../panel.js").Moment} moment
   */
  point(fraction, moment) {
    if (!this.area || !this.cross || !this.now) return;
    this.cross.hidden = fraction === null;
    if (fraction !== null) {
      this.cross.style.transform = `translateX(${Math.round(this.area.left + fraction * this.area.width)}px)`;
      this.cross.style.height = `${this.area.height}px`;
    }
    const time = fraction === null ? lastTime(this.lines, moment) : moment.end - moment.range * (1 - fraction);
    const known = !within(this.unknown, time);
    const at = (/** @type {Line} */ line, /** @type {number} */ moment) => (fraction === null ? line.valueAt(moment) : line.peakAt(moment));
    const values = this.lines.map((line) => (time === null ? line.value : known ? at(line, time) : null));
    let most = -1;
    values.forEach((value, at) => {
      if (value !== null && !Number.isNaN(value) && (most < 0 || value > (values[most] ?? -Infinity))) most = at;
    });
    const line = this.lines[most];
    const unit = this.spec.unit || (line?.unit ?? "");
    const figure = line ? formatText(values[most] ?? NaN, unit, isWhole([line])) : "";
    const text = line ? `highest of ${this.lines.length}: ${figure} (${this.names[most]})` : "";
    write(this.now, text);
    if (this.now.title !== text) this.now.title = text;
  }

  /**
   * Shorten the names to the room that there is; returns how wide that is.
   * @param {CanvasRenderingContext2D} ctx
   * @param {string} font
   * @param {number} width
   * @param {number} rem
   */
  #label(ctx, font, width, rem) {
    const of = [font, width, ...this.names].join("\n");
    if (of === this.labelsOf) return this.gutter;
    this.labelsOf = of;
    ctx.font = font;
    const measure = (/** @type {string} */ text) => ctx.measureText(text).width;
    const widest = Math.max(0, ...this.names.map(measure));
    const wide = widest > (GUTTER - 8) * rem && width * NAMES > GUTTER * rem;
    this.gutter = wide ? Math.max(GUTTER * rem, Math.min(widest + 14 * rem, width * NAMES)) : GUTTER * rem;
    this.labels = tellApart(this.names).map((parts) => fit(parts, this.gutter - (wide ? 14 : 8) * rem, measure));
    return this.gutter;
  }

  /** What is drawn, as the server's image of this panel prints it, too; null while there is nothing. */
  drawing() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    return this.area && this.moment ? heatDrawing(this.lines, this.spec, this.moment, this.area.width / rem) : null;
  }

  /**
   * Say what the shades stand for.
   * @param {Map<string, import("../heat.js").Ends>} ends
   */
  #tell(ends) {
    const words = [...ends].map(([unit, { min, max }]) => `${min ? `palest: ${formatTick(min, unit)}, ` : ""}darkest: ${formatTick(max, unit)}`);
    const coarse = this.lines.find((line) => line.coarse);
    if (coarse) words.push(`peak of each ${formatAge(coarse.step)}`);
    if (this.key) write(this.key, ` · ${words.join(" · ")}`);
  }

  /** @param {number} clientX */
  fractionAt(clientX) {
    if (!this.area || !this.canvas) return null;
    const x = clientX - this.canvas.getBoundingClientRect().left - this.area.left;
    return Math.min(1, Math.max(0, x / this.area.width));
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Line} line
   * @param {number} top
   * @param {number} height
   * @param {{ left: number, width: number }} area
   * @param {import("../panel.js").Moment} moment
   * @param {import("../heat.js").Ends} ends
   */
  #row(ctx, line, top, height, area, moment, ends) {
    for (const { depth, from, to } of cellsOf(line, ends, area, moment)) {
      ctx.fillStyle = this.shades[depth] ?? "";
      ctx.fillRect(from, top, to - from, height);
    }
  }
}

customElements.define("live-heat", LiveHeat);
