import assert from "node:assert/strict";
import { test } from "node:test";
import { Lookback, minuteIn, minuteOf } from "../../static/js/lookback.js";

const minute = (/** @type {number} */ start) => ({ start, by_cpu: [], by_memory: [] });

/** @param {(start: number) => Promise<import("../../static/js/lookback.js").Minute | null>} ask */
function looking(ask) {
  const clock = { now: 0 };
  /** @type {number[]} */
  const asked = [];
  /** @type {() => void} */
  let wake = () => {};
  const lookback = new Lookback((start) => (asked.push(start), ask(start)), () => wake(), () => clock.now);
  const answered = () => new Promise((done) => (wake = () => done(null)));
  return { clock, asked, lookback, answered };
}

test("a minute is asked for when the pointer rests on it, and once", async () => {
  const { clock, asked, lookback, answered } = looking(async (start) => minute(start));
  assert.equal(lookback.look(null), null);
  for (const start of [60, 120, 180]) assert.deepEqual(lookback.look(start), { from: start, to: start + 60, minute: null, words: "…" });
  clock.now = 100;
  lookback.look(180);
  assert.deepEqual(asked, []);
  clock.now = 200;
  const done = answered();
  lookback.look(180);
  await done;
  assert.deepEqual(asked, [180]);
  assert.deepEqual(lookback.look(180), { from: 180, to: 240, minute: minute(180), words: "" });
  clock.now = 900;
  lookback.look(180);
  assert.deepEqual(asked, [180]);
});

test("what is not recorded, and what could not be asked for, is told; the latter is asked for again", async () => {
  let broken = true;
  const { clock, asked, lookback, answered } = looking(async () => {
    if (broken) throw new Error("HTTP 503");
    return null;
  });
  const ask = async (/** @type {number} */ now) => {
    clock.now = now;
    const done = answered();
    lookback.look(60);
    await done;
  };
  lookback.look(60);
  await ask(200);
  assert.match(lookback.look(60)?.words ?? "", /HTTP 503/);
  assert.equal(asked.length, 1);
  broken = false;
  await ask(6000);
  assert.match(lookback.look(60)?.words ?? "", /Nothing is recorded/);
  assert.equal(asked.length, 2);
});

test("a page holds so many minutes, the newest asked for", async () => {
  const { clock, lookback, answered } = looking(async (start) => minute(start));
  for (let at = 0; at < 130; at++) {
    lookback.look(at * 60);
    clock.now += 1000;
    const done = answered();
    lookback.look(at * 60);
    await done;
  }
  assert.equal(lookback.known.size, 120);
  assert.ok(lookback.known.has(129 * 60) && !lookback.known.has(0));
});

test("a minute that is not over is not history yet", () => {
  assert.equal(minuteOf(119.9, 180), 60);
  assert.equal(minuteOf(120, 179.9), null);
  assert.equal(minuteOf(120, 180), 120);
  assert.deepEqual(minuteIn({ result: [minute(60), minute(120)] }, 120), minute(120));
  assert.equal(minuteIn({ result: [] }, 120), null);
});
