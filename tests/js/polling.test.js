import assert from "node:assert/strict";
import { test } from "node:test";
import { Polling } from "../../static/js/polling.js";

/**
 * A stream made of these answers, then silence; all that it says until it is closed.
 * @param {(object | Error)[]} answers
 */
function polled(answers) {
  /** @type {string[]} */
  const asked = [];
  /** @type {[string, any][]} */
  const said = [];
  /** @type {(value?: unknown) => void} */
  let finish = () => {};
  const done = new Promise((resolve) => (finish = resolve));
  const stream = new Polling("/root/api/v1/events?match=a%7Bb%3D%22c%22%7D&types=metrics&after=5-0", 2, async (address, signal) => {
    asked.push(address);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    if (answer) return /** @type {any} */ (answer);
    finish();
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  for (const type of ["hello", "heartbeat", "metrics", "gap", "error"]) {
    stream.addEventListener(type, ({ type: name, data }) => {
      said.push([name, data]);
      if (name === "error") finish();
    });
  }
  return { stream, asked, said, done };
}

const hello = { type: "hello", server_time: 7 };

test("answers make one stream: one hello, each question from where the last answer ended", async () => {
  const { stream, asked, said, done } = polled([
    { events: [hello, { type: "metrics", id: "6-0" }], last: "6-0" },
    { events: [hello, { type: "gap", after: "6-0" }, { type: "metrics", id: "8-0" }], last: "9-2" },
  ]);
  await done;
  stream.close();
  assert.deepEqual(said.map(([type]) => type), ["hello", "metrics", "heartbeat", "gap", "metrics"]);
  assert.deepEqual(said[2]?.[1], { type: "heartbeat", server_time: 7 });
  const queries = asked.map((address) => Object.fromEntries(new URLSearchParams(address.split("?")[1])));
  assert.deepEqual(queries.map(({ after }) => after), ["5-0", "6-0", "9-2"]);
  assert.deepEqual(queries[0], { match: 'a{b="c"}', types: "metrics", after: "5-0", wait: "2" });
  assert.ok(asked.every((address) => address.startsWith("/root/api/v1/events?")));
});

test("a question without a good answer is an error, like a stream that breaks", async () => {
  const { said, done } = polled([new Error("HTTP 504")]);
  await done;
  assert.deepEqual(said.map(([type]) => type), ["error"]);
});

test("once closed it says nothing more", async () => {
  const { stream, said } = polled([{ events: [hello], last: "" }]);
  stream.close();
  await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(said, []);
});
