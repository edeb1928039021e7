import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused } from "../../static/js/api.js";
import { Backfill } from "../../static/js/backfill.js";
import { ServerClock } from "../../static/js/clock.js";
import { coverage } from "../../static/js/coverage.js";
import { spanOf } from "../../static/js/span.js";
import { Store } from "../../static/js/store.js";

/**
 * @typedef {import("../../static/js/store.js").RangeAnswer} RangeAnswer
 * @typedef {{ at: number, start: number, end: number, step: number, settle: (answer: RangeAnswer | Error) => void }} Question
 */

const LOAD = 'load{instance="web-1"}';

/** A page and its server, whose answers say what was known when the question came, and reach the page when the test says so. */
class Page {
  now = 1_000_000_000;
  clock = new ServerClock(() => this.now);
  store = new Store(this.clock);
  /** @type {Question[]} questions that are on their way */
  questions = [];
  truth = { refused: new Map(), filling: 0, connection: { phase: "open" } };

  constructor() {
    this.clock.observe(this.now / 1000);
    this.store.show(spanOf({ kind: "live", range: 900 }, false, 120));
    const api = {
      /** @type {(selectors: string[], start: number, end: number, step: number) => Promise<RangeAnswer>} */
      range: (_, start, end, step) =>
        new Promise((resolve, reject) => {
          const settle = (/** @type {RangeAnswer | Error} */ answer) => (answer instanceof Error ? reject(answer) : resolve(answer));
          this.questions.push({ at: this.now / 1000, start, end, step, settle });
        }),
    };
    const options = { api, store: this.store, truth: this.truth, selectors: ["load"], later: [], want() {}, onFilled() {}, onShown() {} };
    this.backfill = new Backfill(/** @type {any} */ (options));
  }

  /** @param {number} seconds */
  pass(seconds, streamed = true) {
    for (let at = 0; at < seconds; at++) {
      this.now += 1000;
      if (!streamed) continue;
      const event = { timestamp: this.now / 1000, source: "web-1/cpu", interval: 1, resource: { instance: "web-1" }, samples: { load: 1 } };
      this.store.take({ id: `${this.now}-0`, type: "metrics", ...event });
    }
  }

  /** What was not sent in these seconds, of which the server has all. */
  lose(/** @type {number} */ seconds) {
    const from = this.now / 1000;
    this.pass(seconds, false);
    const gap = { from, to: this.now / 1000, before: `${this.now}-9`, types: ["metrics"], reason: "slow", skipped: seconds };
    return this.backfill.missed(/** @type {any} */ (gap));
  }

  /** Let the oldest question's answer come, or fail; resolves when all that follows of it is done. */
  async answer(/** @type {Error | undefined} */ error = undefined) {
    const question = this.questions.shift();
    assert.ok(question, "something is asked");
    const { at, start, end, step, settle } = question;
    /** @type {import("../../static/js/line.js").Point[]} */
    const points = [];
    for (let time = Math.ceil(start); time < Math.min(end, at); time += step) points.push([time, 1, 1, 1]);
    settle(error ?? { as_of: `${at * 1000}-0`, step, server_time: at, result: [{ series: LOAD, interval: 1, first: at - 3000, points }] });
    await new Promise((resolve) => setTimeout(resolve));
  }

  get holes() {
    const line = this.store.lines.get(LOAD);
    assert.ok(line, "it is held");
    return coverage([line], this.now / 1000 - 100, this.now / 1000).holes;
  }
}

/** A page with two minutes of points, whose record turns out to be longer. */
async function filled() {
  const page = new Page();
  const begun = page.backfill.begin();
  await page.answer();
  // The record fits another range than the one that was asked for first.
  await page.answer();
  assert.equal(await begun, true);
  page.pass(10);
  assert.deepEqual(page.holes, []);
  return page;
}

test("what was missed is fetched, once", async () => {
  const page = await filled();
  assert.equal(page.lose(20), true);
  page.pass(3);
  assert.equal(page.holes.length, 1);
  void page.backfill.fill();
  assert.equal(page.truth.filling, 1);
  await page.answer();
  assert.deepEqual([page.holes, page.truth.filling], [[], 0]);
  void page.backfill.fill();
  assert.equal(page.questions.length, 0);
});

test("what was missed while other points are on their way is fetched after them, for these begin anew without it", async () => {
  const page = await filled();
  const shown = page.backfill.show(spanOf({ kind: "live", range: 300 }, true));
  page.pass(2);
  assert.equal(page.lose(20), true);
  page.pass(3);
  await page.backfill.fill();
  assert.equal(page.questions.length, 1, "the answer that is under way comes first");
  await page.answer();
  await shown;
  assert.equal(page.holes.length, 1);
  void page.backfill.fill();
  await page.answer();
  assert.deepEqual(page.holes, []);
});

test("what was missed before the first answer came is fetched; what that answer has is not asked for again", async () => {
  const page = new Page();
  const begun = page.backfill.begin();
  page.pass(2);
  assert.equal(page.lose(20), true);
  page.pass(3);
  await page.backfill.fill();
  // It is of before the gap; so that of the longer record is the first that has it.
  await page.answer();
  await page.answer();
  await begun;
  page.pass(2);
  assert.deepEqual(page.holes, []);
  await page.backfill.fill();
  assert.equal(page.questions.length, 0);
});

for (const error of [new Error("the network is away"), new Refused(429), new Refused(401), new Refused(502)]) {
  test(`what could not be fetched is asked for again after a while, and not before: ${error.message}`, async () => {
    const page = await filled();
    page.lose(20);
    page.pass(3);
    void page.backfill.fill();
    await page.answer(error);
    page.pass(4);
    await page.backfill.fill();
    assert.equal(page.questions.length, 0);
    page.pass(2);
    void page.backfill.fill();
    await page.answer();
    assert.deepEqual(page.holes, []);
  });
}

test("what the server will never answer is not asked for again", async () => {
  const page = await filled();
  page.lose(20);
  page.pass(3);
  void page.backfill.fill();
  await page.answer(new Refused(400));
  await page.answer(new Refused(400)); // each selector is asked alone then
  page.pass(10);
  await page.backfill.fill();
  assert.equal(page.questions.length, 0);
  assert.equal(page.holes.length, 1);
});
