import assert from "node:assert/strict";
import { test } from "node:test";
import { wordsAt } from "../../static/js/marks.js";
import { Annotations, fieldOf, meant, MOST, timeOfField, whenText } from "../../static/js/annotations.js";

/** @param {number} id @param {number} start @param {number | null} [end] */
const mark = (id, start, end = null) => ({ id, start, end, text: `mark ${id}`, tags: [], author: "local" });

const HOUR = 3_600_000;

/** Let what waits for answers go on. */
const settled = () => new Promise((done) => setImmediate(done));

test("those of a time are asked for when that is shown, and not again", async () => {
  /** @type {number[][]} */
  const asked = [];
  const book = new Annotations(async ({ from, to }) => (asked.push([from, to]), []), () => {});
  book.reach({ from: 100, to: Infinity });
  await settled();
  book.reach({ from: 100, to: Infinity });
  book.reach({ from: 200, to: 300 });
  await settled();
  assert.deepEqual(asked, [[100, Infinity]]);
  book.reach({ from: 40, to: 90 });
  await settled();
  book.reach({ from: 50, to: 100 });
  // Another time is shown before the answer is there.
  book.reach({ from: 60, to: 110 });
  await settled();
  assert.deepEqual(asked, [[100, Infinity], [40, 90], [50, 100], [60, 110]]);
});

test("a time has those that touch it", async () => {
  const book = new Annotations(async () => [mark(1, 50), mark(2, 100, 300), mark(3, 400)], () => {});
  book.reach({ from: 0, to: 500 });
  await settled();
  const ids = (/** @type {number} */ from, /** @type {number} */ to) => book.within(from, to).map(({ id }) => id);
  assert.deepEqual(ids(40, 99), [1]);
  assert.deepEqual(ids(200, 250), [2]);
  assert.deepEqual(ids(300, 400), [2, 3]);
  assert.deepEqual(ids(301, 399), []);
});

test("what changes while it is asked for is asked for again; what cannot be had, later", async () => {
  let answers = 0;
  let broken = false;
  const clock = { now: 0 };
  const ask = async () => {
    if (broken) throw new Error("away");
    return [mark(++answers, 0)];
  };
  const book = new Annotations(ask, () => {}, () => clock.now);
  const all = { from: 0, to: Infinity };
  book.reach(all);
  void book.refresh();
  await settled();
  assert.deepEqual(book.all.map(({ id }) => id), [2]);
  broken = true;
  await book.refresh();
  assert.deepEqual(book.all.map(({ id }) => id), [2]);
  broken = false;
  book.reach(all);
  await settled();
  assert.equal(answers, 2);
  clock.now = 6000;
  book.reach(all);
  await settled();
  assert.equal(answers, 3);
});

test("a page shows so many, the newest", async () => {
  const book = new Annotations(async () => Array.from({ length: MOST + 5 }, (_, at) => mark(at, at)), () => {});
  book.reach({ from: 0, to: Infinity });
  await settled();
  assert.equal(book.all.length, MOST);
  assert.equal(book.all.at(-1)?.id, MOST + 4);
});

test("fields hold times of the clock that is shown, also about a change of clocks", () => {
  const utc = () => 0;
  assert.equal(fieldOf(1_763_780_400.4, utc), "2025-11-22T03:00:00");
  assert.equal(timeOfField("2025-11-22T03:00:00", utc), 1_763_780_400);
  assert.equal(timeOfField("2025-11-22T03:00", utc), 1_763_780_400);
  assert.ok(Number.isNaN(timeOfField("", utc)));
  // Clocks go from 02:00 to 03:00 at 01:00 UTC.
  const change = Date.UTC(2026, 2, 29, 1);
  const berlin = (/** @type {number} */ time) => (time < change ? HOUR : 2 * HOUR);
  for (const time of [change - HOUR, change - 1000, change, change + 1000, change + HOUR]) {
    assert.equal(timeOfField(fieldOf(time / 1000, berlin), berlin), time / 1000);
  }
});

test("a drag that hardly moved means a moment", () => {
  assert.deepEqual(meant(100.4, 100.9, 2), { start: 100, end: null });
  assert.deepEqual(meant(200.2, 100.9, 2), { start: 100, end: 201 });
});

test("a time is told with its day once", () => {
  const preferences = { day: (/** @type {number} */ time) => `day ${Math.floor(time / 86_400_000)}`, clock: (/** @type {number} */ time) => `at ${time / 1000}` };
  assert.equal(whenText({ start: 10, end: null }, preferences), "day 0 at 10");
  assert.equal(whenText({ start: 10, end: 20 }, preferences), "day 0 at 10 – at 20");
  assert.equal(whenText({ start: 10, end: 90_000 }, preferences), "day 0 at 10 – day 1 at 90000");
});

test("what is pointed at near an annotation is told with the rest, the first line of it", () => {
  const own = [{ ...mark(1, 100), text: "deployed 1.2\nby hand" }, { ...mark(2, 200, 260), text: "load test" }];
  const preferences = { clock: (/** @type {number} */ time) => `at ${time / 1000}`, day: () => "today" };
  const near = (/** @type {number} */ time) => wordsAt(/** @type {any} */ ({ marks: [], annotations: own, range: 300, preferences }), time);
  assert.equal(near(101), "⚑ deployed 1.2");
  assert.equal(near(230), "⚑ at 200–at 260 load test");
  assert.equal(near(150), "");
});
