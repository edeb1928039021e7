import assert from "node:assert/strict";
import { test } from "node:test";
import { drawBand } from "../../static/js/band.js";
import { Line } from "../../static/js/line.js";
import { drawSpark } from "../../static/js/spark.js";
import { markPeaks } from "../../static/js/underlay.js";

/** A line of a week in half hours, at 1 of 100, but for one second at 100 in one of them. */
function week(/** @type {number} */ spike) {
  const line = new Line(`a{n="${spike}"}`, { name: "a", labels: { n: String(spike) } }, 1800, 344);
  line.declared = 1;
  line.merge(Array.from({ length: 336 }, (_, at) => [at * 1800, 1, 1, at === spike ? 100 : 1]), 336 * 1800);
  [line.time, line.value, line.born] = [336 * 1800, 1, 0];
  return line;
}

/** A context that remembers what it filled: colour, place and size. */
function paper() {
  /** @type {{ fill: string, x: number, y: number, width: number, height: number }[]} */
  const filled = [];
  const fill = (/** @type {number[]} */ [x = 0, y = 0, width = 0, height = 0]) => filled.push({ fill: ctx.fillStyle, x, y, width, height });
  const own = { fillStyle: "", fillRect: (/** @type {number[]} */ ...box) => void fill(box), canvas: {}, createPattern: () => null };
  const ctx = /** @type {any} */ (new Proxy(own, { get: (target, name) => Reflect.get(target, name) ?? (() => {}) }));
  return { ctx, filled };
}

const moment = /** @type {any} */ ({
  end: 336 * 1800, range: 336 * 1800, now: 0, past: null, blinds: [], marks: [], annotations: [],
  palette: { data: ["#0b6bcb", "#d9720b"], text: "#14181f", hatch: "#cfd5dd", muted: "#5a6371" },
});
const highest = (/** @type {{ height: number }[]} */ boxes) => Math.max(...boxes.map(({ height }) => Math.abs(height)));

test("a band shows a second of a week, however few pixels the week has", () => {
  for (const width of [1200, 500, 300, 90]) {
    const { ctx, filled } = paper();
    drawBand(ctx, week(200), { left: 0, width, start: 0, range: 336 * 1800, y: (value) => 100 - value });
    const seen = filled.filter(({ height, width: wide }) => height > 90 && wide > 0);
    assert.ok(seen.length >= 1 && seen.every(({ x }) => Math.abs(x - (200 / 336) * width) <= 1), `${width}: ${seen.length}`);
  }
});

test("the small line of a tile shows a second of a week, of one line and of a sum", () => {
  Object.assign(globalThis, { window: { devicePixelRatio: 1 } });
  for (const lines of [[week(200)], [week(200), week(-1)]]) {
    const { ctx, filled } = paper();
    const canvas = /** @type {any} */ ({ clientWidth: 120, clientHeight: 44, width: 0, height: 0, getContext: () => ctx });
    drawSpark(canvas, [lines], /** @type {any} */ ({ min: null, max: null }), moment, /** @type {any} */ ({ of: () => "hatched" }));
    const strokes = filled.filter(({ fill, width }) => fill === "#0b6bcb" && width === 1);
    assert.equal(strokes.length, 1);
    assert.ok(highest(strokes) > 30);
  }
});

test("a mark stays between the ends of the axis", () => {
  const { ctx, filled } = paper();
  const plot = { ctx, chartArea: { left: 10, right: 110, top: 5, bottom: 55 }, scales: { x: { getPixelForValue: () => 0 }, y: { min: 0, max: 1, getPixelForValue: () => 0 } } };
  markPeaks(plot, [["#0b6bcb", [{ time: 168 * 1800, drawn: 0.5, value: 9 }, { time: 0, drawn: 0.5, value: -9 }]]], 1800, moment);
  assert.deepEqual(filled.map(({ x, y, height }) => [x, y, height]), [[60, 5, 25], [10, 55, -25]]);
});
