import assert from "node:assert/strict";
import { test } from "node:test";
import { blinds, joined, keepOut, unknown, within } from "../../static/js/blind.js";
import { Chronicle } from "../../static/js/chronicle.js";
import { Line } from "../../static/js/line.js";
import { wordsAt } from "../../static/js/marks.js";

const clock = (/** @type {number} */ time) => new Date(time).toISOString().slice(11, 19);
const day = (/** @type {number} */ time) => new Date(time).toISOString().slice(0, 10);
const preferences = { clock, day };

/** A blind time as the server tells it. */
const told = (/** @type {number} */ from, /** @type {number} */ to, id = `${to * 1000}-0`) => /** @type {any} */ ({
  id, type: "system", timestamp: to, source: "vm/dashboard", event: "blind", start: from, end: to,
  message: "blind 00:01:40–00:02:00 UTC: the dashboard was not running: it was killed, or the machine went down.",
});

/** A moment of a chart of five minutes. */
const moment = (/** @type {any[]} */ spans, end = 300, range = 300) => /** @type {any} */ ({ blinds: spans, end, range, preferences });

/** A line with samples at some seconds. */
function line(/** @type {number[]} */ times, interval = 1, step = 1) {
  const one = new Line("a", { name: "a", labels: {} }, step, 400);
  one.declared = interval;
  for (const time of times) one.add(time, 1);
  return one;
}

const seconds = (/** @type {number} */ from, /** @type {number} */ to) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

test("a blind time is told in the page's own time, once, and is not crowded out by what else happens", () => {
  const book = new Chronicle(() => 400);
  assert.equal(book.take(told(100, 120)), true);
  assert.equal(book.take(told(100, 120)), false);
  const [happened] = book.happenings;
  assert.equal(`${happened.shape} ${happened.tone} ${happened.text}`, "▨ bad blind: the dashboard was not running: it was killed, or the machine went down");
  assert.deepEqual(happened.span, { from: 100, to: 120 });
  const said = `▨ 00:01:40–00:02:00 ${happened.text}`;
  const near = (/** @type {number} */ time) => wordsAt(/** @type {any} */ ({ marks: book.happenings, range: 300, preferences }), time);
  assert.deepEqual([97, 98, 110, 122, 123].map(near), ["", said, said, said, ""]);
  for (let at = 200; at < 300; at++) book.take({ ...told(0, at), event: "high_load", start: undefined, end: undefined });
  assert.deepEqual(book.happenings.filter(({ span }) => span), []);
  assert.deepEqual(book.blinds, [{ id: "120000-0", from: 100, to: 120 }]);
  for (let at = 300; at < 400; at++) book.take(told(at - 1, at));
  assert.equal(book.blinds.length, 50);
});

test("a chart shows all that it reaches, those that fall into one place as one", () => {
  const spans = seconds(1, 60).map((at) => ({ from: 300 - at * 5, to: 302 - at * 5 }));
  assert.equal(blinds(moment(spans)).length, 60);
  /** @type {number[][]} */
  const rects = [];
  const ctx = /** @type {any} */ ({ canvas: { width: 900, height: 200 }, beginPath() {}, clip() {}, rect: (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ width) => rects.push([x, width]) });
  keepOut(ctx, { left: 0, right: 30, top: 0, bottom: 100 }, moment([]), spans);
  assert.deepEqual(rects.filter(([, width]) => width !== 900), [[0, 30]]);
  assert.deepEqual(blinds(moment([{ from: -20, to: 0 }, { from: 300, to: 310 }])), []);
  assert.equal(blinds(moment([{ from: -20, to: 1 }, { from: 299, to: 310 }])).length, 2);
});

test("what was sampled just before and after is no knowledge of a blind time; what was told of it later is", () => {
  const span = { from: 99.6, to: 120.4 };
  const [before, after] = [seconds(50, 100), seconds(120, 150)];
  assert.deepEqual(unknown([line([...before, ...after])], moment([span])), [span]);
  assert.deepEqual(unknown([line([...before, ...after]), line([])], moment([span])), [span]);
  assert.deepEqual(unknown([line([60, 75, 90, 105, 135], 15)], moment([{ from: 99, to: 119 }])), [{ from: 99, to: 119 }]);
  assert.deepEqual(unknown([line([...before, ...after]), line([...before, 110, ...after])], moment([span])), []);
  assert.deepEqual([99.6, 110, 120.4, null].map((time) => within([span], time)), [false, true, false, false]);
});

test("what answers and events tell of one blind time is one", () => {
  const answered = [{ from: 200, to: 240, cause: "killed" }, { from: 10, to: 20, cause: "killed" }];
  const happened = [{ id: "9-0", from: 260, to: 280 }, { id: "8-0", from: 200.2, to: 240.1 }];
  assert.deepEqual(joined(answered, happened).map(({ from }) => from), [260, 200, 10]);
  assert.equal(joined([], happened), happened);
  const words = wordsAt(/** @type {any} */ ({ marks: [], blinds: answered, range: 300, preferences }), 220);
  assert.equal(words, "▨ 00:03:20–00:04:00 blind: killed");
});

test("nothing is drawn in a blind time, however narrow it is", () => {
  /** @type {[number, number][]} */
  const kept = [];
  let rects = 0;
  const ctx = /** @type {any} */ ({
    canvas: { width: 900, height: 200 }, beginPath() { rects = 0; }, clip: (/** @type {string} */ rule) => assert.equal(rule, "evenodd"),
    rect(/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ width) { if (rects++) kept.push([x, width]); },
  });
  keepOut(ctx, { left: 10, right: 310, top: 0, bottom: 100 }, moment([]), [{ from: 100, to: 120 }, { from: 200, to: 200.1 }, { from: -50, to: 20 }, { from: 299.9, to: 300 }]);
  assert.deepEqual(kept, [[110, 20], [210, 2], [10, 20], [308, 2]]);
});
