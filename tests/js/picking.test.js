import assert from "node:assert/strict";
import { test } from "node:test";
import { Catalogue } from "../../static/js/catalogue.js";
import { dropped, narrowest, picked } from "../../static/js/picking.js";
import { parseSeries } from "../../static/js/series.js";

const texts = ["eth0", "eth1", "lo"].flatMap((device) =>
  ["in", "out"].map((direction) => `net_bytes_total{device="${device}",direction="${direction}",instance="a"}`),
);
const catalogue = new Catalogue([...texts, 'load{instance="a"}'].map((series) => ({ series, ...parseSeries(series) })));

const [all] = catalogue.search("net");
assert.ok(all);

/** @param {string} question */
const choose = (question) => {
  const [group] = catalogue.search(question);
  assert.ok(group);
  return narrowest(catalogue, group);
};

test("what is listed is chosen by one selector where one says just that", () => {
  assert.deepEqual(choose("net"), ["net_bytes_total"]);
  assert.deepEqual(choose("net direction=in"), ['net_bytes_total{direction="in"}']);
  assert.deepEqual(choose("net eth0 out"), ['net_bytes_total{device="eth0",direction="out"}']);
  const some = { ...all, series: all.series.filter(({ labels }) => labels["device"] !== "lo" && labels["direction"] === "in") };
  assert.deepEqual(narrowest(catalogue, some), some.series.map(({ selector }) => selector));
});

test("what chose a part of what is added goes, all else stays in its order", () => {
  const before = ['net_bytes_total{device="lo",direction="in"}', "load", "unheard_of"];
  assert.deepEqual(picked(catalogue, before, ["net_bytes_total"]), ["load", "unheard_of", "net_bytes_total"]);
  assert.deepEqual(picked(catalogue, ["net_bytes_total"], ['net_bytes_total{device="lo"}']), ["net_bytes_total", 'net_bytes_total{device="lo"}']);
  assert.deepEqual(picked(catalogue, ["load"], ["load"]), ["load"]);
});

test("one series can be taken out of many that were chosen at once", () => {
  const [first, ...others] = all.series;
  assert.ok(first);
  assert.deepEqual(dropped(catalogue, ["load", "net_bytes_total"], [first]), ["load", ...others.map(({ selector }) => selector)]);
  assert.deepEqual(dropped(catalogue, ["load"], all.series), ["load"]);
  assert.deepEqual(dropped(catalogue, ["net_*", first.selector], all.series), []);
});
