import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf, Rates } from "../../static/js/program.js";

/**
 * @param {Partial<import("../../static/js/answers.js").Status>} values
 * @returns {import("../../static/js/answers.js").Status}
 */
const status = (values = {}) => /** @type {any} */ ({
  started_at: 1, bytes_sent: 0, published: {}, streams_refused: {}, collectors: [], series: 10, max_series: 20, slowest: 0,
  log: { max_events: 100 }, process: { loop_lag: 0.01 }, storage: { trouble: null }, board_fault: null, ...values,
});

test("growth is over the last ten seconds, and starts anew with the program", () => {
  const rates = new Rates();
  assert.equal(rates.growth(), null);
  for (let at = 0; at <= 30; at += 2) rates.take(status({ bytes_sent: at * 100, published: { metrics: at, log: at } }), at * 1000);
  assert.deepEqual(rates.growth(), { seconds: 10, bytes: 1000, events: 20, refused: 0 });
  assert.ok(rates.kept.length <= 6);
  rates.take(status({ started_at: 99, bytes_sent: 5 }), 32_000);
  assert.equal(rates.growth(), null);
  rates.take(status({ started_at: 99, bytes_sent: 25 }), 34_000);
  assert.equal(rates.growth()?.bytes, 20);
  rates.clear();
  assert.equal(rates.growth(), null);
});

test("a program in order has no problems", () => {
  assert.deepEqual(problemsOf(status(), null), []);
  assert.deepEqual(problemsOf(status({ collectors: /** @type {any} */ ([{ name: "cpu", state: "ok" }, { name: "new", state: "waiting" }]) }), null), []);
});

test("what fails comes before what is late and is no graver here than on a board; each is named", () => {
  const collectors = /** @type {any} */ ([{ name: "slow", state: "late" }, { name: "gone", state: "failed" }]);
  const process = { cpu_ratio: null, resident_bytes: null, loop_lag: 0.5 };
  const storage = { history_bytes: null, state_bytes: null, free_bytes: 0, trouble: "the disk is full" };
  const all = status({ collectors, process, storage, slowest: 51, series: 20, board_fault: "line 3" });
  assert.deepEqual(problemsOf(all, { seconds: 2, bytes: 0, events: 0, refused: 1 }).map(({ severity, text }) => `${severity}: ${text}`), [
    "critical: Points and logs are not stored",
    "critical: Streams are being refused",
    "warning: Collector gone fails",
    "warning: Collector slow is late",
    "warning: No room for further series",
    "warning: The slowest stream is 51 events behind",
    "warning: The event loop is late",
    "warning: The settings have a fault",
  ]);
});

test("streams that were refused long ago are no problem now", () => {
  const refused = status({ streams_refused: { attempts: 9 } });
  assert.deepEqual(problemsOf(refused, { seconds: 10, bytes: 0, events: 0, refused: 0 }), []);
  assert.deepEqual(problemsOf(refused, null), []);
});
