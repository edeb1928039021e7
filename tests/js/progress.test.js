import assert from "node:assert/strict";
import { test } from "node:test";
import { amountText, fraction, leftText, timeLeft } from "../../static/js/progress.js";

const task = (/** @type {any} */ more = {}) =>
  /** @type {any} */ ({ id: "1-0", type: "task", timestamp: 200, source: "vm/a", resource: {}, task: "t", state: "running", interval: 5, started_at: 100, ...more });

test("how far it is: what is told, else the share that is done, else unknown; never beyond the ends", () => {
  assert.equal(fraction(task({ progress: 0.4, done: 9, total: 10 })), 0.4);
  assert.equal(fraction(task({ done: 9, total: 10 })), 0.9);
  assert.equal(fraction(task({ done: 12, total: 10 })), 1);
  assert.equal(fraction(task({ progress: -1 })), 0);
  for (const more of [{}, { done: 3 }, { done: 3, total: 0 }]) assert.equal(fraction(task(more)), null);
});

test("the time left is reckoned from the rate, else from the time so far, and goes down with the age of what is known", () => {
  assert.equal(timeLeft(task({ done: 40, total: 100, rate: 2 }), 0), 30);
  assert.equal(timeLeft(task({ done: 40, total: 100, rate: 2 }), 12), 18);
  assert.equal(timeLeft(task({ done: 40, total: 100, rate: 2 }), 50), 0);
  assert.equal(timeLeft(task({ progress: 0.25 }), 0), 300);
});

test("where nothing tells it is unknown, not a wrong number", () => {
  const unknown = [
    {}, { progress: 0 }, { progress: 0.01 }, { progress: 0.5, started_at: 199 }, { done: 5, total: 10, rate: 0 },
    { done: 5, rate: 3 }, { progress: 0.02, started_at: -1e9 }, { done: 1, total: 1e300, rate: 1e-9 },
  ];
  for (const more of unknown) assert.equal(timeLeft(task(more), 0), null, JSON.stringify(more));
  assert.equal(leftText(null), "time left unknown");
});

test("it is said as roughly as it is known", () => {
  const texts = [3, 22, 58, 61, 3000, 4000, 90_000].map(leftText);
  assert.deepEqual(texts, [
    "a few seconds left", "about 25\u00a0s left", "about 1\u00a0min left", "about 2\u00a0min left", "about 50\u00a0min left",
    "about 1\u00a0h 10\u00a0min left", "about 1\u00a0d 6\u00a0h left",
  ]);
});

test("how much of how much, with its unit, and how fast", () => {
  assert.equal(amountText(task({ done: 420, total: 1000, unit: "files", rate: 13.7 })), "420 of 1000\u00a0files · 13.7\u00a0files/s");
  assert.equal(amountText(task({ done: 1024, total: 3 * 1024 ** 3, unit: "bytes", rate: 2048 })), "1.00\u00a0KiB of 3.00\u00a0GiB · 2.00\u00a0KiB/s");
  assert.equal(amountText(task({ done: 7 })), "7.00");
  assert.equal(amountText(task()), "");
});
