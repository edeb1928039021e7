import assert from "node:assert/strict";
import { test } from "node:test";
import { drawAbove } from "../../static/js/underlay.js";

/** A pen that writes down what is drawn, in its order. */
function pen() {
  const drawn = [];
  const ctx = {
    measureText: (text) => ({ width: 6 * text.length }),
    fillRect: (x, y, width, height) => drawn.push({ what: height > 50 ? "mark" : "ground", from: x, to: x + width }),
    fillText: (text, x) => drawn.push({ what: text, from: x - 6 * text.length, to: x }),
    beginPath() {}, arc() {}, moveTo() {}, lineTo() {}, fill() {},
  };
  return { ctx, drawn };
}

const MARKS = [{ time: 380, tone: "", shape: "●", text: "started" }, { time: 396, tone: "bad", shape: "▲", text: "high load" }];

/**
 * What is drawn over a chart of 600 seconds and as many pixels, or fewer of both.
 * @param {number} begin
 * @param {object[]} marks
 * @param {number} size
 * @param {{ from: number, to: number }[]} blinds
 */
function drawnAt(begin, marks, size = 600, blinds = []) {
  const { ctx, drawn } = pen();
  const x = { getPixelForValue: (/** @type {number} */ time) => time / 1000 };
  const plot = { ctx, chartArea: { left: 0, right: size, top: 0, bottom: 100 }, scales: { x, y: x } };
  const palette = { muted: "grey", surface: "white", warning: "yellow" };
  const moment = { end: size, range: size, now: 0, marks, blinds, palette, preferences: { clock: () => "10:00:00" } };
  drawAbove(plot, [], { begin }, moment, 1);
  return drawn;
}

test("since when there is a record is told where no line is, in fewer words if need be", () => {
  const told = (/** @type {number} */ begin, size = 600) => drawnAt(begin, [], size).find(({ what }) => what !== "ground");
  assert.deepEqual(told(400), { what: "recorded since 10:00:00", from: 254, to: 392 });
  assert.deepEqual(told(120), { what: "since 10:00:00", from: 28, to: 112 });
  for (const size of [600, 200, 90]) assert.equal(told(50, size), undefined);
});

test("no mark strikes through the words that say since when there is a record", () => {
  const drawn = drawnAt(400, MARKS);
  assert.deepEqual(drawn.map(({ what }) => what), ["mark", "mark", "ground", "recorded since 10:00:00"]);
  const [, , ground, words] = drawn;
  assert.ok(ground.from <= words.from && words.to <= ground.to);
});

test("since when there is a record and a blind time before it have each their own place", () => {
  const texts = (/** @type {number} */ begin, /** @type {{ from: number, to: number }[]} */ blinds, size = 600) =>
    drawnAt(begin, [], size, blinds).filter(({ what }) => what !== "ground" && what !== "mark");
  const [name, since] = texts(402, [{ from: 300, to: 400 }]);
  assert.equal(name?.what, "blind");
  assert.deepEqual(since, { what: "recorded since 10:00:00", from: 154, to: 292 });
  assert.deepEqual(texts(402, [{ from: 300, to: 400 }, { from: 100, to: 190 }]).at(-1), { what: "since 10:00:00", from: 208, to: 292 });
  assert.deepEqual(texts(402, [{ from: 20, to: 400 }]).map(({ what }) => what), ["blind 10:00:00–10:00:00"], "right of it are the lines");
  assert.deepEqual(texts(402, [{ from: -20, to: 400 }]).map(({ what }) => what), ["blind 10:00:00–10:00:00"], "all is named already");
});
