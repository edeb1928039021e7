import assert from "node:assert/strict";
import { test } from "node:test";
import { timeTicks } from "../../static/js/scale.js";
import { questionOf, spanOf } from "../../static/js/span.js";
import { between, durationText, durationWords, moved, parseDuration, readFrame, same, timeText, widened, writeFrame } from "../../static/js/timeframe.js";
import { cases } from "./cases.js";

/** @typedef {import("../../static/js/timeframe.js").Frame} Frame */

/** @type {Frame} */
const HOME = { kind: "live", range: 900 };
const NOW = 1_795_316_400;
const TWO_YEARS = 63_072_000;

for (const { name, query, longest = TWO_YEARS, frame } of cases("frames")) {
  test(`an address: ${name}`, () => {
    const read = readFrame(`?${query}`, longest);
    assert.deepEqual(read.frame, frame && (frame.range ? { kind: "live", range: frame.range } : { kind: "past", from: frame.from, to: frame.to }));
    assert.equal(Boolean(read.fault), frame === null && /range=|from=|to=/.test(query));
  });
}

test("what an address says is read as it was written, and all else in it stays", () => {
  /** @type {Frame[]} */
  const frames = [{ kind: "live", range: 300 }, { kind: "live", range: 5400 }, { kind: "live", range: 45 }, { kind: "past", from: NOW, to: NOW + 900 }, { kind: "past", from: NOW + 0.25, to: NOW + 900 }];
  for (const frame of frames) {
    const search = writeFrame(frame, HOME, "?match=up&range=7d&to=1");
    assert.deepEqual(readFrame(search, TWO_YEARS).frame, frame, search);
    assert.ok(search.startsWith("?match=up&"), search);
  }
  assert.equal(writeFrame(HOME, HOME, "?range=7d"), "");
  assert.equal(writeFrame(HOME, HOME, "?range=7d&match=up"), "?match=up");
  assert.equal(writeFrame({ kind: "past", from: NOW, to: NOW + 60 }, HOME, ""), "?from=2026-11-22T03:00:00Z&to=2026-11-22T03:01:00Z");
  assert.equal(timeText(NOW + 0.5), "2026-11-22T03:00:00.500Z");
});

test("spans are written in the unit that suits them", () => {
  assert.deepEqual([300, 900, 3600, 21600, 86400, 604800, 2592000, 45, 5400].map(durationText), ["5m", "15m", "1h", "6h", "24h", "7d", "30d", "45s", "90m"]);
  for (const seconds of [300, 45, 5400, 604800]) assert.equal(parseDuration(durationText(seconds)), seconds);
  assert.deepEqual([10, 90, 120, 900, 930, 3600, 5400, 7200, 86400, 90000, 604800, 2596400].map(durationWords),
    ["10 s", "90 s", "2 min", "15 min", "15 min 30 s", "1 h", "1 h 30 min", "2 h", "24 h", "25 h", "7 d", "30 d 1 h"]);
});

test("two moments make a time on whole seconds, not too short, and not beyond now", () => {
  assert.deepEqual(between(NOW + 20.7, NOW + 0.2, NOW + 900), { kind: "past", from: NOW, to: NOW + 21 });
  assert.deepEqual(between(NOW, NOW + 2, NOW + 900), { kind: "past", from: NOW - 4, to: NOW + 6 });
  assert.deepEqual(between(NOW - 60, NOW + 5, NOW + 0.5), { kind: "past", from: NOW - 60, to: NOW + 1 });
  assert.deepEqual(between(NOW - 1, NOW, NOW), { kind: "past", from: NOW - 10, to: NOW });
});

test("a time is moved by its length and widened about its middle, never beyond now", () => {
  const shown = { kind: /** @type {const} */ ("past"), from: NOW - 1000, to: NOW - 900 };
  assert.deepEqual(moved(shown, -1, NOW), { kind: "past", from: NOW - 1100, to: NOW - 1000 });
  assert.deepEqual(moved({ ...shown, to: NOW - 40, from: NOW - 140 }, 1, NOW), { kind: "past", from: NOW - 100, to: NOW });
  assert.deepEqual(widened(shown, NOW, TWO_YEARS), { kind: "past", from: NOW - 1050, to: NOW - 850 });
  assert.deepEqual(widened({ ...shown, from: NOW - 100, to: NOW }, NOW, TWO_YEARS), { kind: "past", from: NOW - 200, to: NOW });
  assert.deepEqual(widened(shown, NOW, 150), { kind: "past", from: NOW - 1025, to: NOW - 875 });
  assert.ok(same(shown, { ...shown }) && !same(shown, HOME) && !same(HOME, { kind: "live", range: 300 }));
});

test("whole buckets are asked for, which hold all that is shown", () => {
  assert.deepEqual(questionOf(spanOf({ kind: "past", from: 7203.5, to: 14_500 }, true), NOW), { start: 7200, end: 14_520, step: 30 });
  assert.deepEqual(questionOf(spanOf(HOME, false), NOW + 0.2), { start: NOW - 900, end: NOW + 2, step: 5 });
  assert.deepEqual(questionOf(spanOf({ kind: "live", range: 2592000 }, true), NOW).step, 7200);
});

test("the labels of an axis are round on the clock that is shown, also where that was set between them", () => {
  const hour = 3_600_000;
  const kathmandu = () => 5.75 * hour;
  const day = 86_400_000;
  const start = Date.parse("2026-11-20T00:00:00Z");
  for (const tick of timeTicks(start, start + 7 * day, 700, 96, kathmandu)) assert.equal((tick + 5.75 * hour) % day, 0);
  assert.equal(timeTicks(start, start + 7 * day, 700, 96, kathmandu).length, 7);
  const weeks = timeTicks(start, start + 40 * day, 500, 96);
  assert.ok(weeks.every((tick) => new Date(tick).getUTCDay() === 1), "weeks begin on Monday");
  const change = Date.parse("2026-10-25T01:00:00Z");
  const berlin = (/** @type {number} */ time) => (time < change ? 2 : 1) * hour;
  const ticks = timeTicks(change - 2 * day, change + 2 * day, 500, 96, berlin);
  assert.ok(ticks.length >= 3 && ticks.every((tick) => (tick + berlin(tick)) % day === 0), String(ticks));
  assert.ok(timeTicks(0, 1e15, 300).length <= 200);
});
