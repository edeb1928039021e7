import { AXIS, drawTimes, GUTTER, RIGHT } from "../axes.js";
import { drawUnknown, keepOut, nameBlinds, unknown, within } from "../blind.js";
import { coverage } from "../coverage.js";
import { fit, formatAge, formatText, formatTick, isWhole, tellApart } from "../format.js";
import { Hatch } from "../hatch.js";
import { drawAnnotations, drawMarks } from "../marks.js";
import { lastTime } from "../past.js";
import { make, write } from "../rows.js";
import { bounds, drawable, fullOf, Reach } from "../scale.js";
import { namesOf } from "../series.js";
import { prepare } from "../spark.js";
import { NO_PANEL } from "../protocol.js";

/** @typedef {import("../line.js").Line} Line */

const TOP = 5;
/** Shades between nothing and full. */
const SHADES = 24;
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
  /** @type {Map<string, { low: Reach, high: Reach }>} what the shades of a unit reach to */
  reaches = new Map();
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
    this.names = namesOf(this.spec.legend, lines.map(({ series }) => series));
    const { palette } = moment;
    if (this.shadesOf !== palette.heat.join()) {
      this.shadesOf = palette.heat.join();
      this.shades = Array.from({ length: SHADES }, (_, at) => blend(palette.heat[0], palette.heat[1], at / (SHADES - 1)));
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
    const ends = this.#ends(lines, start, moment.end);
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

  /**
   * What the palest and the darkest shade stand for, by unit: as the settings say, else by the unit or by what is in view.
   * @param {Line[]} lines
   * @param {number} start seconds
   * @param {number} end seconds
   */
  #ends(lines, start, end) {
    /** @type {Map<string, { low: number, high: number }>} */
    const seen = new Map();
    for (const line of lines) {
      const unit = this.spec.unit || line.unit;
      const range = seen.get(unit) ?? { low: 0, high: 0 };
      seen.set(unit, range);
      const take = (/** @type {number} */ value) => {
        if (value < range.low) range.low = value;
        if (value > range.high) range.high = value;
      };
      for (let at = 0; at < line.length; at++) if (line.timeAt(at) + line.step > start) take(line.highAt(at));
      if (line.time > start && line.time <= end) take(line.value);
    }
    /** @type {string[]} */
    const words = [];
    const ends = new Map([...seen].map(([unit, { low, high }]) => {
      const reach = this.reaches.get(unit) ?? { low: new Reach(), high: new Reach() };
      this.reaches.set(unit, reach);
      const min = this.spec.min ?? -reach.low.above(-low, unit);
      const top = reach.high.above(high, unit);
      const max = this.spec.max ?? fullOf(unit) ?? (top > min || min < 0 ? top : min + 1);
      words.push(`${min ? `palest: ${formatTick(min, unit)}, ` : ""}darkest: ${formatTick(max, unit)}`);
      return [unit, bounds(min, max)];
    }));
    const coarse = lines.find((line) => line.coarse);
    if (coarse) words.push(`peak of each ${formatAge(coarse.step)}`);
    if (this.key) write(this.key, ` · ${words.join(" · ")}`);
    return ends;
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
   * @param {{ min: number, max: number }} ends
   */
  #row(ctx, line, top, height, area, moment, { min, max }) {
    const start = moment.end - moment.range;
    const scale = area.width / moment.range;
    let [edge, before] = [-Infinity, 0];
    for (let at = 0; at < line.length; at++) {
      const high = line.highAt(at);
      const from = Math.max(start, line.timeAt(at));
      const to = Math.min(moment.end, at + 1 < line.length ? line.timeAt(at + 1) : line.timeAt(at) + line.step);
      if (to <= from || Number.isNaN(high)) continue;
      const depth = Math.round(Math.min(1, Math.max(0, (drawable(high) - min) / (max - min))) * (SHADES - 1));
      // Of those that share a pixel the darkest has it, so that no peak is too narrow to be seen.
      const x = Math.max(Math.floor(area.left + (from - start) * scale), depth < before ? edge : -Infinity);
      const right = Math.ceil(area.left + (to - start) * scale);
      if (x >= right) continue;
      ctx.fillStyle = this.shades[depth] ?? "";
      ctx.fillRect(x, top, right - x, height);
      [edge, before] = [Math.max(edge, right), depth];
    }
  }
}

/**
 * @param {string} low six hexadecimal digits
 * @param {string} high
 * @param {number} part
 */
function blend(low, high, part) {
  const channel = (/** @type {number} */ at) => {
    const from = parseInt(low.slice(at, at + 2), 16);
    return Math.round(from + (parseInt(high.slice(at, at + 2), 16) - from) * part);
  };
  return `rgb(${channel(1)} ${channel(3)} ${channel(5)})`;
}

customElements.define("live-heat", LiveHeat);
