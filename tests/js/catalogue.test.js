import assert from "node:assert/strict";
import { test } from "node:test";
import { Catalogue, isSelector, pieces, readSelector, wordsOf } from "../../static/js/catalogue.js";
import { parseSeries } from "../../static/js/series.js";

const HELP = { system_network_io_bytes_total: "Bytes that went through a network device.", system_load_1m: "Tasks that wanted to run." };

/** @param {string[]} texts */
const catalogue = (...texts) =>
  new Catalogue(texts.map((series) => {
    const { name, labels } = parseSeries(series);
    const type = name.endsWith("_total") ? "counter" : "gauge";
    return { series, name, labels, type, help: HELP[/** @type {keyof HELP} */ (name)] ?? "" };
  }));

const MACHINE = catalogue(
  'system_network_io_bytes_total{device="eth0",direction="receive",instance="a"}',
  'system_network_io_bytes_total{device="eth0",direction="transmit",instance="a"}',
  'system_network_io_bytes_total{device="eth10",direction="receive",instance="a"}',
  'system_network_io_bytes_total{device="eth2",direction="receive",instance="a"}',
  'system_load_1m{instance="a"}',
  'system_load_1m{instance="b"}',
  'payload_bytes{instance="a"}',
);

const names = (/** @type {{ name: string }[]} */ groups) => groups.map(({ name }) => name);

test("without a word all is listed, by name, and within a name as people count", () => {
  const all = MACHINE.search("  ");
  assert.deepEqual(names(all), ["payload_bytes", "system_load_1m", "system_network_io_bytes_total"]);
  assert.deepEqual(all[2]?.series.map(({ labels }) => labels["device"]), ["eth0", "eth0", "eth2", "eth10"]);
  assert.equal(MACHINE.size, 7);
});

test("every word must be found, in the name, a label, or the help; the best fit comes first", () => {
  assert.deepEqual(names(MACHINE.search("load")), ["system_load_1m", "payload_bytes"]);
  assert.deepEqual(names(MACHINE.search("SYSTEM load")), ["system_load_1m"]);
  assert.deepEqual(names(MACHINE.search("wanted to run")), ["system_load_1m"]);
  assert.deepEqual(MACHINE.search("load nothing"), []);
});

test("a label narrows to the series that have it, however it is written", () => {
  for (const question of ["network eth10", "network device=eth10", 'network {device="eth10"}', "io device = eth10"]) {
    const [group, ...others] = MACHINE.search(question);
    assert.equal(others.length, 0, question);
    assert.deepEqual(group?.series.map(({ labels }) => labels["device"]), ["eth10"], question);
    assert.equal(group?.all, 4);
  }
  assert.equal(MACHINE.search("network receive")[0]?.series.length, 3);
});

test("a series is chosen by the shortest selector that chooses no other", () => {
  const [network] = MACHINE.search("eth10");
  assert.equal(network?.series[0]?.selector, 'system_network_io_bytes_total{device="eth10",direction="receive"}');
  const [load] = MACHINE.search("load_1m");
  assert.deepEqual(load?.series.map(({ selector }) => selector), ['system_load_1m{instance="a"}', 'system_load_1m{instance="b"}']);
  // Without the machine's name the shorter one would choose the longer, too.
  const [odd] = catalogue('up{instance="a"}', 'up{instance="a",port="1"}').search("up");
  assert.deepEqual(odd?.series.map(({ selector }) => selector).sort(), ['up{instance="a",port="1"}', 'up{instance="a"}'].sort());
});

test("a selector finds what it chooses, with the units", () => {
  const selector = readSelector('system_*{device=~"eth.*"}') ?? readSelector('system_*{device="eth0"}');
  assert.ok(selector);
  assert.equal(MACHINE.chosen(selector)[0]?.series[0]?.labels["device"], "eth0");
  assert.equal(MACHINE.covered(["system_load_1m", 'system_load_1m{instance="a"}', "nothing{", "none"]).length, 2);
  assert.equal(MACHINE.unitOf("system_network_io_bytes_total{device=\"eth0\"}"), "bytes/s");
  assert.equal(MACHINE.unitOf("payload_*"), "bytes");
  assert.equal(MACHINE.unitOf("unheard_of_seconds"), "seconds");
  assert.equal(MACHINE.unitOf("none*"), "");
});

test("a selector is told from words", () => {
  for (const text of ["system_*", "*", 'up{a="b"}', '{a="b"}', " up{} "]) assert.ok(isSelector(text), text);
  for (const text of ["system", "cpu user", "device=eth0", "{half", "5 * 3"]) assert.ok(!isSelector(text), text);
  assert.equal(readSelector("no selector"), null);
});

test("what was found is shown within its text", () => {
  assert.deepEqual(wordsOf('CPU {mode="user"}'), ["cpu", "mode=user"]);
  assert.deepEqual(pieces("system_cpu", ["cpu", "sys"]), [{ text: "sys", hit: true }, { text: "tem_", hit: false }, { text: "cpu", hit: true }]);
  assert.deepEqual(pieces("aaa", ["aa"]), [{ text: "aaa", hit: true }]);
  assert.deepEqual(pieces("", ["a"]), []);
});

test("ten thousand series are searched while one types", () => {
  const many = catalogue(...Array.from({ length: 10_000 }, (_, at) => `app_${at % 500}_requests_total{instance="m${at % 50}",route="/r/${at}"}`));
  const begun = process.cpuUsage();
  for (const question of ["a", "ap", "app_49", "route=/r/9", "m7 requests", "nothing at all"]) many.search(question);
  const { user, system } = process.cpuUsage(begun);
  assert.ok(user + system < 1_500_000, "microseconds of its own, however busy the machine is");
});
