import assert from "node:assert/strict";
import { test } from "node:test";
import { Refused } from "../../static/js/api.js";
import { Chronicle } from "../../static/js/chronicle.js";
import { Logbook } from "../../static/js/logbook.js";
import { News, typesOf } from "../../static/js/news.js";
import { Notices } from "../../static/js/notices.js";
import { NO_PANEL } from "../../static/js/protocol.js";

const hello = (resume = "resumed", newest = "1000-0") =>
  /** @type {any} */ ({ type: "hello", server_time: 1, resume, newest });
const notice = (/** @type {string} */ id) => /** @type {any} */ ({ id, type: "notification", timestamp: 1, source: "vm/a", title: id, level: "info" });
const line = (/** @type {string} */ id, message = id) =>
  /** @type {any} */ ({ id, type: "log", timestamp: 1, source: "vm/a", resource: {}, level: "info", message });
const settled = () => new Promise((done) => setImmediate(done));

/** A newsroom whose server answers with these; a number is refused with that status. */
function open(/** @type {Record<string, any>} */ answers) {
  /** @type {string[]} */
  const asked = [];
  const api = /** @type {any} */ ({
    get: async (/** @type {string} */ path) => {
      asked.push(path);
      const [, answer] = Object.entries(answers).find(([part]) => path.includes(part)) ?? [];
      if (typeof answer === "number") throw new Refused(answer);
      return { json: async () => answer };
    },
  });
  const books = { log: [new Logbook({})], task: [], notification: [new Notices(() => null)], system: [new Chronicle(() => 0)] };
  const news = new News(api, []);
  news.open(books, () => {});
  return { api, news, books, asked };
}

test("a page asks for the types that its board shows", () => {
  const panels = (/** @type {string[]} */ ...kinds) => kinds.map((kind) => ({ ...NO_PANEL, kind }));
  assert.deepEqual(typesOf(panels("line")), ["metrics", "notification", "system"]);
  assert.deepEqual(typesOf(panels("log", "line")), ["metrics", "notification", "system", "log"]);
  assert.deepEqual(typesOf(panels("tasks", "processes")), ["metrics", "notification", "system", "processes", "task"]);
});

test("the past is asked for when the stream has begun, and nothing is there twice", async () => {
  const { news, books, asked } = open({ logs: { as_of: "3-0", result: [line("3-0"), line("1-0")] }, notifications: { result: [] }, system: { result: [] } });
  assert.deepEqual(asked, []);
  news.hello(hello());
  news.take(line("3-0"));
  news.take(line("4-0"));
  await settled();
  assert.deepEqual(books.log[0]?.entries.map(({ id }) => id), ["1-0", "3-0", "4-0"]);
  assert.equal(asked.length, 3);
  news.hello(hello());
  await settled();
  assert.equal(asked.length, 3, "a stream that goes on needs no past");
  news.hello(hello("gap"));
  assert.equal(asked.length, 6);
});

test("a past that cannot be had is asked for again, unless the server has none", async () => {
  const answers = /** @type {Record<string, any>} */ ({ logs: 503, notifications: 404, system: 403 });
  const { news, books, asked } = open(answers);
  news.retry();
  assert.deepEqual(asked, [], "before the stream has begun");
  news.hello(hello());
  await settled();
  assert.deepEqual([books.log[0]?.filled, books.notification[0]?.filled, books.log[0]?.settled], [false, true, true]);
  answers["logs"] = { result: [line("1-0")] };
  news.retry();
  await settled();
  assert.equal(asked.length, 4);
  assert.equal(books.log[0]?.entries.length, 1);
});

test("only what came after the page was opened is fresh", async () => {
  const { news, books } = open({ logs: 404, system: 404, notifications: { result: [notice("2000-0"), notice("900-0")] } });
  /** @type {string[]} */
  const fresh = [];
  const [book] = books.notification;
  if (book) book.onFresh = ({ id }) => fresh.push(id);
  news.hello(hello("resumed", "1000-0"));
  await settled();
  assert.deepEqual(fresh, ["2000-0"]);
  news.hello(hello("gap", "5000-0"));
  await settled();
  news.take(notice("2000-0"));
  news.take(notice("4000-0"));
  assert.deepEqual(fresh, ["2000-0", "4000-0"], "what was missed during an outage is news, once");
});

test("while the log is empty its newest id is now", () => {
  const { news } = open({ logs: 404, system: 404, notifications: 404 });
  news.hello(/** @type {any} */ ({ resume: "fresh", newest: "", server_time: 12.5 }));
  assert.equal(news.begin, "12500-0");
});

test("what comes before there are books is held, and the past is asked for once there are", async () => {
  const { api, books, asked } = open({ logs: { result: [line("1-0")] }, system: 404, notifications: 404 });
  const news = new News(api, []);
  news.hello(hello());
  for (const id of ["1-0", "2-0"]) news.take(line(id));
  news.take(/** @type {any} */ ({ type: "metrics", id: "3-0" }));
  assert.deepEqual([asked.length, news.held?.length], [0, 2]);
  news.open(books, () => {});
  await settled();
  assert.deepEqual(books.log[0]?.entries.map(({ id }) => id), ["1-0", "2-0"]);
  for (let at = 0; at < 600; at++) news.take(line(`${at + 10}-0`));
  assert.equal(news.held, null);
});
