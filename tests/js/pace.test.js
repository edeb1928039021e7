import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerClock } from "../../static/js/clock.js";
import { Pace } from "../../static/js/pace.js";
import { Store } from "../../static/js/store.js";

const gap = (/** @type {number} */ to, /** @type {number | null} */ skipped = 4, from = to - 5) =>
  ({ type: /** @type {const} */ ("gap"), after: "1-0", before: "2-0", from, to, types: ["metrics"], reason: "slow", skipped });

/**
 * A viewer that is shown one tick of five.
 * @param {Pace} pace
 * @param {number} from seconds
 * @param {number} to
 */
function conflate(pace, from, to) {
  for (let now = from; now < to; now += 5) {
    pace.gap(now * 1000, gap(now));
    pace.took(now * 1000);
  }
}

test("who sees all ticks is told nothing", () => {
  const pace = new Pace();
  for (let now = 0; now < 60; now++) pace.took(now * 1000);
  assert.deepEqual([pace.slow(60_000), pace.interval(60_000), pace.text(60_000)], [false, 0, ""]);
});

test("who sees one tick of five is told so, and measured by what comes", () => {
  const pace = new Pace();
  conflate(pace, 0, 60);
  for (const now of [56_000, 58_000, 60_000, 64_000]) {
    assert.deepEqual([pace.slow(now), pace.interval(now), pace.text(now)], [true, 5, "you see 1 of 5 ticks"]);
  }
});

test("without a count it says what is known", () => {
  const pace = new Pace();
  for (const now of [0, 5, 10]) pace.gap(now * 1000, gap(now, null));
  assert.equal(pace.text(11_000), "you do not see every tick");
});

test("three intervals without a gap: caught up", () => {
  const pace = new Pace();
  conflate(pace, 0, 60);
  assert.equal(pace.slow(69_000), true);
  assert.deepEqual([pace.slow(70_000), pace.interval(70_000), pace.text(70_000)], [false, 0, ""]);
});

test("one gap is no measure, and one of minutes is not slow but stale", () => {
  const pace = new Pace();
  pace.gap(0, gap(0));
  assert.deepEqual([pace.slow(1000), pace.interval(1000)], [true, 0]);
  pace.gap(5000, gap(5, 600, -595));
  assert.equal(pace.interval(5000), 0);
});

test("the values of a slow viewer are true for twice the measured interval, and counters go on", () => {
  let now = 1_000_000;
  const clock = new ServerClock(() => now);
  clock.anchor(0);
  const store = new Store(clock);
  const take = (/** @type {number} */ second) => {
    now = second * 1000;
    const samples = { gauge: second, jobs_total: 3 * second };
    store.take({ id: `${now}-0`, type: "metrics", timestamp: second, source: "a/b", interval: 1, resource: {}, samples });
  };
  take(1000);
  take(1001);
  store.stretch(5);
  for (const second of [1006, 1011, 1016]) take(second);
  const [gauge, jobs] = [...store.lines.values()];
  assert.ok(gauge && jobs);
  assert.equal(gauge.interval, 5);
  assert.ok(Math.abs(gauge.deadline - (1016_000 + 10_650)) < 1);
  assert.equal(jobs.value, 3);
  assert.ok(!Array.from({ length: gauge.length }, (_, at) => gauge.meanAt(at)).some(Number.isNaN));
  store.stretch(0);
  assert.equal(gauge.interval, 1);
});
