import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerClock } from "../../static/js/clock.js";
import { coverage } from "../../static/js/coverage.js";
import { Held } from "../../static/js/past.js";
import { spanOf } from "../../static/js/span.js";
import { Store } from "../../static/js/store.js";

/** A page whose clock is set by hand; the server's time is the browser's, in seconds. */
class Page {
  now = 1_000_000;
  clock = new ServerClock(() => this.now);
  store = new Store(this.clock);
  sequence = 0;
  constructor() {
    this.clock.observe(this.now / 1000);
    this.store.show(spanOf({ kind: "live", range: 300 }, true));
  }

  /**
   * One second later a batch comes.
   * @param {Record<string, number>} samples
   */
  tick(samples, { interval = /** @type {number | null} */ (1), source = "web-1/cpu", seconds = 1 } = {}) {
    this.now += 1000 * seconds;
    return this.store.take({
      id: `${this.now}-${this.sequence++}`, type: "metrics", timestamp: this.now / 1000, source, interval,
      resource: { instance: "web-1" }, samples,
    });
  }

  /** @param {string} key */
  line(key) {
    const line = this.store.lines.get(key);
    assert.ok(line, `${key} is held`);
    return line;
  }
}

const LOAD = 'load{instance="web-1"}';

test("a series is its own labels and those of its resource, sorted", () => {
  const page = new Page();
  page.tick({ 'cpu{z="1",a="2"}': 0.5 });
  assert.deepEqual([...page.store.lines.keys()], ['cpu{a="2",instance="web-1",z="1"}']);
});

test("points are bounded, however long the page is open", () => {
  const page = new Page();
  for (let at = 0; at < 2400; at++) page.tick({ load: at });
  assert.ok(page.line(LOAD).length <= page.store.capacity);
  assert.equal(page.line(LOAD).value, 2399);
  assert.equal(page.line(LOAD).times.length, page.store.capacity);
});

test("a counter is shown as its rate, a fall gives none and draws no spike", () => {
  const page = new Page();
  const totals = [100, 110, 130, 3, 8];
  const values = totals.map((total) => page.tick({ bytes_total: total })[0]?.value);
  assert.deepEqual(values.slice(1), [10, 20, 20, 5]);
  const line = page.line('bytes_total{instance="web-1"}');
  assert.ok(Array.from({ length: line.length }, (_, at) => line.meanAt(at)).every((rate) => rate <= 20));
});

test("a hole of more than two intervals is marked, and a fill closes it", () => {
  const page = new Page();
  for (let at = 0; at < 5; at++) page.tick({ load: 1 });
  page.tick({ load: 1 }, { seconds: 20 });
  const line = page.line(LOAD);
  const end = page.now / 1000;
  const [hole] = coverage([line], end - 60, end + 1).holes;
  assert.ok(hole && hole.to - hole.from > 15, "hatched");
  const points = Array.from({ length: 19 }, (_, at) => /** @type {import("../../static/js/line.js").Point} */ ([end - 19 + at, 2, 2, 2]));
  page.store.load({ as_of: "0-0", step: 1, server_time: end, result: [{ series: LOAD, interval: 1, points }] }, true);
  assert.deepEqual(coverage([line], end - 24, end + 1).holes, []);
  assert.equal(line.valueAt(end - 10), 2);
  assert.equal(line.value, 1, "the newest stays");
});

test("history and stream meet without a hole and without a point twice", () => {
  const page = new Page();
  const end = page.now / 1000;
  const points = Array.from({ length: 10 }, (_, at) => /** @type {import("../../static/js/line.js").Point} */ ([end - 9 + at, at, at, at]));
  page.store.load({ as_of: `${page.now}-0`, step: 1, server_time: end, result: [{ series: LOAD, interval: 1, source: "web-1/cpu", points }] });
  page.now -= 1000;
  page.tick({ load: 9 });
  const line = page.line(LOAD);
  assert.equal(line.length, 10);
  page.tick({ load: 10 });
  assert.equal(line.length, 11);
  assert.deepEqual(Array.from({ length: 11 }, (_, at) => line.meanAt(at)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("the newest value is the newest sample, not the average of its bucket, and none is newer than what has come since", () => {
  const page = new Page();
  const end = page.now / 1000;
  const result = (/** @type {[number, number] | null} */ last) => [
    { series: LOAD, interval: 0.05, source: "web-1/cpu", last, points: [/** @type {import("../../static/js/line.js").Point} */ ([end - 5, 30, 10, 50])] },
  ];
  page.store.load({ as_of: `${page.now}-0`, step: 5, server_time: end, result: result([end - 4, 50]) });
  const line = page.line(LOAD);
  assert.deepEqual([line.value, line.time, line.born], [50, end - 4, page.now - 4000]);
  page.tick({ load: 60 });
  page.store.load({ as_of: `${page.now}-0`, step: 5, server_time: end, result: result([end - 4, 50]) });
  assert.equal(line.value, 60);
  page.store.load({ as_of: `${page.now}-0`, step: 5, server_time: end, result: result(null) });
  assert.equal(line.value, 60);
});

test("a value is true for two intervals and a second, and not a moment longer", () => {
  const page = new Page();
  const [line] = page.tick({ load: 1 });
  assert.ok(line);
  assert.ok(line.deadline > page.now + 2000);
  assert.ok(line.deadline <= page.now + 3000);
});

test("a server clock that is set, either way, makes nothing older that is live", () => {
  for (const step of [3600, -3600]) {
    const page = new Page();
    page.tick({ load: 1, io_bytes_total: 0 });
    page.tick({ load: 1, io_bytes_total: 100 });
    const line = page.line(LOAD);
    const counter = page.line('io_bytes_total{instance="web-1"}');
    const before = line.deadline;
    page.clock.anchor(page.clock.offset + step);
    page.store.clockStepped(step);
    assert.equal(line.deadline, before);
    page.now += 2100;
    page.store.take({
      id: `${page.now}-9`, type: "metrics", timestamp: page.clock.now(), source: "web-1/cpu", interval: 1,
      resource: { instance: "web-1" }, samples: { load: 2, io_bytes_total: 310 },
    });
    assert.equal(line.value, 2);
    assert.ok(Math.abs(counter.value - 100) < 1);
    for (const one of [line, counter]) assert.ok(one.deadline > page.now + 2000);
  }
});

test("a device that vanishes while its source goes on is known to be gone; what has nothing left to draw is dropped", () => {
  const page = new Page();
  page.tick({ 'io{device="a"}': 1, 'io{device="b"}': 1 });
  for (let at = 0; at < 6; at++) page.tick({ 'io{device="a"}': 1 });
  assert.equal(page.store.isGone(page.line('io{device="b",instance="web-1"}')), true);
  assert.equal(page.store.isGone(page.line('io{device="a",instance="web-1"}')), false);
  for (let at = 0; at < 310; at++) page.tick({ 'io{device="a"}': 1 });
  assert.deepEqual(page.store.sweep().map((line) => line.series.labels["device"]), ["b"]);
  assert.equal(page.store.routes.size, 1);
});

test("a counter that has no rate yet is kept until its second sample comes, however slow it is", () => {
  const page = new Page();
  page.tick({ io_bytes_total: 100 });
  assert.deepEqual(page.store.sweep(), []);
  page.tick({ io_bytes_total: 150 });
  assert.equal(page.line('io_bytes_total{instance="web-1"}').value, 50);
});

test("what comes so seldom that it has left the chart is kept until its next sample is overdue", () => {
  const page = new Page();
  const { now } = page;
  const last = /** @type {[number, number]} */ ([now / 1000 - 3_000, 7]);
  const result = [{ series: "jobs", interval: 3_600, last, points: [] }, { series: "quick", interval: 10, last, points: [] }];
  page.store.load({ as_of: "0-0", step: 1, server_time: now / 1000, result });
  assert.deepEqual(page.store.sweep().map(({ key }) => key), ["quick"]);
  assert.equal(page.line("jobs").value, 7);
  page.now += 4_300_000;
  assert.deepEqual(page.store.sweep().map(({ key }) => key), ["jobs"]);
});

test("a number of series without end is refused beyond a bound", () => {
  const page = new Page();
  for (let at = 0; at < 30; at++) {
    page.tick(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`job{id="${at}-${n}"}`, 1])));
  }
  assert.equal(page.store.lines.size, 2000);
  assert.equal(page.store.left.size, 1000);
});

test("a gauge whose name ends as a histogram's is shown as it is", () => {
  const page = new Page();
  for (const value of [3, 4, 5]) page.tick({ user_count: value });
  assert.equal(page.line('user_count{instance="web-1"}').value, 5);
  assert.deepEqual([...page.store.doubtful], ["user_count"]);
});

test("what the server says a name is counts, before its first sample and after", () => {
  const page = new Page();
  page.tick({ wait_seconds_count: 100 });
  page.store.declare("wait_seconds_count", "histogram");
  const line = page.line('wait_seconds_count{instance="web-1"}');
  assert.equal(line.value, NaN);
  page.tick({ wait_seconds_count: 110 });
  page.tick({ wait_seconds_count: 130, 'wait_seconds_count{route="/"}': 7 });
  assert.equal(line.value, 20);
  assert.equal(line.unit, "/s");
  assert.equal(page.line('wait_seconds_count{instance="web-1",route="/"}').counter, true);
  page.store.declare("made_total", "gauge");
  page.tick({ made_total: 9 });
  assert.equal(page.line('made_total{instance="web-1"}').value, 9);
});

/** @typedef {import("../../static/js/line.js").Point} Point */

/** @param {Page} page */
function drawn(page) {
  const line = page.line(LOAD);
  return Array.from({ length: line.length }, (_, at) => [line.timeAt(at), line.meanAt(at), line.lowAt(at), line.highAt(at)]);
}

test("what comes while other points are asked for is in them once, whether the answer has it or not", async () => {
  for (const known of [0, 1, 2]) {
    const page = new Page();
    page.now -= 1000;
    page.tick({ load: 1 });
    const second = page.now / 1000;
    await page.store.keeping(
      async () => {
        for (const value of [2, 3]) page.tick({ load: value });
      },
      () => {
        page.store.show(spanOf({ kind: "live", range: 900 }, true));
        const values = [1, 2, 3].slice(0, known + 1);
        const points = values.map((value, at) => /** @type {[number, number]} */ ([second + at, value]));
        /** @type {Map<number, number[]>} */
        const buckets = new Map();
        for (const [time, value] of points) buckets.set(time - (time % 5), [...(buckets.get(time - (time % 5)) ?? []), value]);
        page.store.load({
          as_of: `${(second + known) * 1000}-9`, step: 5, server_time: second + known,
          result: [{ series: LOAD, interval: 1, last: points.at(-1) ?? null, points: [...buckets].map(([time, all]) => /** @type {Point} */ (
            [time, all.reduce((sum, one) => sum + one, 0) / all.length, Math.min(...all), Math.max(...all)])) }],
        });
      },
    );
    page.tick({ load: 4 });
    // 1000, 1001, 1002 and 1003 are one bucket.
    assert.deepEqual(drawn(page), [[1000, 2.5, 1, 4]], `the answer knows ${known} of them`);
  }
});

test("a bucket that had begun goes on growing, however long it is", () => {
  const page = new Page();
  page.store.show(spanOf({ kind: "live", range: 2592000 }, true));
  assert.equal(page.store.step, 7200);
  const end = page.now / 1000;
  const points = /** @type {Point[]} */ ([[end - 1000 - 7200, 5, 1, 9], [end - 1000, 10, 2, 30]]);
  page.store.load({ as_of: `${page.now}-0`, step: 7200, server_time: end, result: [{ series: LOAD, interval: 1, last: [end, 10], points }] });
  page.tick({ load: 1012 });
  const [, [time, mean, low, high] = []] = drawn(page);
  assert.deepEqual([time, low, high], [end - 1000, 2, 1012]);
  assert.ok(Math.abs((mean ?? 0) - 11) < 0.01, `${mean}`);
});

test("a time that is past stays as it was answered, while the newest values go on", () => {
  const page = new Page();
  page.tick({ load: 7 });
  page.store.show(spanOf({ kind: "past", from: 100, to: 200 }, true));
  page.store.load({ as_of: "0-0", step: 1, server_time: page.now / 1000, blind: [[120, 130, "killed"]], result: [{ series: LOAD, interval: 1, points: [[100, 1, 1, 1], [101, null, null, null], [102, 3, 3, 3]] }] });
  page.tick({ load: 8 });
  assert.deepEqual(drawn(page).map(([time]) => time), [100, 101, 102]);
  assert.equal(page.line(LOAD).value, 8);
  assert.deepEqual(page.store.blinds, [{ from: 120, to: 130, cause: "killed" }]);
  assert.deepEqual(page.store.sweep(), []);
  const held = new Held();
  const [line] = held.take([page.line(LOAD)], 1, true);
  assert.deepEqual([line?.value, line?.time, line?.deadline, held.time], [3, 102, Infinity, 102]);
  assert.equal(line?.valueAt(100.5), 1);
});

test("of a panel's lines those that had ended before have no value of its moment", () => {
  const page = new Page();
  page.store.show(spanOf({ kind: "past", from: 100, to: 200 }, true));
  const points = (/** @type {number} */ last) => Array.from({ length: last - 99 }, (_, at) => /** @type {Point} */ ([100 + at, at, at, at]));
  const result = [{ series: "a", interval: 1, points: points(150) }, { series: "b", interval: 1, points: points(190) }, { series: "c", interval: 1, points: [] }];
  page.store.load({ as_of: "0-0", step: 1, server_time: page.now / 1000, result });
  const lines = [...page.store.lines.values()];
  const single = new Held();
  assert.deepEqual(single.take(lines, 1, true).map(({ key }) => key), ["b"]);
  assert.equal(single.time, 190);
  assert.deepEqual(new Held().take(lines, 1, false).map(({ key }) => key), ["a", "b"]);
  assert.deepEqual(coverage(new Held().take(lines.slice(0, 1), 1, false), 100, 200).holes, [{ from: 151, to: 200 }]);
});

test("a past is judged by how often samples came then, not by how often they come today", () => {
  const page = new Page();
  page.store.show(spanOf({ kind: "past", from: 100, to: 200 }, true));
  const each = (/** @type {number} */ seconds) => Array.from({ length: 100 / seconds }, (_, at) => /** @type {Point} */ ([100 + seconds * at, at, at, at]));
  const result = [{ series: "a", interval: 0.5, points: each(10) }, { series: "b", interval: 60, points: each(1).slice(0, 50) }];
  page.store.load({ as_of: "0-0", step: 1, server_time: page.now / 1000, result });
  const [a, b] = new Held().take([...page.store.lines.values()], 1, false);
  assert.ok(a && b);
  assert.deepEqual([a.interval, a.coarse, a.time, b.interval], [10, false, 190, 1]);
  assert.deepEqual(coverage([a], 100, 200).holes, []);
  assert.deepEqual(coverage([b], 100, 200).holes, [{ from: 150, to: 200 }]);
});

test("a record that is known to reach further back has a hole where nothing is, not its beginning", () => {
  const page = new Page();
  page.store.show(spanOf({ kind: "past", from: 100, to: 200 }, true));
  const points = Array.from({ length: 100 }, (_, at) => /** @type {Point} */ (at < 40 ? [100 + at, null, null, null] : [100 + at, 1, 1, 1]));
  for (const first of [null, 20]) {
    page.store.show(page.store.span);
    page.store.load({ as_of: "0-0", step: 1, server_time: 300, result: [{ series: LOAD, interval: 1, first, points }] });
    const { holes, begin } = coverage([page.line(LOAD)], 100, 200);
    assert.deepEqual([begin, holes], first === null ? [140, []] : [20, [{ from: 100, to: 140 }]]);
  }
});

test("a young record is drawn in all of a range only if that was chosen", () => {
  const page = new Page();
  for (let at = 0; at < 3; at++) page.tick({ load: 1 });
  page.store.show(spanOf({ kind: "live", range: 900 }, false));
  page.tick({ load: 1 });
  assert.equal(page.store.fitting()?.range, 120);
  page.store.show(spanOf({ kind: "live", range: 900 }, true));
  assert.equal(page.store.fitting(), null);
});
