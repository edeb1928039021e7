import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused } from "../../static/js/api.js";
import { absence, refusal } from "../../static/js/absence.js";
import { NO_PANEL } from "../../static/js/protocol.js";
import { Selection } from "../../static/js/selection.js";
import { learn } from "../../static/js/selector.js";
import { Truth } from "../../static/js/truth.js";

await learn(["~"]);

const connection = /** @type {any} */ ({ phase: "open" });
const collector = (/** @type {string} */ name, /** @type {string} */ state, /** @type {string[]} */ ...families) => ({
  name, source: `vm/${name}`, state, error: `${name} broke`, families, interval: families.length ? 1 : null, since: 0,
});

/** @param {ReturnType<typeof collector>[]} collectors */
function truth(...collectors) {
  const asked = told("line", ...collectors);
  return (/** @type {string[]} */ ...selectors) => asked(0, ...selectors);
}

/**
 * What a panel says at a time, in the server's seconds.
 * @param {string} kind
 * @param {ReturnType<typeof collector>[]} collectors
 */
function told(kind, ...collectors) {
  const clock = { now: () => 0 };
  const made = new Truth(connection, /** @type {any} */ ({ lines: new Map(), clock, wanted: 900 }), "1");
  made.adopt(/** @type {any} */ ({ collectors }));
  return (/** @type {number} */ now, /** @type {string[]} */ ...selectors) => {
    clock.now = () => now;
    return absence(made, kind, new Selection(selectors));
  };
}

test("an empty panel names only the failing collectors that may feed it", () => {
  const absence = truth(collector("raiser", "failed", "raised"), collector("disks", "late", "system_disk_io_bytes_total"));
  assert.doesNotMatch(absence("orders_open"), /raiser|disks/);
  assert.match(absence("orders_open"), /push/);
  assert.equal(absence('raised{a="b"}'), "No data. Failing now: collector raiser: raiser broke.");
  assert.match(absence("system_disk*"), /disks/);
  assert.match(absence('{__name__=~"rai.*"}'), /raiser/);
});

test("collectors that could not be loaded are counted, for nobody knows what they would give", () => {
  const broken = Array.from({ length: 14 }, (_, at) => collector(`broken${at}`, "failed"));
  assert.match(truth(...broken)("orders_open"), /this machine has no such thing\. 14 collectors do not load: see the page “Status”\.$/);
  assert.match(truth(collector("broken", "failed"))("orders_open"), /1 collector does not load/);
  assert.equal(truth(collector("disks", "failed", "io"), ...broken)("io"), "No data. Failing now: collector disks: disks broke.");
});

test("what failing collectors say is told in brief", () => {
  const many = Array.from({ length: 5 }, (_, at) => ({ ...collector(`c${at}`, "failed", "io"), error: "x".repeat(10_000) }));
  const text = truth(...many)("io");
  assert.ok(text.length < 400, text);
  assert.match(text, /collector c0: x+…; collector c1: x+…; and 3 more\.$/);
});

test("what needs two samples says when the second comes, until it should have", () => {
  const disks = { ...collector("disks", "ok", "io_bytes_total", "busy_ratio"), interval: 60, since: 1000.2 };
  const [lines, processes] = [told("line", disks), told("processes", { ...disks, name: "processes" })];
  assert.match(lines(1001, "io_bytes_total"), /needs two samples; the next comes in 19\u00a0s\./);
  assert.match(processes(1001), /needs two samples; the next comes in 19\u00a0s\./);
  assert.match(lines(1021, "io_bytes_total"), /the next comes in 1\u00a0s/);
  assert.match(lines(1030, "io_bytes_total"), /nothing has sent this/);
  assert.match(lines(1001, "busy_ratio"), /nothing has sent this/);
  assert.match(told("line", { ...disks, state: "waiting" })(1001, "io_bytes_total"), /needs two samples/);
});

test("for how long nothing came is told as far as it is known: what came before the start is forgotten", () => {
  const says = told("line", { ...collector("disks", "ok", "io"), since: 1500 }, { ...collector("cpu", "ok", "cpu"), since: 1000 });
  assert.match(says(1040, "orders"), /^No data: nothing has sent this since the dashboard started, 40\u00a0s ago, or this machine/);
  assert.match(says(1000 + 250, "orders"), /started, 4\u00a0min ago,/);
  assert.match(says(1000 + 5000, "orders"), /nothing has sent this in the last 15\u00a0min, or/);
  assert.match(told("line")(1, "orders"), /nothing has sent this since the dashboard started, or/);
});

test("a selector that the server refuses says why in plain words", () => {
  const refused = new Map([["odd", new Refused(400, { message: "odd" })]]);
  refused.set("wide", new Refused(400, { message: "step: too much", series: 19_933, max_series: 1666 }));
  const told = (/** @type {string[]} */ ...series) => refusal(refused, { spec: { ...NO_PANEL, series }, left: 0, lines: new Set() });
  assert.equal(told("load"), "");
  assert.equal(told("load", "wide"), "wide chooses 19,933 series; at most 1,666 can be drawn: narrow its selector.");
  assert.equal(told("odd"), "The server does not give this: odd");
});
