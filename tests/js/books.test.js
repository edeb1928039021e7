import assert from "node:assert/strict";
import { test } from "node:test";
import { Chronicle } from "../../static/js/chronicle.js";
import { ServerClock } from "../../static/js/clock.js";
import { wordsAt } from "../../static/js/marks.js";
import { Notices } from "../../static/js/notices.js";
import { Taskbook } from "../../static/js/taskbook.js";

const task = (/** @type {string} */ id, /** @type {any} */ more = {}) =>
  /** @type {any} */ ({ id, type: "task", timestamp: 50, source: "vm/a", resource: { instance: "vm" }, task: "t", state: "running", interval: 5, started_at: 10, ...more });
const system = (/** @type {string} */ id, /** @type {string} */ event, /** @type {any} */ more = {}) =>
  /** @type {any} */ ({ id, type: "system", timestamp: 100, source: "vm/dashboard", event, ...more });
const notice = (/** @type {number} */ at) => /** @type {any} */ ({ id: `${at}-0`, type: "notification", timestamp: 1, source: "vm/a", title: "n", level: "info" });

function taskbook() {
  const clock = new ServerClock(() => 60_000);
  clock.anchor(0);
  return new Taskbook(clock);
}

test("of a task the newest state is known, whatever comes late", () => {
  const book = taskbook();
  assert.equal(book.take(task("2-0", { message: "new" })), true);
  assert.equal(book.take(task("1-0", { message: "old" })), false);
  assert.equal(book.take(task("2-0", { message: "again" })), false);
  assert.equal(book.ranked()[0]?.task.message, "new");
  assert.equal(book.ranked()[0]?.born, 50_000);
  book.take(task("3-0", { resource: { instance: "other" } }));
  assert.equal(book.tasks.size, 2, "the same name on another machine is another task");
});

test("running ones come first, then what ended last; beyond two hundred the last goes", () => {
  const book = taskbook();
  book.take(task("1-0", { task: "done", state: "completed", ended_at: 40 }));
  book.take(task("2-0", { task: "failed", state: "failed", ended_at: 45 }));
  book.take(task("3-0", { task: "early", started_at: 1 }));
  book.take(task("4-0", { task: "late", started_at: 2 }));
  assert.deepEqual(book.ranked().map(({ task: { task: name } }) => name), ["late", "early", "failed", "done"]);
  for (let at = 0; at < 300; at++) book.take(task(`${at + 10}-0`, { task: `more ${at}` }));
  assert.equal(book.tasks.size, 200);
  assert.ok(!book.tasks.has("vm/done"));
});

test("happenings are in people's words, the newest first, each once; what pages fetch again is none", () => {
  const book = new Chronicle(() => 200);
  book.take(system("1-0", "start", { message: "dashboard 1.2 started." }));
  book.take(system("3-0", "collector_failed", { collector: "disks", message: "it hangs" }));
  book.take(system("2-0", "not_stored", { ids: ["1-0", "1-1"] }));
  assert.equal(book.take(system("3-0", "collector_failed", { collector: "disks", message: "it hangs" })), false);
  assert.equal(book.take(system("4-0", "changed", { what: "boards" })), false);
  book.take(system("5-0", "of_a_later_version", { message: "well" }));
  assert.deepEqual(book.happenings.map(({ shape, tone, text }) => `${shape} ${tone} ${text}`), [
    "◇ calm of a later version: well", "△ bad collector disks has trouble: it hangs", "△ bad not kept on disk", "● calm dashboard 1.2 started",
  ]);
});

test("happenings are bounded, and older ones than a day are not told", () => {
  const book = new Chronicle(() => 200_000);
  book.take(system("1-0", "start", { timestamp: 100_000 }));
  for (let at = 2; at < 100; at++) book.take(system(`${at}-0`, "high_load", { timestamp: 199_000 }));
  assert.equal(book.happenings.length, 50);
  assert.equal(book.past, "/api/v1/system?limit=200");
  book.take(system("100-0", "stop", { timestamp: 1 }));
  assert.equal(book.recent().length, 49);
});

test("that nothing is stored stays before all else until it is over, or another run tells anew", () => {
  const book = new Chronicle(() => 200_000);
  const first = () => book.recent()[0]?.text;
  book.take(system("2-0", "storing_stopped", { message: "the disk is full", timestamp: 1 }));
  for (let at = 3; at < 100; at++) book.take(system(`${at}-0`, "high_load", { timestamp: 199_000 }));
  book.take(system("1-0", "storing_resumed", { message: "For 9 s they were not", timestamp: 1 }));
  assert.equal(first(), "points and logs are not stored: the disk is full");
  assert.equal(new Set(book.recent().map(({ id }) => id)).size, book.recent().length);
  book.take(system("100-0", "storing_resumed", { message: "For 7 s they were not: the disk is full", timestamp: 199_999 }));
  assert.equal(first(), "points and logs are stored again: For 7 s they were not: the disk is full");
  book.take(system("101-0", "storing_stopped", { timestamp: 199_999 }));
  book.take(system("102-0", "start", { message: "dashboard 2 started.", timestamp: 200_000 }));
  assert.equal(first(), "dashboard 2 started");
});

test("near a mark a chart's moment says what happened", () => {
  const book = new Chronicle(() => 200);
  book.take(system("1-0", "collector_failed", { collector: "disks", timestamp: 100 }));
  const moment = /** @type {any} */ ({ marks: book.happenings, range: 900 });
  assert.equal(wordsAt(moment, 104), "△ collector disks has trouble");
  assert.equal(wordsAt(moment, 120), "");
});

/** A browser's storage; none, where a browser gives none. */
function shelf() {
  const kept = new Map();
  return { getItem: (/** @type {string} */ key) => kept.get(key) ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ value) => void kept.set(key, value), kept };
}

test("what was read stays read, in other tabs and after a reload; all can be read at once", () => {
  const storage = shelf();
  const [one, other] = [new Notices(() => storage), new Notices(() => storage)];
  for (const book of [one, other]) for (const at of [3, 1, 2]) book.take(notice(at), false);
  assert.deepEqual(one.notices.map(({ id }) => id), ["3-0", "2-0", "1-0"]);
  one.read(notice(2));
  other.recall();
  assert.deepEqual([one.unread, other.unread], [2, 2]);
  other.readAll();
  one.recall();
  assert.equal(one.unread, 0);
  one.take(notice(4), false);
  assert.equal(one.unread, 1);
  assert.deepEqual(JSON.parse(storage.kept.get("notices-read")), { upto: "3-0", marks: [] });
});

test("notices and their marks are bounded, and a browser that keeps nothing does no harm", () => {
  const forbidden = () => {
    throw new Error("no storage");
  };
  const book = new Notices(forbidden);
  for (let at = 1; at <= 500; at++) {
    book.take(notice(at), false);
    book.read(notice(at));
  }
  assert.deepEqual([book.notices.length, book.marks.size, book.unread], [100, 200, 0]);
  const storage = shelf();
  storage.setItem("notices-read", "{not json");
  assert.equal(new Notices(() => storage).upto, "0-0");
});
