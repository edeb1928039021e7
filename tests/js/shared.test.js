import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Api } from "../../static/js/api.js";
import { Hub } from "../../static/js/hub.js";
import { SharedConnection } from "../../static/js/shared.js";
import { Wire } from "./wire.js";

const NAMES = ["hello", "heartbeat", "gap", "bye", "metrics", "log"];

/** A hub and pages of it, whose messages arrive at once; both can be made to hang. */
function stage() {
  mock.timers.enable({ apis: ["setTimeout"] });
  let now = 1_000_000;
  const state = { hangs: false, slow: false, attached: 0 };
  /** @type {(() => void)[]} what a slow one has yet to say */
  const replies = [];
  /** @type {Wire[]} */
  const shared = [];
  /** @type {Wire[]} */
  const own = [];
  const api = new Api("");
  api.diagnose = async () => ({ kind: "down", text: "the server is not reachable" });
  const wire = (/** @type {Wire[]} */ wires) => (/** @type {string} */ url) => {
    wires.push(new Wire(url));
    return /** @type {Wire} */ (wires.at(-1));
  };
  const make = () => new Hub({ address: api.stream.bind(api), probe: () => api.diagnose(), now: () => now, open: wire(shared) });
  let hub = make();
  /** @type {SharedConnection[]} */
  const pages = [];
  const attach = () => {
    state.attached++;
    const mine = hub;
    /** @type {any} */
    const page = {
      onmessage: null,
      close() {},
      postMessage: (/** @type {any} */ message) => {
        if (!state.hangs) mine.message(back, structuredClone(message));
      },
    };
    const reply = (/** @type {any} */ message) => page.onmessage?.({ data: structuredClone(message) });
    const back = {
      postMessage: (/** @type {any} */ message) => {
        if (state.slow) replies.push(() => reply(message));
        else if (!state.hangs) reply(message);
      },
    };
    return page;
  };
  const open = (/** @type {any} */ options = {}) => {
    /** @type {any[]} */
    const events = [];
    const connection = new SharedConnection({
      api, types: ["metrics", "log"], selectors: ["a"], names: NAMES, onEvent: (event) => events.push(event), onChange: () => {},
      attach, now: () => now, open: wire(own), ...options,
    });
    pages.push(connection);
    return { connection, events };
  };
  const pass = (/** @type {number} */ milliseconds) => {
    for (let left = milliseconds; left > 0; left -= 250) {
      now += 250;
      mock.timers.tick(250);
      if (!state.hangs) hub.watch();
      for (const page of pages) page.watch();
    }
  };
  const speak = () => shared.at(-1)?.say("heartbeat", { server_time: now / 1000 });
  const replace = () => {
    hub = make();
  };
  return { state, shared, own, open, pass, speak, replace, replies, last: () => /** @type {Wire} */ (shared.at(-1)) };
}

const hello = { heartbeat_interval: 5, newest: "900-0", version: "1", resume: "resumed", server_time: 1 };

test("two pages have one stream, and each its own series of it", (t) => {
  t.after(() => mock.timers.reset());
  const { open, shared, own, last } = stage();
  const [one, two] = [open(), open({ selectors: ["b"] })];
  one.connection.start("5-0");
  two.connection.start("5-0");
  last().say("hello", hello);
  last().say("metrics", { id: "6-0", resource: { instance: "x" }, samples: { a: 1, b: 2 } });
  last().say("metrics", { id: "7-0", resource: { instance: "x" }, samples: { b: 3 } });
  assert.equal(shared.filter(({ closed }) => !closed).length, 1);
  assert.equal(own.length, 0);
  assert.deepEqual(one.events.map(({ samples }) => samples), [undefined, { a: 1 }]);
  assert.deepEqual(two.events.map(({ samples }) => samples), [undefined, { b: 2 }, { b: 3 }]);
  assert.deepEqual([one.connection.phase, one.connection.heartbeat, one.connection.lastId], ["open", 5, "7-0"]);
});

test("where there is nobody to share with it streams by itself, at once", (t) => {
  t.after(() => mock.timers.reset());
  const refused = () => {
    throw new Error("SecurityError");
  };
  for (const attach of [null, refused]) {
    const { open, own } = stage();
    const { connection } = open({ attach });
    connection.prepare();
    connection.start("5-0");
    assert.equal(own.length, 1);
    assert.match(own[0]?.url ?? "", /after=5-0/);
    own[0]?.say("hello", hello);
    assert.equal(connection.phase, "open");
    mock.timers.reset();
  }
});

test("a selector that only the server can read is not shared", (t) => {
  t.after(() => mock.timers.reset());
  const { open, own, state } = stage();
  open({ selectors: ['a{b=~"(x+)+"}'] }).connection.start(null);
  assert.deepEqual([own.length, state.attached], [1, 0]);
});

test("who does not answer within a second is absent; a minute later it is asked again, and shared without a loss", (t) => {
  t.after(() => mock.timers.reset());
  const { open, own, shared, state, pass } = stage();
  state.hangs = true;
  const { connection, events } = open();
  connection.prepare();
  connection.start("5-0");
  pass(750);
  assert.equal(own.length, 0);
  pass(500);
  assert.equal(own.length, 1);
  own[0]?.say("hello", hello);
  own[0]?.say("metrics", { id: "8-0", resource: {}, samples: { a: 1 } });
  state.hangs = false;
  for (let second = 0; second < 65; second += 5) {
    own[0]?.say("heartbeat", { server_time: second });
    pass(5000);
  }
  assert.equal(own[0]?.closed, true);
  assert.match(shared.at(-1)?.url ?? "", /after=8-0/);
  shared.at(-1)?.say("hello", hello);
  shared.at(-1)?.say("metrics", { id: "9-0", resource: {}, samples: { a: 1 } });
  assert.deepEqual(events.filter(({ id }) => id).map(({ id }) => id), ["8-0", "9-0"]);
});

test("one that answers late is joined when it does", (t) => {
  t.after(() => mock.timers.reset());
  const { open, own, shared, state, pass, replies } = stage();
  state.slow = true;
  const { connection } = open();
  connection.start("5-0");
  pass(1250);
  assert.equal(own.length, 1);
  own[0]?.say("hello", hello);
  own[0]?.say("metrics", { id: "6-0", resource: {}, samples: { a: 1 } });
  state.slow = false;
  for (const reply of replies) reply();
  assert.equal(own[0]?.closed, true);
  assert.match(shared.at(-1)?.url ?? "", /after=6-0/);
});

test("one that hangs is noticed within two heartbeats and a second, and resumed from by a stream of the page's own", (t) => {
  t.after(() => mock.timers.reset());
  const { open, own, state, pass, last } = stage();
  const { connection } = open();
  connection.start("5-0");
  last().say("hello", hello);
  last().say("metrics", { id: "8-0", resource: {}, samples: { a: 1 } });
  state.hangs = true;
  pass(8750);
  assert.equal(own.length, 0);
  pass(2750);
  assert.equal(own.length, 1);
  assert.match(own[0]?.url ?? "", /after=8-0/);
});

test("one that died is replaced by the next", (t) => {
  t.after(() => mock.timers.reset());
  const { open, own, shared, state, pass, last, replace } = stage();
  const { connection } = open();
  connection.start("5-0");
  last().say("hello", hello);
  state.hangs = true;
  pass(9500);
  replace();
  state.hangs = false;
  pass(1000);
  assert.equal(own.length, 0);
  assert.equal(shared.length, 2);
  last().say("hello", hello);
  assert.equal(connection.phase, "open");
});

test("a page that was frozen and given up joins again from where it was", (t) => {
  t.after(() => mock.timers.reset());
  const { open, own, shared, pass, speak, last } = stage();
  const [here, frozen] = [open(), open()];
  here.connection.start("5-0");
  frozen.connection.start("5-0");
  last().say("hello", hello);
  last().say("metrics", { id: "6-0", resource: {}, samples: { a: 1 } });
  const { port } = frozen.connection;
  const listener = port?.onmessage;
  /** @type {any[]} */
  const queue = [];
  if (port) port.onmessage = (message) => queue.push(message);
  frozen.connection.watch = () => {};
  for (let second = 0; second < 30; second += 5) {
    speak();
    pass(5000);
  }
  last().say("metrics", { id: "7-0", resource: {}, samples: { a: 1 } });
  if (port && listener) port.onmessage = listener;
  for (const message of queue) listener?.(message);
  last().say("hello", hello);
  last().say("metrics", { id: "7-0", resource: {}, samples: { a: 1 } });
  const ids = (/** @type {any[]} */ events) => events.filter(({ id }) => id).map(({ id }) => id);
  assert.deepEqual(ids(frozen.events), ["6-0", "7-0"]);
  assert.deepEqual(ids(here.events), ["6-0", "7-0"]);
  assert.equal(own.length, 0);
  assert.equal(shared.filter(({ closed }) => !closed).length, 1);
});

test("an outage is told with the time of the next try, and a wake tries at once", (t) => {
  t.after(() => mock.timers.reset());
  const { open, shared, pass, last } = stage();
  const { connection } = open();
  connection.start("5-0");
  last().say("hello", hello);
  for (let round = 0; round < 5; round++) {
    last().say("error");
    assert.equal(connection.phase, "waiting");
    assert.ok(connection.nextTry > connection.now());
    if (round < 4) pass(15_000);
  }
  const before = shared.length;
  connection.wake();
  assert.equal(shared.length, before + 1);
  last().say("hello", hello);
  assert.equal(connection.phase, "open");
  connection.wake();
  assert.equal(shared.length, before + 1);
});

test("a stream that has just opened anew is not as old as the outage was, not even before its first word", (t) => {
  t.after(() => mock.timers.reset());
  const { open, pass, shared, last } = stage();
  const states = [];
  const { connection } = open({
    onChange: () => states.push([connection.phase, connection.now() - connection.openedAt, connection.now() - connection.lastByte]),
  });
  connection.start("850-0");
  last().say("hello", hello);
  last().say("error");
  pass(20_000);
  assert.ok(shared.length > 1);
  states.length = 0;
  last().say("hello", hello);
  assert.deepEqual(states[0], ["open", 0, 0]);
});

test("a page that was put away leaves, and comes back from where it was", (t) => {
  t.after(() => mock.timers.reset());
  const { open, shared, last } = stage();
  const { connection } = open();
  connection.start("5-0");
  last().say("hello", hello);
  last().say("metrics", { id: "6-0", resource: {}, samples: { a: 1 } });
  connection.stop();
  assert.equal(shared[0]?.closed, true);
  connection.wake();
  assert.match(last().url, /after=6-0/);
});

test("a page that wants less than before goes on from where it was, alone or not, and is given no more than that", (t) => {
  for (const options of [{}, { attach: null }]) {
    const { open, shared, own, last } = stage();
    t.after(() => mock.timers.reset());
    const newest = () => (options.attach === null ? /** @type {Wire} */ (own.at(-1)) : last());
    const { connection, events } = open({ selectors: ["a", "wide"], ...options });
    connection.want(["a", "wide", "b"]);
    connection.start("5-0");
    newest().say("hello", hello);
    newest().say("metrics", { id: "6-0", resource: {}, samples: { a: 1, wide: 2 } });
    const before = shared.length + own.length;
    connection.want(["a", "wide", "b"]);
    assert.equal(shared.length + own.length, before);
    connection.want(["a"]);
    assert.match(newest().url, /match=a&types=.*after=6-0/);
    newest().say("hello", hello);
    newest().say("metrics", { id: "7-0", resource: {}, samples: { a: 3 } });
    assert.deepEqual(events.filter(({ type }) => type === "metrics").map(({ samples }) => samples), [{ a: 1, wide: 2 }, { a: 3 }]);
    assert.equal([...shared, ...own].filter(({ closed }) => !closed).length, 1);
    mock.timers.reset();
  }
});
