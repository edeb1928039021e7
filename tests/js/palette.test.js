import assert from "node:assert/strict";
import { test } from "node:test";
import { Line } from "../../static/js/line.js";
import { slotsOf } from "../../static/js/palette.js";
import { parseSeries } from "../../static/js/series.js";

const lines = (/** @type {string[]} */ ...series) => series.map((text) => new Line(text, parseSeries(text), 1, 10));

test("colours depend on names alone, not on the order in which lines came", () => {
  const all = lines(...Array.from({ length: 20 }, (_, at) => `io{device="sd${at}"}`));
  const slots = slotsOf(all);
  assert.deepEqual(slotsOf([...all].reverse()), slots);
  assert.deepEqual([...slots.values()].sort((a, b) => a - b), Array.from({ length: 20 }, (_, at) => at));
  assert.ok((slots.get('io{device="sd2"}') ?? 0) < (slots.get('io{device="sd10"}') ?? 0));
});

test("well-known parts have the same colour on every panel, whatever else is there", () => {
  const few = slotsOf(lines('mode{mode="user"}', 'mode{mode="iowait"}'));
  const many = slotsOf(lines('mode{mode="abc"}', 'mode{mode="user"}', 'mode{mode="iowait"}', 'mode{mode="system"}', 'mode{mode="idle"}'));
  for (const [key, slot] of few) assert.equal(many.get(key), slot);
  assert.equal(new Set(many.values()).size, 4);
});

test("the same part of two machines has two colours", () => {
  const slots = slotsOf(lines('memory{instance="a",state="used"}', 'memory{instance="b",state="used"}'));
  assert.equal(new Set(slots.values()).size, 2);
});
