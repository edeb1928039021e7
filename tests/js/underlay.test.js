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

test("no mark strikes through the words that say since when there is a record", () => {
  const { ctx, drawn } = pen();
  const x = { getPixelForValue: (/** @type {number} */ time) => time / 1000 };
  const plot = { ctx, chartArea: { left: 0, right: 600, top: 0, bottom: 100 }, scales: { x, y: x } };
  const palette = { muted: "grey", surface: "white", warning: "yellow" };
  const marks = [{ time: 380, tone: "", shape: "●", text: "started" }, { time: 396, tone: "bad", shape: "▲", text: "high load" }];
  const moment = { end: 600, range: 600, now: 0, marks, palette, preferences: { clock: () => "10:00:00" } };
  drawAbove(plot, [], { begin: 400 }, moment, 1);
  assert.deepEqual(drawn.map(({ what }) => what), ["mark", "mark", "ground", "recorded since 10:00:00"]);
  const [, , ground, words] = drawn;
  assert.ok(ground.from <= words.from && words.to <= ground.to);
});
