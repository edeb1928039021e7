import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { barsDrawing } from "../../static/js/bars.js";
import { blinds } from "../../static/js/blind.js";
import { coverage } from "../../static/js/coverage.js";
import { cellsOf, endsOf, heatDrawing } from "../../static/js/heat.js";
import { drawing, tableDrawing } from "../../static/js/drawing.js";
import { Line } from "../../static/js/line.js";
import { readPalette, slotsOf } from "../../static/js/palette.js";
import { Preferences } from "../../static/js/preferences.js";
import { parseSeries } from "../../static/js/series.js";
import { tileDrawing } from "../../static/js/tile.js";
import { axisUnit, choose, limits, peaks, trace } from "../../static/js/trace.js";
import { cases } from "./cases.js";

const CSS = readFileSync(new URL("../../static/css/base.css", import.meta.url), "utf8");
const THEMES = { light: ":root {", dark: ':root[data-theme="dark"] {' };

/** @param {"light" | "dark"} theme */
function paletteOf(theme) {
  const [, block = ""] = (CSS.split(THEMES[theme])[1] ?? "").match(/^([^}]*)\}/) ?? [];
  const colours = Object.fromEntries([...block.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value]));
  const style = { getPropertyValue: (/** @type {string} */ name) => colours[name] ?? "" };
  Object.assign(globalThis, { document: { documentElement: null }, getComputedStyle: () => style });
  return readPalette();
}

/** @param {any} told */
function lineOf({ series, type, interval, source, last, points }, /** @type {any} */ { step, start, end, home }) {
  const read = parseSeries(series);
  const line = new Line(series, { ...read, afar: read.labels["instance"] !== home }, step, Math.ceil((end - start) / step) + 8, type === "counter");
  line.declared = interval;
  line.source = source;
  line.merge(points, last[0]);
  [line.time, line.value] = last;
  line.born = line.time * 1000;
  return line;
}

/** The same, but for the last figures of numbers. */
function near(/** @type {any} */ actual, /** @type {any} */ expected, /** @type {string} */ at) {
  if (typeof expected === "number" && typeof actual === "number") {
    assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), `${at}: ${actual} is not ${expected}`);
  } else if (expected !== null && typeof expected === "object") {
    assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort(), at);
    for (const key of Object.keys(expected)) near(actual[key], expected[key], `${at}.${key}`);
  } else {
    assert.equal(actual, expected, at);
  }
}

Object.assign(globalThis, { matchMedia: () => ({ addEventListener() {} }) });
const preferences = new Preferences();
preferences.setZone("utc");

for (const one of cases("drawing")) {
  test(one.name, () => {
    const { start, end, now } = one;
    const spec = { thresholds: [], ...one.panel };
    const lines = one.result.map((/** @type {any} */ told) => lineOf(told, one));
    lines.sort((/** @type {Line} */ a, /** @type {Line} */ b) => a.key.localeCompare(b.key, "en", { numeric: true }));
    const told = one.blind.map((/** @type {[number, number]} */ [from, to]) => ({ from, to }));
    const moment = { end, range: end - start, now: now * 1000, palette: paletteOf(one.theme), preferences, blinds: told };
    if (spec.kind === "heat") {
      near(JSON.parse(JSON.stringify(heatDrawing(lines, spec, moment, one.width))), one.drawing, "drawing");
      const ends = endsOf(lines, spec, moment);
      const cells = (/** @type {any} */ line) => cellsOf(line, ends.get(line.unit) ?? { min: 0, max: 1 }, { left: 0, width: one.width }, moment);
      const found = lines.map((/** @type {any} */ line) => [line.key, cells(line).map(({ depth, from, to }) => [depth, from, to])]);
      assert.deepEqual(Object.fromEntries(found), one.cells);
      return;
    }
    const others = { stat: tileDrawing, bar: barsDrawing, table: tableDrawing };
    const other = others[/** @type {keyof typeof others} */ (spec.kind)];
    if (other) {
      near(JSON.parse(JSON.stringify(other(lines, spec, moment))), one.drawing, "drawing");
      return;
    }
    const slots = slotsOf(lines);
    const chosen = choose(lines, Boolean(spec.stack), slots);
    const drawn = trace(chosen, spec, slots, moment);
    const { traces, lowest, highest } = drawn;
    const printed = drawing({
      spec,
      unit: axisUnit(spec, chosen),
      traces,
      undrawn: lines.length - chosen.length,
      coverage: coverage(chosen, start, end),
      blinds: blinds(moment),
      moment,
      size: { width: one.width, height: one.height },
      ...limits(spec, lowest, highest),
    });
    near(JSON.parse(JSON.stringify(printed)), one.drawing, "drawing");
    const marks = peaks(drawn, limits(spec, lowest, highest), moment, one.width).filter(([, own]) => own.length);
    const pairs = marks.map(([colour, own]) => [colour, own.map(({ time, drawn: base, value }) => [time, base, value])]);
    near(Object.fromEntries(pairs), one.marks, "marks");
  });
}
