import assert from "node:assert/strict";
import { test } from "node:test";
import { format, formatText, formatTick } from "../../static/js/format.js";
import { drawValues, GUTTER } from "../../static/js/axes.js";
import { bounds, drawable, fullOf, Reach, roundUp, topOf, valueTicks } from "../../static/js/scale.js";
import { limits } from "../../static/js/trace.js";
import { NO_PANEL } from "../../static/js/protocol.js";

const SIZES = [0, 5e-324, 2.3e-308, 1e-300, 1e-15, 0.3, 1, 100, 1023.5, 2 ** 53, 1e15, 1e300, 1.7e308, Number.MAX_VALUE];
const EXTREMES = [...new Set(SIZES.flatMap((size) => [size, -size, size * (1 + 2 ** -52), size - 1]))].filter(Number.isFinite);
const UNITS = ["", "bytes", "bytes/s", "ratio", "seconds", "celsius", "hertz"];

test("any two finite numbers make an axis with a few finite ticks in order", () => {
  for (const low of EXTREMES) {
    for (const high of EXTREMES) {
      const axis = bounds(low, high);
      assert.ok(Number.isFinite(1000 / (axis.max - axis.min)) && axis.max > axis.min, `${low} to ${high}`);
      for (const unit of UNITS) {
        for (const [min, max] of [[low, high], [axis.min, axis.max]]) {
          const ticks = valueTicks(min ?? 0, max ?? 0, unit, 4);
          assert.ok(ticks.length <= 12 && ticks.every(Number.isFinite), `${min} to ${max}: ${ticks}`);
          assert.ok(ticks.every((tick, at) => at === 0 || tick > (ticks[at - 1] ?? 0)), `${min} to ${max}: ${ticks}`);
        }
      }
    }
  }
});

test("an axis names two values at least, within its gutter, however high it is and whatever is drawn", () => {
  const data = [[0, 2.1], [-3, 7], [-3, 0], [0, 1e308], [-1e308, 1e308], [-1e308, 0], [0, 1e-320], [0, 1e-299]];
  for (const [low = 0, high = 0] of data) {
    const { min, max } = limits({ ...NO_PANEL, min: null, max: null }, low, high);
    for (const unit of UNITS) {
      for (const most of [2, 3, 4]) {
        const ticks = valueTicks(min, max, unit, most);
        assert.ok(ticks.length > 1 && ticks.length <= 5, `${low} to ${high} ${unit}: ${ticks}`);
      }
      const fillText = (_text, x, y, room) => assert.ok(x - room >= 0 && y > -1 && y < 151);
      const ctx = { fillRect() {}, fillText, measureText: () => ({ width: 50 }) };
      drawValues(ctx, { left: GUTTER, right: 300, top: 0, bottom: 150 }, { min, max }, unit, { palette: {} }, { family: "", rem: 1 });
    }
  }
});

test("a unit that is too long for an axis is left out there", () => {
  const drawn = [];
  const ctx = { fillRect() {}, fillText: (text) => drawn.push(text), measureText: (text) => ({ width: 7 * text.length }) };
  const area = { left: GUTTER, right: 300, top: 0, bottom: 100 };
  for (const unit of ["orders per fortnight", "rpm"]) drawValues(ctx, area, { min: 0, max: 1 }, unit, { palette: {} }, { family: "", rem: 1 });
  assert.deepEqual(drawn, ["0", "0.5", "1", "0\u00a0rpm", "0.5\u00a0rpm", "1\u00a0rpm"]);
});

test("an ordinary axis has round ticks up to its end", () => {
  assert.deepEqual(valueTicks(0, 1, "ratio"), [0, 0.5, 1]);
  assert.deepEqual(valueTicks(-10, 10, ""), [-10, 0, 10]);
  assert.deepEqual(valueTicks(-3.8, 8.5, ""), [0, 5]);
  const words = (/** @type {number} */ top) => valueTicks(0, top, "seconds", 4).map((tick) => formatTick(tick, "seconds").replaceAll("\u00a0", " "));
  assert.deepEqual(words(90), ["0 s", "50 s"]);
  assert.deepEqual(words(150), ["0 s", "1 min", "2 min"]);
  assert.deepEqual(words(420), ["0 s", "2 min 30 s", "5 min"]);
  assert.deepEqual(words(2700), ["0 s", "20 min", "40 min"]);
  assert.deepEqual(words(42_000_000), ["0 s", "200 d", "400 d"]);
  assert.deepEqual(valueTicks(0, 1.7e308, "", 3).map((tick) => formatTick(tick, "")), ["0", "1e308"]);
});

test("the upper end of an axis is finite and above what is drawn", () => {
  for (const value of EXTREMES) {
    const top = topOf(value, 1.15);
    assert.ok(Number.isFinite(top) && top > 0 && top >= drawable(value), String(value));
  }
});

test("any finite number is written in a few signs", () => {
  for (const value of EXTREMES) {
    for (const unit of UNITS) {
      assert.match(format(value, unit).number, /^−?<?\d[\d.]*(e-?\d+)?( |\u00a0|$)/, `${value} ${unit}`);
      assert.ok(formatText(value, unit).length <= 22 && formatTick(value, unit).length <= 22, formatText(value, unit));
    }
  }
});

test("a round value above what is shown stays while that changes little", () => {
  assert.deepEqual([16, 20, 21, 0.07, 3e9].map((value) => roundUp(value, "")), [20, 20, 30, 0.08, 3e9]);
  assert.deepEqual([600, 1024, 5e9].map((value) => formatTick(roundUp(value, "bytes"), "bytes")), ["768\u00a0B", "1\u00a0KiB", "6\u00a0GiB"]);
  const reach = new Reach();
  assert.deepEqual([0, 16, 19, 14, 12, 16, 10, 24, 0].map((value) => reach.above(value, "")), [0, 20, 20, 20, 20, 20, 10, 30, 0]);
  for (const value of EXTREMES) {
    for (const unit of UNITS) {
      const top = roundUp(value, unit);
      assert.ok(Number.isFinite(top) && (value <= 1e-300 ? top === 0 : top >= drawable(value) * (1 - 1e-8)), `${value} ${unit}: ${top}`);
    }
  }
});

test("only of a share it is known what is full", () => {
  assert.deepEqual(["ratio", "percent", "", "bytes"].map(fullOf), [1, 100, null, null]);
});
