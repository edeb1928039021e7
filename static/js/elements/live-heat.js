import { AXIS, drawTimes, GUTTER, RIGHT } from "../axes.js";
import { coverage } from "../coverage.js";
import { formatText } from "../format.js";
import { Hatch } from "../hatch.js";
import { drawMarks } from "../marks.js";
import { write } from "../rows.js";
import { namesOf } from "../series.js";
import { prepare } from "../spark.js";
import { NO_PANEL } from "../protocol.js";

/** @typedef {import("../line.js").Line} Line */

const TOP = 5;
/** Shades between nothing and full. */
const SHADES = 24;

/** A row for each line, a column for each moment, the value as depth of one colour. */
export class LiveHeat extends HTMLElement {
  moving = true;
  strict = false;
  spec = NO_PANEL;
  /** @type {Line[]} */
  lines = [];
  /** @type {string[]} what the lines are called */
  names = [];
  /** @type {string[]} */
  shades = [];
  shadesOf = "";
  hatch = new Hatch();

  connectedCallback() {
    this.canvas = /** @type {HTMLCanvasElement} */ (this.querySelector("canvas"));
    this.now = /** @type {HTMLElement} */ (this.querySelector(".now"));
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
    const left = GUTTER * rem;
    const area = { left, width: width - left - RIGHT * rem, height: height - AXIS * rem };
    this.area = area;
    const span = { start: moment.end - moment.range, scale: area.width / moment.range };
    ctx.fillStyle = this.hatch.of(ctx, palette.hatch);
    for (const { from, to } of coverage(lines, span.start, moment.end).holes) {
      ctx.fillRect(left + (from - span.start) * span.scale, TOP * rem, (to - from) * span.scale, area.height - TOP * rem);
    }
    ctx.font = `${12 * rem}px ${getComputedStyle(this).fontFamily}`;
    ctx.fillStyle = palette.muted;
    ctx.textBaseline = "middle";
    const row = (area.height - TOP * rem) / Math.max(1, lines.length);
    const every = Math.max(1, Math.ceil((16 * rem) / row));
    lines.forEach((line, at) => {
      this.#row(ctx, line, TOP * rem + at * row, row - (row > 6 ? 2 * rem : row > 3 ? 1 : 0), area, moment);
      if (at % every) return;
      ctx.fillStyle = palette.muted;
      ctx.textAlign = "right";
      ctx.fillText(clip(ctx, this.names[at] ?? "", left - 8 * rem), left - 8 * rem, TOP * rem + at * row + row / 2);
    });
    const box = { left, right: left + area.width, top: TOP * rem, bottom: area.height };
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
    const time = fraction === null ? null : moment.end - moment.range * (1 - fraction);
    const values = this.lines.map((line) => (time === null ? line.value : line.valueAt(time)));
    let most = -1;
    values.forEach((value, at) => {
      if (value !== null && !Number.isNaN(value) && (most < 0 || value > (values[most] ?? -Infinity))) most = at;
    });
    const line = this.lines[most];
    const unit = this.spec.unit || (line?.unit ?? "");
    const text = line ? `highest of ${this.lines.length}: ${formatText(values[most] ?? NaN, unit)} (${this.names[most]})` : "";
    write(this.now, text);
    if (this.now.title !== text) this.now.title = text;
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
   */
  #row(ctx, line, top, height, area, moment) {
    const start = moment.end - moment.range;
    const low = this.spec.min ?? 0;
    const high = this.spec.max ?? 1;
    const scale = area.width / moment.range;
    for (let at = 0; at < line.length; at++) {
      const mean = line.meanAt(at);
      const from = Math.max(start, line.timeAt(at));
      const to = Math.min(moment.end, at + 1 < line.length ? line.timeAt(at + 1) : line.timeAt(at) + line.step);
      if (to <= from || Number.isNaN(mean)) continue;
      const depth = Math.min(1, Math.max(0, (mean - low) / (high - low)));
      ctx.fillStyle = this.shades[Math.round(depth * (SHADES - 1))] ?? "";
      const x = Math.floor(area.left + (from - start) * scale);
      ctx.fillRect(x, top, Math.ceil(area.left + (to - start) * scale) - x, height);
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

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {number} room
 */
function clip(ctx, text, room) {
  if (ctx.measureText(text).width <= room) return text;
  while (text.length > 1 && ctx.measureText(`${text}…`).width > room) text = text.slice(0, -1);
  return `${text}…`;
}

customElements.define("live-heat", LiveHeat);
