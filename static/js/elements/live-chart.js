import { AXIS, drawTimes, drawValues, GUTTER, RIGHT } from "../axes.js";
import { extremes, MOST_BANDS } from "../band.js";
import { keepOut, unknown, within } from "../blind.js";
import { coverage } from "../coverage.js";
import { unitOf } from "../format.js";
import { Hatch } from "../hatch.js";
import { Legend } from "../legend.js";
import { DASHES, isNeutral, place, slotsOf, strokeOf } from "../palette.js";
import { bounds, Ceiling, drawable } from "../scale.js";
import { drawBeneath, drawAbove } from "../underlay.js";
import { NO_PANEL } from "../protocol.js";

/**
 * @typedef {import("../line.js").Line} Line
 * @typedef {import("../panel.js").Moment} Moment
 * @typedef {{ x: number, y: number }} Point
 * @typedef {{ line: Line, colour: string, dash: number, data: Point[], flat: boolean }} Trace
 */

/** Lines drawn in one chart; of more, the largest are drawn and the others counted. */
const MOST = 8;
/** Milliseconds after which the largest are chosen anew. */
const CHOICE = 15_000;

/** The library, a classic script that has run before this module. */
const library = /** @type {any} */ (window)["Chart"];

// The library's own search for ticks, which nobody sees, does not end for values near the limits of a double.
library?.register(
  class extends library.LinearScale {
    static id = "bare";

    buildTicks() {
      return [];
    }
  }
);

/** A chart of lines or areas over time. The only place that knows Chart.js. */
export class LiveChart extends HTMLElement {
  moving = true;
  strict = false;
  spec = NO_PANEL;
  /** @type {any} */
  chart = null;
  /** @type {Map<string, number>} of all lines, drawn or not */
  slots = new Map();
  hatch = new Hatch();
  ceiling = new Ceiling();
  /** @type {Trace[]} */
  traces = [];
  /** @type {Trace[]} those whose buckets are drawn with their lowest and highest samples */
  banded = [];
  /** @type {Line[]} */
  chosen = [];
  /** @type {Line[] | null} */
  colouredOf = null;
  chosenAt = -Infinity;
  chosenOf = "";
  unit = "";
  /** @type {import("../coverage.js").Coverage} */
  coverage = { holes: [], partial: [], begin: Infinity };
  /** @type {import("../blind.js").Span[]} when nobody watched, nor was told afterwards */
  unknown = [];
  /** @type {Moment | null} */
  moment = null;
  highest = 0;
  lowest = 0;
  /** Charts of a page take turns, so that their drawing does not fall into one second. */
  turn = 0;
  drawn = { end: NaN, range: NaN, of: "", early: true };

  connectedCallback() {
    this.plot = /** @type {HTMLElement} */ (this.querySelector(".plot"));
    this.legend = new Legend(/** @type {HTMLElement} */ (this.querySelector(".legend")));
    this.cross = document.createElement("div");
    this.cross.className = "cross";
    this.cross.hidden = true;
    this.plot.append(this.cross);
    this.turn = [...document.querySelectorAll(this.localName)].indexOf(this);
  }

  disconnectedCallback() {
    this.chart?.destroy();
    this.chart = null;
  }

  /**
   * @param {Line[]} lines
   * @param {Moment} moment
   * @param {Line[]} [all] also those no longer listed, which keep their colours
   */
  render(lines, moment, all = lines) {
    this.moment = moment;
    if (this.colouredOf !== all) {
      this.colouredOf = all;
      this.slots = slotsOf(all);
      this.drawn.early = true;
    }
    this.#choose(lines, moment.now);
    const [first, ...others] = this.chosen.map(({ unit }) => unit);
    // Values of several units share no unit of the axis.
    const common = others.every((unit) => unit === first) ? first : "";
    this.unit = this.spec.unit || (common ?? unitOf(this.spec.series[0] ?? ""));
    if (this.#due(moment)) this.#draw(moment);
    this.legend?.show(this.traces, lines.length - this.chosen.length, this.spec.legend, this.spec.unit || "");
    this.point(moment.hover, moment);
  }

  /**
   * Tell whether a whole pixel of time has passed; less would cost a drawing that nobody sees.
   * @param {Moment} moment
   */
  #due(moment) {
    const area = this.chart?.chartArea;
    const period = area ? Math.ceil(moment.range / (area.right - area.left)) : 1;
    const same = this.drawn.range === moment.range && this.drawn.of === this.chosenOf && !this.drawn.early;
    const round = (/** @type {number} */ end) => Math.floor((end + this.turn) / period);
    return !(same && moment.end >= this.drawn.end && round(moment.end) === round(this.drawn.end));
  }

  /** @param {Moment} moment */
  #draw(moment) {
    if (!library) throw new Error("static/vendor/chart.umd.min.js is missing; make fetches it");
    this.#trace(moment);
    this.coverage = coverage(this.chosen, moment.end - moment.range, moment.end);
    this.unknown = unknown(this.chosen, moment);
    this.chart ??= this.#build();
    this.#scales(moment);
    this.chart.update("none");
    // Drawn before the samples of its second had come: to be drawn again when they have.
    const early = this.chosen.every((line) => line.time < moment.end) && moment.now < Math.min(...this.chosen.map((line) => line.deadline));
    this.drawn = { end: moment.end, range: moment.range, of: this.chosenOf, early };
  }

  /**
   * Show the values of one moment; the feed goes on.
   * @param {number | null} fraction of the time axis, from its left end; null: the newest
   * @param {Moment} moment
   */
  point(fraction, moment) {
    if (!this.chart || !this.cross) return;
    this.cross.hidden = fraction === null;
    if (fraction !== null) {
      const { left, right, top, bottom } = this.chart.chartArea;
      this.cross.style.transform = `translateX(${Math.round(left + fraction * (right - left))}px)`;
      this.cross.style.top = `${top}px`;
      this.cross.style.height = `${bottom - top}px`;
    }
    const time = fraction === null ? null : moment.end - moment.range * (1 - fraction);
    this.legend?.values(time, moment, !within(this.unknown, time));
  }

  /**
   * Where on the time axis a pointer is, from 0 to 1.
   * @param {number} clientX
   */
  fractionAt(clientX) {
    const area = this.chart?.chartArea;
    if (!area) return null;
    const x = clientX - this.chart.canvas.getBoundingClientRect().left;
    return Math.min(1, Math.max(0, (x - area.left) / (area.right - area.left)));
  }

  /** Colours or sizes have changed. */
  restyle() {
    this.chart?.destroy();
    this.chart = null;
    this.chosenAt = -Infinity;
    this.drawn.early = true;
  }

  /**
   * @param {Line[]} lines
   * @param {number} now
   */
  #choose(lines, now) {
    const crowded = lines.length > MOST;
    const revision = lines.reduce((sum, line) => sum + line.revision, 0);
    const names = `${lines.length} ${revision} ${lines[0]?.key} ${lines.at(-1)?.key}`;
    if (names === this.chosenOf && !(crowded && now - this.chosenAt > CHOICE)) return;
    this.chosenOf = names;
    this.chosenAt = now;
    const bySize = new Map(lines.map((line) => [line, average(line)]));
    const largest = [...lines].sort((a, b) => (bySize.get(b) ?? 0) - (bySize.get(a) ?? 0)).slice(0, MOST);
    this.chosen = this.spec.stack || crowded ? largest : lines;
    if (this.spec.stack) this.chosen = [...largest].sort((a, b) => place(a.series) - place(b.series));
  }

  /** @param {Moment} moment */
  #trace(moment) {
    const { palette } = moment;
    const room = (this.chosen[0]?.times.length ?? 0) + 2;
    const old = this.traces;
    this.traces = this.chosen.map((line, at) => {
      const reused = old[at]?.data.length === room ? old[at]?.data : undefined;
      const stroke = isNeutral(line.series) ? { colour: palette.neutral, dash: 0 } : strokeOf(this.slots.get(line.key) ?? 0, palette);
      return { line, ...stroke, data: reused ?? Array.from({ length: room }, () => ({ x: 0, y: NaN })), flat: false };
    });
    /** @type {Map<number, number> | null} */
    const sums = this.spec.stack ? new Map() : null;
    let highest = 0;
    this.lowest = 0;
    for (const trace of this.traces) {
      const before = highest;
      highest = Math.max(highest, fill(trace.data, trace.line, moment, sums));
      for (const { y } of trace.data) if (y < this.lowest) this.lowest = y;
      // A part of a stack that is nothing would only draw its edge over its neighbour's.
      trace.flat = sums !== null && before > 0 && trace.line.value === 0 && average(trace.line) === 0;
    }
    const coarse = this.spec.stack || this.traces.length > MOST_BANDS ? [] : this.traces.filter(({ line }) => line.coarse);
    for (const { line } of coarse) {
      const { low, high } = extremes(line, moment.end - moment.range);
      highest = Math.max(highest, high);
      this.lowest = Math.min(this.lowest, low);
    }
    this.banded = coarse;
    this.highest = highest;
  }

  /** @param {Moment} moment */
  #scales(moment) {
    const { options, data } = this.chart;
    const max = this.spec.max ?? this.ceiling.above(this.highest, this.spec.stack ? 1.04 : 1.15);
    options.scales.x.min = (moment.end - moment.range) * 1000;
    options.scales.x.max = moment.end * 1000;
    Object.assign(options.scales.y, bounds(this.spec.min ?? (this.lowest < 0 ? this.lowest * 1.15 : 0), max));
    const traces = this.traces.filter(({ flat }) => !flat);
    if (data.datasets.length !== traces.length) data.datasets.length = 0;
    traces.forEach((trace, at) => {
      const dataset = (data.datasets[at] ??= { spanGaps: false });
      dataset.data = trace.data;
      dataset.borderColor = trace.colour;
      dataset.borderDash = DASHES[trace.dash];
      // The first is drawn last: in a stack each covers what is below its own part of the one above.
      dataset.backgroundColor = this.spec.stack ? mix(trace.colour, moment.palette.surface, 0.55) : fade(trace.colour, 0.14);
      dataset.fill = this.spec.kind === "area" || this.traces.length === 1 ? "start" : false;
    });
  }

  #build() {
    this.plot?.querySelector("canvas")?.remove();
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    this.plot?.prepend(canvas);
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const type = { family: getComputedStyle(this).fontFamily, rem };
    // The axes are drawn here: those of the library cost more, each second, than all the rest of a chart.
    const scale = { type: "bare", display: false };
    const before = (/** @type {any} */ chart) => {
      const { moment } = this;
      if (!moment) return;
      drawValues(chart.ctx, chart.chartArea, chart.scales.y, this.unit, moment, type);
      drawTimes(chart.ctx, chart.chartArea, moment, type);
      drawBeneath(chart, this.spec, this.coverage, moment, this.hatch, this.banded, this.unknown);
      chart.ctx.save();
      keepOut(chart.ctx, chart.chartArea, moment, this.unknown);
    };
    const after = (/** @type {any} */ chart) => {
      if (this.moment) chart.ctx.restore();
      drawAbove(chart, this.spec.stack ? [] : this.traces, this.coverage, this.moment, rem);
    };
    return new library(canvas, {
      type: "line",
      data: { datasets: [] },
      options: {
        animation: false, parsing: false, normalized: true, maintainAspectRatio: false, events: [],
        devicePixelRatio: Math.min(2, window.devicePixelRatio),
        layout: { padding: { top: 8 * rem, right: RIGHT * rem, bottom: AXIS * rem, left: GUTTER * rem } },
        elements: { line: { borderWidth: 1.5 * rem, borderJoinStyle: "bevel" }, point: { radius: 0, hitRadius: 0 } },
        plugins: { legend: { display: false }, tooltip: { enabled: false } },
        scales: { x: { ...scale }, y: { ...scale } },
      },
      plugins: [
        {
          id: "truth",
          beforeDatasetsDraw: before,
          afterDatasetsDraw: after,
        },
      ],
    });
  }
}

/**
 * Fill the points of one trace from its line; returns the highest value. `sums` stacks it on what it already holds.
 * @param {Point[]} data
 * @param {Line} line
 * @param {Moment} moment
 * @param {Map<number, number> | null} sums
 */
function fill(data, line, moment, sums) {
  const start = moment.end - moment.range - 2 * line.step;
  const middle = (line.interval ?? line.step) < line.step ? line.step / 2 : 0;
  let used = 0;
  let highest = 0;
  const put = (/** @type {number} */ time, /** @type {number} */ value) => {
    const point = data[used];
    if (point === undefined) return;
    used++;
    const base = sums?.get(time) ?? 0;
    if (sums && !Number.isNaN(value)) sums.set(time, drawable(base + value));
    point.x = time * 1000;
    point.y = drawable(base + value);
    if (point.y > highest && time <= moment.end) highest = point.y;
  };
  for (let at = 0; at < line.length; at++) {
    const time = line.timeAt(at);
    if (time >= start && time + middle < line.time) put(time + middle, line.meanAt(at));
  }
  if (line.time >= start) put(line.time, line.value);
  const last = data[used - 1]?.x ?? 0;
  for (let at = used; at < data.length; at++) {
    const point = /** @type {Point} */ (data[at]);
    point.x = last;
    point.y = NaN;
  }
  return highest;
}

/** @param {Line} line */
function average(line) {
  let sum = 0;
  let count = 0;
  for (let at = 0; at < line.length; at++) {
    const mean = line.meanAt(at);
    if (Number.isNaN(mean)) continue;
    sum += mean;
    count++;
  }
  return count ? sum / count : line.value || 0;
}

/**
 * @param {string} colour six hexadecimal digits
 * @param {number} opacity
 */
function fade(colour, opacity) {
  return colour + Math.round(opacity * 255).toString(16).padStart(2, "0");
}

/**
 * @param {string} colour six hexadecimal digits
 * @param {string} ground
 * @param {number} part of the colour
 */
function mix(colour, ground, part) {
  const channel = (/** @type {number} */ at) =>
    Math.round(parseInt(colour.slice(at, at + 2), 16) * part + parseInt(ground.slice(at, at + 2), 16) * (1 - part));
  return `rgb(${channel(1)} ${channel(3)} ${channel(5)})`;
}

customElements.define("live-chart", LiveChart);
