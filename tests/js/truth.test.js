import assert from "node:assert/strict";
import { test } from "node:test";
import { Truth } from "../../static/js/truth.js";

/**
 * What a page knows, at 100 s of its own time and 1000 s of the server's.
 * @param {{ declared: number, lapse: number }[]} lines
 * @param {object} [connection]
 */
function page(lines, connection = {}) {
  const store = {
    lines: new Map(lines.map((line, at) => [String(at), line])), stretched: 0, asOf: "1000000-0", sources: new Map(),
  };
  const open = { phase: "open", cause: null, openedAt: 0, lastByte: 99_000, heartbeat: 5, fault: null, ...connection };
  const truth = new Truth(/** @type {any} */ (open), /** @type {any} */ (store), "1");
  truth.newestAt = truth.newestBorn = 99_000;
  return { truth, store };
}

test("a series that has ended does not decide how long the stream may be silent, while others live", () => {
  const living = { declared: 1, lapse: 102_000 };
  const { truth } = page([{ declared: 0.05, lapse: 98_000 }, living]);
  assert.equal(truth.shortest, 1);
  assert.equal(truth.status(100_000).word, "live");
  const quick = page([{ declared: 0.05, lapse: 100_500 }, living]);
  assert.equal(quick.truth.shortest, 0.05);
  assert.equal(quick.truth.status(100_000).word, "stale");
});

test("what comes late has not ended: seldom samples do not make a page live whose others are seconds behind", () => {
  const { truth } = page([{ declared: 1, lapse: 98_650 }, { declared: 30, lapse: 150_000 }]);
  truth.newestBorn = 96_000;
  assert.equal(truth.shortest, 1);
  assert.equal(truth.status(100_000).word, "catching up");
});

test("where ticks come too late all the time the page is catching up all the time, and says so of what is old", () => {
  const { truth } = page([{ declared: 1, lapse: 102_000 }]);
  assert.equal(truth.status(100_000).word, "live");
  truth.late = true;
  assert.deepEqual([truth.status(100_000).word, truth.explain("vm/cpu", 100_000)], ["catching up", "stream: catching up"]);
});

test("a stream that has fallen silent is not measured by the slowest series, which is the last to grow old", () => {
  const { truth } = page([{ declared: 1, lapse: 101_600 }, { declared: 30, lapse: 160_000 }]);
  assert.equal(truth.status(110_000).word, "stale");
  assert.equal(truth.explain("vm/cpu", 110_000), "stream: nothing received for 11\u00a0s");
});

test("where all have ended the quickest of them decides", () => {
  const { truth } = page([{ declared: 0.05, lapse: 98_000 }, { declared: 1, lapse: 99_000 }]);
  assert.equal(truth.shortest, 0.05);
});

test("what had no successor when the history was told does not wait for a stream that has just opened", () => {
  const { truth, store } = page([{ declared: 1, lapse: 102_000 }], { openedAt: 99_900 });
  store.sources.set("vm/push", { time: 988 });
  store.sources.set("vm/cpu", { time: 999 });
  assert.equal(truth.explain("vm/push", 100_000), "source vm/push: it stopped sending");
  assert.equal(truth.explain("vm/cpu", 100_000), "stream: catching up");
});

test("a collector that is late only is known as late, whether the server's state or an event tells it", () => {
  const { truth } = page([]);
  const late = { name: "disks", error: "it takes 3.1 s of its interval of 1 s", late: true };
  const one = { name: "disks", source: "vm/disks", state: "late", error: late.error };
  truth.adopt(/** @type {any} */ ({ collectors: [one, { ...one, name: "cpu", source: "vm/cpu", state: "failed" }] }));
  assert.deepEqual([truth.failed.get("vm/disks"), truth.failed.get("vm/cpu")?.late], [late, false]);
  const event = { source: "vm/dashboard", event: "collector_failed", collector: "disks", message: late.error, what: "late" };
  truth.collector(/** @type {any} */ ({ ...event, what: undefined }));
  assert.equal(truth.failed.get("vm/disks")?.late, false);
  truth.collector(/** @type {any} */ (event));
  assert.deepEqual(truth.failed.get("vm/disks"), late);
});
