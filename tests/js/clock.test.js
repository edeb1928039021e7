import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerClock, SleepDetector } from "../../static/js/clock.js";

/** A browser whose monotonic clock is set by hand; the server is 1,000,000 s ahead of it. */
class Browser {
  now = 5_000;
  clock = new ServerClock(() => this.now);
  get serverTime() {
    return 1_000_000 + this.now / 1000;
  }
}

test("a request and its answer bound the difference from both sides", () => {
  const browser = new Browser();
  const sent = browser.now;
  const told = browser.serverTime + 0.02;
  browser.now += 40;
  browser.clock.bracket(told, sent);
  assert.ok(Math.abs(browser.clock.now() - browser.serverTime) < 0.021);
});

test("of messages that came late the promptest counts", () => {
  const browser = new Browser();
  for (const late of [0.3, 0.05, 0.4]) {
    browser.now += 5000;
    browser.clock.observe(browser.serverTime - late);
  }
  assert.ok(Math.abs(browser.clock.now() - (browser.serverTime - 0.05)) < 1e-6);
});

test("a stream that is slow for good does not make the server's clock slow", () => {
  const browser = new Browser();
  browser.clock.bracket(browser.serverTime, browser.now - 10);
  let asked = 0;
  for (let beat = 0; beat < 50; beat++) {
    browser.now += 5000;
    if (browser.clock.observe(browser.serverTime - 0.6) === "steady") continue;
    asked++;
    assert.equal(browser.clock.bracket(browser.serverTime, browser.now - 10), "steady");
  }
  assert.ok(Math.abs(browser.clock.now() - browser.serverTime) < 0.02);
  assert.ok(asked > 0 && asked < 6, `asked ${asked} times`);
});

test("a server clock set forward is followed at once", () => {
  const browser = new Browser();
  browser.clock.observe(browser.serverTime);
  assert.equal(browser.clock.observe(browser.serverTime + 3600), "stepped");
  assert.ok(Math.abs(browser.clock.now() - browser.serverTime - 3600) < 1e-6);
});

test("a server_time that is too early is late or set back: only a round trip tells", () => {
  const browser = new Browser();
  browser.clock.observe(browser.serverTime);
  assert.equal(browser.clock.observe(browser.serverTime - 120), "doubtful");
  assert.ok(Math.abs(browser.clock.now() - browser.serverTime) < 1e-6, "a late message moves nothing");
  assert.equal(browser.clock.bracket(browser.serverTime, browser.now - 10), "steady");
  assert.equal(browser.clock.bracket(browser.serverTime - 3600, browser.now - 10), "stepped");
});

test("sleep shows as wall time without monotonic time; a clock set back does not", () => {
  let wall = 0;
  let monotonic = 0;
  const sleep = new SleepDetector(() => monotonic, () => wall);
  wall = monotonic = 1000;
  assert.equal(sleep.slept(), 0);
  wall += 60_000;
  assert.equal(sleep.slept(), 60_000);
  wall -= 600_000;
  assert.equal(sleep.slept(), 0);
});
