import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerClock } from "../../static/js/clock.js";
import { Pace } from "../../static/js/pace.js";
import { Store } from "../../static/js/store.js";

/**
 * A viewer that is shown one tick of five.
 * @param {Pace} pace
 * @param {number} from seconds
 * @param {number} to
 * @param {number} [late] seconds
 */
function conflate(pace, from, to, late = 1) {
  for (let now = from; now < to; now += 5) {
    pace.gap(now * 1000, 4);
    pace.took(now * 1000, (now - late) * 1000);
  }
}

test("who sees all ticks is told nothing", () => {
  const pace = new Pace();
  for (let now = 0; now < 60; now++) pace.took(now * 1000, now * 1000);
  assert.deepEqual([pace.slow(60_000), pace.spacing(60_000), pace.lateness(60_000), pace.text(60_000)], [false, 0, 0, ""]);
});

test("who sees one tick of five is told so, and measured by what comes", () => {
  const pace = new Pace();
  conflate(pace, 0, 60);
  for (const now of [56_000, 58_000, 60_000, 64_000]) {
    assert.deepEqual([pace.slow(now), pace.spacing(now), pace.lateness(now), pace.text(now)], [true, 5, 0, "you see 1 of 5 ticks"]);
  }
});

test("without a count it says what is known", () => {
  const pace = new Pace();
  for (const now of [0, 5, 10]) {
    pace.gap(now * 1000, null);
    pace.took(now * 1000, now * 1000);
  }
  assert.equal(pace.text(11_000), "you do not see every tick");
});

test("who sees ticks so late that each is too old before the next is not taken for live in between", () => {
  const pace = new Pace();
  conflate(pace, 0, 60, 7);
  assert.deepEqual([pace.lateness(57_000), pace.spacing(57_000), pace.text(57_000)], [6.35, 5, "you see 1 of 5 ticks"]);
  conflate(pace, 60, 75, 2);
  assert.equal(pace.lateness(71_000), 6.35, "it is a little better for a moment");
  conflate(pace, 75, 90, 0.2);
  assert.deepEqual([pace.slow(86_000), pace.lateness(86_000)], [true, 0], "what comes is new again");
});

test("that ticks come too late is known with the gap that tells how far apart they come", () => {
  const pace = new Pace();
  pace.took(0, 0);
  pace.gap(6000, 2);
  pace.took(9000, 3000);
  pace.gap(12_000, 2);
  assert.deepEqual([pace.spacing(12_000), pace.lateness(12_000) > 3], [3, true]);
});

test("what comes too late is veiled all the time, and what is sampled as seldom as it comes is not", () => {
  const clock = new ServerClock(() => 1_000_000);
  clock.anchor(0);
  const store = new Store(clock);
  for (const [source, interval] of /** @type {[string, number][]} */ ([["a/b", 1], ["a/c", 10]])) {
    store.take({ id: "1-0", type: "metrics", timestamp: 999, source, interval, resource: {}, samples: { [source.slice(2)]: 1 } });
  }
  const fresh = () => [...store.lines.values()].map((line) => line.deadline > 1_000_000);
  assert.deepEqual(fresh(), [true, true]);
  store.stretch(3, 4);
  assert.deepEqual(fresh(), [false, true]);
  store.stretch(3);
  assert.deepEqual(fresh(), [true, true]);
});

test("three intervals without a gap: caught up", () => {
  const pace = new Pace();
  conflate(pace, 0, 60);
  assert.equal(pace.slow(69_000), true);
  assert.deepEqual([pace.slow(70_000), pace.spacing(70_000), pace.text(70_000)], [false, 0, ""]);
});

test("one gap is no measure, and one of minutes is not slow but stale", () => {
  const pace = new Pace();
  pace.took(0, 0);
  pace.gap(5000, 4);
  pace.took(5000, 5000);
  assert.deepEqual([pace.slow(6000), pace.spacing(6000)], [true, 0]);
  pace.gap(605_000, 600);
  pace.took(605_000, 605_000);
  pace.gap(606_000, 600);
  assert.equal(pace.spacing(606_000), 0);
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
