import assert from "node:assert/strict";
import { test } from "node:test";
import { Trim } from "../../static/js/trim.js";

const event = (/** @type {Record<string, number>} */ samples) => /** @type {any} */ ({ type: "metrics", id: "1-0", resource: { instance: "x" }, samples });

test("an event keeps the samples that one of the selectors chooses, by both label sets", () => {
  const trim = new Trim(['a{b="1"}', 'c{instance="x"}']);
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(trim.metrics(event({ 'a{b="1"}': 1, 'a{b="2"}': 2, c: 3, d: 4 }))?.samples, { 'a{b="1"}': 1, c: 3 });
  }
});

test("an event of which nothing is left is none", () => assert.equal(new Trim(["z"]).metrics(event({ a: 1 })), null));

test("without selectors all is wanted", () => assert.deepEqual(new Trim([]).metrics(event({ a: 1 }))?.samples, { a: 1 }));

test("what only the server can read is an error", () => assert.throws(() => new Trim(['a{b=~"(x+)+"}']), SyntaxError));
