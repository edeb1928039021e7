import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Connection } from "../../static/js/connection.js";
import { Wire } from "./wire.js";

/** A connection under a clock that the test moves. */
function stage({ random = 0.5 } = {}) {
  mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {Wire[]} */
  const wires = [];
  /** @type {Wire[]} */
  const polls = [];
  let now = 0;
  const connection = new Connection({
    url: (after) => `/events?after=${after}`,
    probe: async () => ({ kind: "network", text: "the stream broke off; the server answers" }),
    types: ["hello", "heartbeat", "metrics", "bye"],
    onEvent: () => {},
    onChange: () => {},
    now: () => now,
    random: () => random,
    open: (url) => {
      const wire = new Wire(url);
      wires.push(wire);
      return wire;
    },
    poll: (url) => {
      const wire = new Wire(url);
      polls.push(wire);
      return wire;
    },
  });
  const pass = (/** @type {number} */ milliseconds) => {
    now += milliseconds;
    mock.timers.tick(milliseconds);
  };
  const last = () => /** @type {Wire} */ (wires.at(-1));
  return { connection, wires, polls, pass, last };
}

test("after a break it tries again within a second, from the last id", (t) => {
  t.after(() => mock.timers.reset());
  const { connection, wires, pass, last } = stage({ random: 1 });
  connection.start("5-0");
  last().say("hello", { heartbeat_interval: 5 });
  last().say("metrics", { id: "9-1" });
  last().say("error");
  assert.equal(connection.phase, "waiting");
  assert.equal(wires[0]?.closed, true);
  pass(999);
  assert.equal(wires.length, 2);
  assert.equal(last().url, "/events?after=9-1");
});

test("waits double up to seven seconds, in the second minute up to thirty, and are never given up", (t) => {
  t.after(() => mock.timers.reset());
  const { connection, wires, pass, last } = stage({ random: 1 });
  connection.start(null);
  const waits = [];
  for (let at = 0; at < 20; at++) {
    last().say("error");
    waits.push(connection.nextTry - connection.now());
    pass(30_000);
    assert.equal(wires.length, at + 2);
  }
  assert.deepEqual(waits, [900, 1800, 3600, ...Array(10).fill(7200), 14_400, 28_800, ...Array(5).fill(30_000)]);
});

test("no byte for two heartbeats is a break, whatever TCP believes", (t) => {
  t.after(() => mock.timers.reset());
  const { connection, pass, last } = stage();
  connection.start(null);
  last().say("hello", { heartbeat_interval: 5 });
  pass(9_900);
  connection.watch();
  assert.equal(connection.phase, "open");
  pass(200);
  connection.watch();
  assert.equal(connection.phase, "waiting");
  assert.match(connection.cause?.text ?? "", /was silent for 10 s and is tried anew/);
});

test("a farewell is answered after just the delay asked for, which is another for each viewer", (t) => {
  t.after(() => mock.timers.reset());
  const { connection, last } = stage({ random: 1 });
  connection.start(null);
  last().say("hello", { heartbeat_interval: 5 });
  last().say("bye", { reason: "shutdown", retry_after: 2 });
  assert.equal(connection.nextTry, 2000);
});

test("a wake tries at once, but leaves a stream alone that is plainly alive", (t) => {
  t.after(() => mock.timers.reset());
  const { connection, wires, pass, last } = stage();
  connection.start(null);
  last().say("hello", { heartbeat_interval: 5 });
  connection.wake();
  assert.equal(wires.length, 1);
  pass(6_500);
  connection.wake();
  assert.equal(wires.length, 2);
  last().say("error");
  connection.wake();
  assert.equal(wires.length, 3);
});

test("an event of a stream that was dropped is no longer heard", (t) => {
  t.after(() => mock.timers.reset());
  const { connection, wires, pass, last } = stage();
  connection.start("1-0");
  const [old] = wires;
  last().say("error");
  pass(1000);
  old?.say("metrics", { id: "99-0" });
  assert.equal(connection.lastId, "1-0");
});

test("where streams are held back it polls, and streams again after a while", async (t) => {
  t.after(() => mock.timers.reset());
  const { connection, polls, wires, pass, last } = stage();
  connection.start("5-0");
  connection.watch();
  for (let round = 0; round < 2; round++) {
    for (let waited = 0; waited < 11_500 && !connection.fault; waited += 500) {
      pass(500);
      await Promise.resolve();
      connection.watch();
    }
  }
  assert.equal(connection.fault?.kind, "held");
  pass(1000);
  connection.watch();
  assert.equal(polls.length, 1);
  assert.equal(polls[0]?.url, "/events?after=5-0");
  polls[0]?.say("hello", { heartbeat_interval: 5, newest: "5-0" });
  polls[0]?.say("metrics", { id: "9-1" });
  assert.equal(connection.phase, "open");
  const before = wires.length;
  for (let waited = 0; waited < 301_000; waited += 1000) {
    pass(1000);
    polls[0]?.say("heartbeat", { server_time: 1 });
    connection.watch();
  }
  assert.equal(wires.length, before + 1);
  assert.equal(last().url, "/events?after=9-1");
  assert.equal(connection.fault?.kind, "held");
});
