import assert from "node:assert/strict";
import { test } from "node:test";
import { chartsOf, MOST, placed, readChoice, titleOf, writeChoice } from "../../static/js/choice.js";
import { unitOf } from "../../static/js/format.js";

test("an address holds the selectors and how they are drawn, and keeps what others put there", () => {
  const choice = readChoice('?match=up%7Ba%3D%22b%22%7D&match=up%7Ba%3D%22b%22%7D&match=+&match=load&kind=area&range=1h');
  assert.deepEqual(choice, { selectors: ['up{a="b"}', "load"], kind: "area", stack: false });
  const href = writeChoice("http://x/explore?range=1h&match=old&stack=1#panel", { ...choice, selectors: ['c{d="&#+é"}'] });
  assert.deepEqual(readChoice(new URL(href).search), { ...choice, selectors: ['c{d="&#+é"}'] });
  assert.equal(new URL(href).searchParams.get("range"), "1h");
  assert.equal(new URL(href).hash, "#panel");
  assert.equal(writeChoice(href, { selectors: [], kind: "line", stack: false }), "http://x/explore?range=1h#panel");
});

test("what is stacked are areas; an address has its bounds", () => {
  const { kind, stack } = readChoice("?stack=1&kind=line");
  assert.deepEqual({ kind, stack }, { kind: "area", stack: true });
  const many = new URLSearchParams(Array.from({ length: 500 }, (_, at) => ["match", `m${at}`]));
  assert.equal(readChoice(`?${many}`).selectors.length, MOST);
});

test("each unit has a chart, in the order in which they were chosen; what finds none goes to the last", () => {
  const unit = (/** @type {string} */ text) => unitOf(text);
  const selectors = ["a_bytes", "b_seconds", "c_bytes", "d_ratio", "e_celsius"];
  assert.deepEqual(chartsOf(selectors, unit, 3), [
    { unit: "bytes", selectors: ["a_bytes", "c_bytes"] },
    { unit: "seconds", selectors: ["b_seconds"] },
    { unit: "ratio", selectors: ["d_ratio", "e_celsius"] },
  ]);
  assert.deepEqual(chartsOf([], unit, 3), []);
});

test("a chart stays where it is when others come and go", () => {
  const bytes = { unit: "bytes", selectors: ["a", "c"] };
  const seconds = { unit: "seconds", selectors: ["b"] };
  assert.deepEqual(placed([seconds, bytes], [["a"], [], []]), [bytes, seconds, null]);
  assert.deepEqual(placed([seconds], [["a"], ["b"], []]), [null, seconds, null]);
  assert.deepEqual(placed([bytes], [[], [], []]), [bytes, null, null]);
  assert.deepEqual(placed([], [["a"]]), [null]);
});

test("a chart is called by what it shows", () => {
  assert.equal(titleOf(['up{a="b"}', 'up{a="c"}', "load"]), "up, load");
  assert.equal(titleOf(["a", "b", "c", "d"]), "a, b and 2 more");
  assert.equal(titleOf(['{a="b"}']), '{a="b"}');
});
