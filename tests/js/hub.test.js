import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Hub } from "../../static/js/hub.js";
import { compareIds } from "../../static/js/protocol.js";
import { Wire } from "./wire.js";

const ALL = ["metrics", "log", "system"];

/** A page's end of its port. */
class Page {
  /** @type {any[]} */
  told = [];
  serial = 0;
  /** @param {any} message */
  postMessage(message) {
    this.told.push(structuredClone(message));
  }
  /** Events that came since this page joined last. */
  get events() {
    return this.told.filter(({ say, serial }) => say === "event" && serial === this.serial).map(({ event }) => event);
  }
  get ids() {
    return this.events.filter(({ id }) => id).map(({ id }) => id);
  }
  get types() {
    return this.events.map(({ type }) => type);
  }
}

/** A hub whose streams the test speaks through. */
function stage() {
  mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {Wire[]} */
  const wires = [];
  let now = 0;
  const hub = new Hub({
    address: (selectors, types, after) => `${selectors}|${types}|${after}`,
    probe: async () => ({ kind: "down", text: "the server is not reachable" }),
    now: () => now,
    open: (url) => {
      wires.push(new Wire(url));
      return /** @type {Wire} */ (wires.at(-1));
    },
  });
  const join = (/** @type {Page} */ page, /** @type {string[]} */ selectors, /** @type {string | null} */ after, types = ALL) =>
    hub.message(page, { do: "join", serial: ++page.serial, types, selectors, after });
  const pass = (/** @type {number} */ milliseconds) => {
    for (let left = milliseconds; left > 0; left -= 250) {
      now += 250;
      mock.timers.tick(250);
      hub.watch();
    }
  };
  const last = () => /** @type {Wire} */ (wires.at(-1));
  const hello = (newest = "19-0", resume = "resumed") => last().say("hello", { newest, resume, heartbeat_interval: 5, server_time: 1 });
  return { hub, wires, join, pass, last, hello };
}

test("whoever greets is answered, whether or not there is a stream", (t) => {
  t.after(() => mock.timers.reset());
  const { hub } = stage();
  const page = new Page();
  hub.message(page, { do: "greet" });
  assert.deepEqual(page.told, [{ say: "here" }]);
});

test("a page that widens the union makes the stream begin where the last of all stands, and nobody has anything twice", (t) => {
  t.after(() => mock.timers.reset());
  const { join, wires, last, hello } = stage();
  const [old, young] = [new Page(), new Page()];
  join(old, ["a"], "10-0");
  hello("12-0");
  for (const id of ["11-0", "12-0", "13-0"]) last().say("metrics", { id, samples: { a: 1 } });
  join(young, ["b"], "12-0");
  assert.equal(wires[0]?.closed, true);
  assert.equal(last().url, "a,b|log,metrics,system|12-0");
  hello("14-0");
  for (const id of ["13-0", "14-0", "15-0"]) last().say("metrics", { id, samples: { a: 1, b: 1 } });
  assert.deepEqual(old.ids, ["11-0", "12-0", "13-0", "14-0", "15-0"]);
  assert.deepEqual(young.ids, ["13-0", "14-0", "15-0"]);
  assert.deepEqual([old.types.filter((type) => type === "hello").length, young.types[0]], [1, "hello"]);
  assert.deepEqual(old.told.filter(({ say }) => say === "event").map(({ whole }) => whole), [true, true, true, true, false, false]);
});

test("a page whose wish is among the others' gets what it lacks, too", (t) => {
  t.after(() => mock.timers.reset());
  const { join, last, hello } = stage();
  const [old, young] = [new Page(), new Page()];
  join(old, ["a", "b"], "10-0");
  hello();
  for (let id = 11; id < 20; id++) last().say("metrics", { id: `${id}-0` });
  join(young, ["a"], "15-0");
  assert.match(last().url, /\|15-0$/);
  hello();
  for (let id = 16; id < 22; id++) last().say("metrics", { id: `${id}-0` });
  assert.deepEqual(young.ids, ["16-0", "17-0", "18-0", "19-0", "20-0", "21-0"]);
  assert.equal(old.ids.length, 11);
});

test("types are each page's own, and a page without metrics adds no selectors", (t) => {
  t.after(() => mock.timers.reset());
  const { join, last, hello } = stage();
  const [charts, logs] = [new Page(), new Page()];
  join(charts, ["a"], "1-0", ["metrics"]);
  join(logs, [], "1-0", ["log"]);
  assert.equal(last().url, "a|log,metrics|1-0");
  hello();
  last().say("metrics", { id: "2-0" });
  last().say("log", { id: "3-0" });
  last().say("heartbeat", { server_time: 2 });
  assert.deepEqual(charts.types, ["hello", "metrics", "heartbeat"]);
  assert.deepEqual(logs.types, ["hello", "log", "heartbeat"]);
});

test("a page that wants all series widens the union to all", (t) => {
  t.after(() => mock.timers.reset());
  const { join, last } = stage();
  join(new Page(), ["a"], "1-0");
  join(new Page(), [], "1-0");
  assert.equal(last().url, "|log,metrics,system|1-0");
});

test("a page that begins after the newest is given nothing that others catch up with", (t) => {
  t.after(() => mock.timers.reset());
  const { join, last, hello } = stage();
  const [old, young] = [new Page(), new Page()];
  join(old, ["a"], "1-0");
  join(young, ["a"], null);
  assert.match(last().url, /\|1-0$/);
  hello("3-0");
  for (const id of ["2-0", "3-0", "4-0"]) last().say("metrics", { id });
  assert.deepEqual(old.ids, ["2-0", "3-0", "4-0"]);
  assert.deepEqual(young.ids, ["4-0"]);
});

test("a gap is told to those who lack what it covers, of their own types", (t) => {
  t.after(() => mock.timers.reset());
  const { join, last, hello } = stage();
  const [old, young, logs] = [new Page(), new Page(), new Page()];
  join(old, ["a"], "50-0");
  join(young, ["a"], "3-0");
  join(logs, [], "3-0", ["log"]);
  hello("60-0", "gap");
  last().say("gap", { after: "3-0", before: "40-0", types: ["metrics", "processes"], reason: "retention" });
  assert.deepEqual(old.types, ["hello"]);
  assert.deepEqual(young.events.at(-1)?.types, ["metrics"]);
  assert.deepEqual(logs.types, ["hello"]);
});

test("a page whose place the server does not know is told so, and goes on from now", (t) => {
  t.after(() => mock.timers.reset());
  const { join, last, hello } = stage();
  const [known, strange] = [new Page(), new Page()];
  join(known, ["a"], "5-0");
  join(strange, ["a"], "900-0");
  hello("7-0");
  for (const id of ["6-0", "7-0", "8-0"]) last().say("metrics", { id });
  assert.deepEqual(known.ids, ["6-0", "7-0", "8-0"]);
  assert.deepEqual(strange.types, ["hello", "gap", "metrics"]);
  assert.deepEqual([strange.events[1].reason, strange.events[1].before, strange.ids], ["unknown_id", "7-1", ["8-0"]]);
});

test("what the server itself says of a strange place is not said twice", (t) => {
  t.after(() => mock.timers.reset());
  const { join, last, hello } = stage();
  const page = new Page();
  join(page, ["a"], "900-0");
  hello("7-0", "gap");
  last().say("gap", { after: "0-0", before: "7-1", types: ["metrics"], reason: "unknown_id" });
  last().say("metrics", { id: "8-0" });
  assert.deepEqual(page.types, ["hello", "gap", "metrics"]);
});

test("a page that leaves harms none; when the last has left the stream ends", (t) => {
  t.after(() => mock.timers.reset());
  const { hub, join, last, hello } = stage();
  const [one, two] = [new Page(), new Page()];
  join(one, ["a"], "1-0");
  join(two, ["b"], "1-0");
  hello();
  hub.message(one, { do: "leave" });
  last().say("metrics", { id: "2-0" });
  assert.deepEqual(two.ids, ["2-0"]);
  assert.equal(last().closed, false);
  hub.message(two, { do: "leave" });
  assert.equal(last().closed, true);
});

test("a page that answers no beat is given nothing more, and hears so if it comes back", (t) => {
  t.after(() => mock.timers.reset());
  const { hub, join, pass, last, hello } = stage();
  const [here, frozen] = [new Page(), new Page()];
  join(here, ["a"], "1-0");
  join(frozen, ["b"], "1-0");
  hello();
  for (let second = 0; second < 25; second += 5) {
    pass(5000);
    last().say("heartbeat", { server_time: second });
    hub.message(here, { do: "here" });
  }
  last().say("metrics", { id: "2-0" });
  assert.deepEqual([here.ids, frozen.ids], [["2-0"], []]);
  hub.message(frozen, { do: "here" });
  assert.equal(frozen.told.at(-1)?.say, "lost");
  for (let second = 0; second < 40; second += 5) {
    pass(5000);
    last().say("heartbeat", { server_time: second });
    hub.message(here, { do: "here" });
  }
  assert.equal(last().url, "a|log,metrics,system|2-0");
});

test("a stream that breaks is told to all, and they go on where they were", (t) => {
  t.after(() => mock.timers.reset());
  const { join, pass, last, hello } = stage();
  const [one, two] = [new Page(), new Page()];
  join(one, ["a"], "1-0");
  join(two, ["b"], "1-0");
  hello();
  last().say("metrics", { id: "2-0" });
  last().say("error");
  for (const page of [one, two]) assert.equal(page.told.at(-1)?.phase, "waiting");
  pass(1000);
  assert.equal(last().url, "a,b|log,metrics,system|2-0");
  hello("3-0");
  for (const page of [one, two]) assert.deepEqual(page.types, ["hello", "metrics", "hello"]);
});

test("wishes too many for one stream are refused to the last, who can have one of its own", (t) => {
  t.after(() => mock.timers.reset());
  const { join, last } = stage();
  const many = (/** @type {string} */ name) => Array.from({ length: 150 }, (_, at) => `${name}${at}`);
  const [one, two] = [new Page(), new Page()];
  join(one, many("a"), "1-0");
  const { url } = last();
  join(two, many("b"), "1-0");
  assert.equal(two.told.at(-1)?.say, "full");
  assert.equal(last().url, url);
});

test("whatever happens to the stream and whoever comes and goes, each page has each event of its own once, in order", (t) => {
  t.after(() => mock.timers.reset());
  let seed = 7;
  const random = (/** @type {number} */ below) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  for (let run = 0; run < 40; run++) {
    const { hub, join, pass, last, hello } = stage();
    /** @type {string[]} */
    const log = [];
    /** @type {Map<Page, { from: string, had: string[] }>} */
    const pages = new Map();
    let sent = Infinity;
    const deliver = () => {
      for (; sent < log.length; sent++) if (!last().closed) last().say("metrics", { id: log[sent] });
    };
    for (let step = 0; step < 60; step++) {
      const what = random(6);
      const some = [...pages.keys()][random(pages.size || 1)];
      if (what < 2) log.push(`${log.length + 10}-0`);
      else if (what === 2) {
        const page = new Page();
        const from = log[Math.max(0, log.length - 1 - random(5))] ?? "1-0";
        pages.set(page, { from, had: [] });
        join(page, [`s${random(4)}`], from);
      } else if (what === 3 && some && pages.size > 1) {
        hub.message(some, { do: "leave" });
        pages.delete(some);
      } else if (what === 4) last()?.say("error");
      else if (what === 5) {
        for (const page of pages.keys()) hub.message(page, { do: "here" });
        pass(1000);
      }
      if (last() && !last().closed && random(2)) {
        const after = last().url.split("|").at(-1) ?? "";
        if (!(/** @type {any} */ (last()).begun)) {
          Object.assign(last(), { begun: true });
          hello(log.at(-1) ?? "0-0");
          sent = log.findIndex((id) => compareIds(id, after) > 0);
          if (sent < 0) sent = log.length;
        }
        deliver();
      }
    }
    for (const page of pages.keys()) hub.message(page, { do: "here" });
    for (let second = 0; second < 40; second++) {
      if (!(/** @type {any} */ (last() ?? { begun: true }).begun) && !last().closed) {
        const after = last().url.split("|").at(-1) ?? "";
        Object.assign(last(), { begun: true });
        hello(log.at(-1) ?? "0-0");
        sent = log.findIndex((id) => compareIds(id, after) > 0);
        if (sent < 0) sent = log.length;
      }
      deliver();
      for (const page of pages.keys()) hub.message(page, { do: "here" });
      pass(1000);
    }
    for (const [page, { from }] of pages) {
      assert.deepEqual(page.ids, log.filter((id) => compareIds(id, from) > 0), `run ${run}`);
    }
    mock.timers.reset();
  }
});
