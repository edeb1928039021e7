import assert from "node:assert/strict";
import { test } from "node:test";
import { Logbook } from "../../static/js/logbook.js";

const line = (/** @type {string} */ id, /** @type {any} */ more = {}) =>
  /** @type {any} */ ({ id, type: "log", timestamp: 1, source: "vm/a", resource: {}, level: "info", message: "m", ...more });
const gap = (/** @type {string} */ after, /** @type {string} */ before) =>
  /** @type {any} */ ({ type: "gap", after, before, types: ["log"], reason: "retention" });

test("lines stand in the order of their ids, each once, however they come", () => {
  const book = new Logbook({});
  for (const id of ["3-0", "1-0", "2-5", "2-11", "3-0", "1-0"]) book.take(line(id));
  assert.deepEqual(book.entries.map(({ id }) => id), ["1-0", "2-5", "2-11", "3-0"]);
  assert.equal(book.arrived, 4);
});

test("a gap stands where its lines would, once", () => {
  const book = new Logbook({});
  for (const id of ["1-0", "9-0"]) book.take(line(id));
  book.gap(gap("1-0", "9-0"));
  book.gap(gap("1-0", "9-0"));
  assert.deepEqual(book.entries.map(({ kind }) => kind), ["line", "gap", "line"]);
});

test("it holds the newest thousand, and a million characters", () => {
  const book = new Logbook({});
  for (let at = 1; at <= 1500; at++) book.take(line(`${at}-0`));
  assert.deepEqual([book.entries.length, book.entries[0]?.id, book.arrived], [1000, "501-0", 1500]);
  assert.equal(book.take(line("1-0")), false);
  for (let at = 2001; at <= 2400; at++) book.take(line(`${at}-0`, { message: "x".repeat(8192) }));
  assert.equal(book.entries.length, 122);
  assert.equal(book.entries.at(-1)?.id, "2400-0");
});

test("the settings of the panel choose: level, logger and those below it, text", () => {
  const book = new Logbook({ level: "warning", logger: "shop", contains: "Timeout" });
  assert.equal(book.past, "/api/v1/logs?limit=200&level=warning&text=Timeout");
  assert.equal(new Logbook({}).past, "/api/v1/logs?limit=200");
  const taken = [
    { level: "error", logger: "shop.payment", message: "a TIMEOUT" }, { level: "warning", logger: "shop", message: "timeout" },
    { level: "info", logger: "shop", message: "timeout" }, { level: "error", logger: "shopping", message: "timeout" },
    { level: "error", message: "timeout" }, { level: "critical", logger: "shop", message: "other" },
  ].map((more, at) => book.take(line(`${at + 1}-0`, more)));
  assert.deepEqual(taken, [true, true, false, false, false, false]);
});
