import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Api } from "../../static/js/api.js";

/**
 * A server that answers bit by bit, as the test says; the clock is set by hand.
 * @param {import("node:test").TestContext} context
 */
function slowServer(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const body = new TransformStream();
  const writer = body.writable.getWriter();
  context.mock.method(globalThis, "fetch", async (/** @type {string} */ _, /** @type {{ signal: AbortSignal }} */ { signal }) => {
    signal.addEventListener("abort", () => void writer.abort(signal.reason).catch(() => {}));
    return new Response(body.readable);
  });
  return {
    /** @param {string} text */
    send: (text) => writer.write(new TextEncoder().encode(text)),
    end: () => writer.close(),
    /** @param {number} milliseconds */
    async pass(milliseconds) {
      for (let turn = 0; turn < 5; turn++) await setImmediate();
      context.mock.timers.tick(milliseconds);
    },
  };
}

test("an answer that has begun may take long to its end", async (context) => {
  const server = slowServer(context);
  const answer = new Api("").get("/api/v1/query_range").then((response) => response.json());
  for (const text of ["[1", ",2", ",3", ",4", "]"]) {
    await server.pass(7000);
    await server.send(text);
  }
  await server.end();
  assert.deepEqual(await answer, [1, 2, 3, 4]);
});

test("an answer that does not begin, or does not end, is given up", async (context) => {
  const server = slowServer(context);
  const begun = new Api("").get("/api/v1/query_range").then((response) => response.json());
  const endless = assert.rejects(begun, { name: "TimeoutError" });
  await server.pass(7000);
  await server.send("[1");
  await server.pass(60_000);
  await endless;
  context.mock.method(globalThis, "fetch", (/** @type {string} */ _, /** @type {{ signal: AbortSignal }} */ { signal }) => {
    return new Promise((__, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  const mute = assert.rejects(new Api("").get("/api/v1/status", 4000), { name: "TimeoutError" });
  await server.pass(4000);
  await mute;
});
