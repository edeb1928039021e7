import { AXIS, drawTimes, drawValues, GUTTER, RIGHT } from "../axes.js";
import { blinds, keepOut, unknown, within } from "../blind.js";
import { coverage } from "../coverage.js";
import { drawing } from "../drawing.js";
import { Hatch } from "../hatch.js";
import { Legend } from "../legend.js";
import { DASHES, slotsOf } from "../palette.js";
import { lastTime } from "../past.js";
import { axisUnit, choose, limits, MOST, peaks, trace } from "../trace.js";
import { drawBeneath, drawAbove, markPeaks } from "../underlay.js";
import { NO_PANEL } from "../protocol.js";

/**
 * @typedef {import("../line.js").Line} Line
 * @typedef {import("../panel.js").Moment} Moment
 * @typedef {import("../trace.js").Trace} Trace
 */

/** Milliseconds after which the largest are chosen anew. */
const CHOICE = 15_000;

/** Seconds after which a chart is drawn again at the latest, for its newest value is another. */
const LONGEST = 10;

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
  /** Lines that are drawn at most. */
  most = MOST;
  /** @type {any} */
  chart = null;
  /** @type {Map<string, number>} of all lines, drawn or not */
  slots = new Map();
  hatch = new Hatch();
  /** @type {Trace[]} */
  traces = [];
  /** @type {Trace[]} those whose buckets are drawn with their lowest and highest samples */
  banded = [];
  /** @type {Trace[]} those whose peaks are marked instead */
  peaked = [];
  /** @type {import("../peak.js").Peak[]} how high a stack was at least */
  tops = [];
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
  /** Lines that are not drawn. */
  undrawn = 0;
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
    new ResizeObserver(() => this.#fit()).observe(this.plot);
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
    this.unit = axisUnit(this.spec, this.chosen);
    if (this.#due(moment)) this.#draw(moment);
    this.undrawn = lines.length - this.chosen.length;
    this.legend?.show(this.traces, this.undrawn, this.spec.legend, this.spec.unit || "");
    this.point(moment.hover, moment);
  }

  /**
   * Tell whether a whole pixel of time has passed; less would cost a drawing that nobody sees.
   * @param {Moment} moment
   */
  #due(moment) {
    const area = this.chart?.chartArea;
    const period = area ? Math.min(LONGEST, Math.ceil(moment.range / (area.right - area.left))) : 1;
    const same = this.drawn.range === moment.range && this.drawn.of === this.chosenOf && !this.drawn.early;
    const round = (/** @type {number} */ end) => Math.floor((end + this.turn) / period);
    return !(same && moment.end >= this.drawn.end && round(moment.end) === round(this.drawn.end));
  }

  /** @param {Moment} moment */
  #draw(moment) {
    if (!library) throw new Error("static/vendor/chart.umd.min.js is missing; make fetches it");
    Object.assign(this, trace(this.chosen, this.spec, this.slots, moment, this.traces));
    this.coverage = coverage(this.chosen, moment.end - moment.range, moment.end);
    this.unknown = unknown(this.chosen, moment);
    this.chart ??= this.#build();
    this.#scales(moment);
    this.chart.update("none");
    // Drawn before the samples of its second had come: to be drawn again when they have.
    const early = moment.past === null && this.chosen.every((line) => line.time < moment.end) && moment.now < Math.min(...this.chosen.map((line) => line.deadline));
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
    const time = fraction === null ? lastTime(this.chosen, moment) : moment.end - moment.range * (1 - fraction);
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

  /** Where the area between the axes lies in the plot, in pixels; null while there is none. */
  get area() {
    const area = this.chart?.chartArea;
    return area ? { left: area.left, width: area.right - area.left, top: area.top, height: area.bottom - area.top } : null;
  }

  /** What is drawn, as the server's image of this chart prints it, too; null while there is nothing. */
  drawing() {
    const { moment, chart } = this;
    if (!moment || !chart) return null;
    const { left, right, top, bottom } = chart.chartArea;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const size = { width: (right - left) / rem, height: (bottom - top) / rem };
    const { spec, unit, traces, undrawn, drawn: { end, range } } = this;
    const shown = { ...moment, end, range };
    return drawing({ spec, unit, traces, undrawn, coverage: this.coverage, blinds: blinds(shown), moment: shown, size, ...limits(spec, this.lowest, this.highest) });
  }

  /** Fill the plot, and have type of the page's size, in the very frame in which these change. */
  #fit() {
    const { chart, plot, moment } = this;
    if (!chart || !moment || !plot?.clientWidth) return;
    if (chart.width === plot.clientWidth && chart.height === plot.clientHeight) return;
    this.restyle();
    this.#draw(moment);
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
    const crowded = lines.length > this.most;
    const revision = lines.reduce((sum, line) => sum + line.revision, 0);
    const names = `${lines.length} ${revision} ${lines[0]?.key} ${lines.at(-1)?.key}`;
    if (names === this.chosenOf && !(crowded && now - this.chosenAt > CHOICE)) return;
    this.chosenOf = names;
    this.chosenAt = now;
    this.chosen = choose(lines, Boolean(this.spec.stack), this.slots, this.most);
  }

  /** @param {Moment} moment */
  #scales(moment) {
    const { options, data } = this.chart;
    options.scales.x.min = (moment.end - moment.range) * 1000;
    options.scales.x.max = moment.end * 1000;
    Object.assign(options.scales.y, limits(this.spec, this.lowest, this.highest));
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
    Object.assign(canvas, { width: this.plot?.clientWidth, height: this.plot?.clientHeight });
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const type = { family: getComputedStyle(this).fontFamily, rem };
    // The axes are drawn here: those of the library cost more, each second, than all the rest of a chart.
    const scale = { type: "bare", display: false };
    const mark = (/** @type {any} */ chart, /** @type {Moment} */ moment) => {
      const { left, right } = chart.chartArea;
      const [first] = this.traces;
      if (first) markPeaks(chart, peaks(this, chart.scales.y, moment, (right - left) / rem), first.line.step, moment);
    };
    const before = (/** @type {any} */ chart) => {
      const { moment } = this;
      if (!moment) return;
      drawValues(chart.ctx, chart.chartArea, chart.scales.y, this.unit, moment, type);
      drawTimes(chart.ctx, chart.chartArea, moment, type);
      drawBeneath(chart, this.spec, this.coverage, moment, this.hatch, this.banded, this.unknown);
      chart.ctx.save();
      keepOut(chart.ctx, chart.chartArea, moment, this.unknown);
      if (!this.spec.stack) mark(chart, moment);
    };
    const after = (/** @type {any} */ chart) => {
      if (this.moment && this.spec.stack) mark(chart, this.moment);
      if (this.moment) chart.ctx.restore();
      drawAbove(chart, this.spec.stack ? [] : this.traces, this.coverage, this.moment, rem);
    };
    return new library(canvas, {
      type: "line",
      data: { datasets: [] },
      options: {
        animation: false, parsing: false, normalized: true, responsive: false, events: [],
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
