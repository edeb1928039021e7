import assert from "node:assert/strict";
import { test } from "node:test";
import { Line } from "../../static/js/line.js";
import { NO_PANEL } from "../../static/js/protocol.js";
import { parseSeries } from "../../static/js/series.js";
import { worstOf } from "../../static/js/worst.js";

const THRESHOLDS = [{ above: 0.85, severity: "warning" }, { above: 0.95, severity: "critical" }];

/**
 * @param {string} series
 * @param {number} value
 */
function line(series, value, born = 0) {
  const made = new Line(series, parseSeries(series), 1, 10);
  made.declared = 1;
  made.value = value;
  made.born = born;
  return made;
}

/**
 * @param {Line[]} lines
 * @param {Partial<import("../../static/js/protocol.js").PanelSpec>} spec
 */
const panel = (lines, spec = {}) => ({ spec: { ...NO_PANEL, id: "disk", title: "Disk", kind: "bar", legend: "{mountpoint}", thresholds: THRESHOLDS, ...spec }, lines });

const full = (/** @type {number} */ value, where = "/") => line(`fs_ratio{mountpoint="${where}"}`, value);

const MACHINE = ["system_cpu_total_utilization_ratio", "system_memory_utilization_ratio", 'system_filesystem_utilization_ratio{mountpoint="/"}'];

test("below all thresholds is calm, all of it only where the machine's own are judged; without thresholds nothing is said", () => {
  const machine = MACHINE.map((series) => panel([line(series, 0.5)]));
  assert.deepEqual(worstOf(machine, [], 100), { severity: "", text: "All calm", problems: [] });
  assert.equal(worstOf(machine.slice(1), [], 100).text, "Calm: Disk, Disk");
  assert.equal(worstOf([panel([full(0.5)])], [], 100).text, "Calm: Disk");
  assert.equal(worstOf([panel([full(0.5)]), panel([])], [], 100).text, "Calm: Disk");
  const three = ["/a", "/b", "/c"].map((where) => panel([full(0.5, where)]));
  assert.equal(worstOf(three, [], 100).text, "Calm: the 3 panels with thresholds");
  assert.deepEqual(worstOf([], [], 100), { severity: "", text: "", problems: [] });
});

test("the worst names its panel, which of several it is, and its value; the next worst follows", () => {
  const judged = [panel([full(0.9), full(0.97, "/data"), full(0.2, "/boot")])];
  const { severity, problems } = worstOf(judged, [], 100);
  assert.equal(severity, "critical");
  assert.deepEqual(problems, [{ text: "Disk /data 97.0\u00a0%", panel: "disk" }, { text: "Disk / 90.0\u00a0%", panel: "disk" }]);
});

test("a line that two panels show counts once", () => {
  const same = full(0.9);
  assert.deepEqual(worstOf([panel([same], { kind: "stat", title: "Fullest disk" }), panel([same])], [], 100).problems.map(({ text }) => text), ["Fullest disk / 90.0\u00a0%"]);
});

test("a figure of many lines is judged as it is shown: amounts add up", () => {
  const lines = [line('io_bytes{device="a"}', 60), line('io_bytes{device="b"}', 60)];
  const spec = { kind: "stat", title: "Network", legend: "", thresholds: [{ above: 100, severity: "warning" }] };
  const spread = { ...spec, legend: "{device}" };
  assert.equal(worstOf([panel(lines, spread)], [], 100).text, "Calm: Network");
  assert.equal(worstOf([panel(lines, { ...spec, legend: "all" })], [], 100).problems[0]?.text, "Network all 120\u00a0B");
});

test("what is old is never called well", () => {
  const judged = [panel([line('fs_ratio{mountpoint="/"}', 0.1, -10_000)])];
  assert.equal(worstOf(judged, [], 100).severity, "unknown");
  assert.equal(worstOf([panel([full(0.1), line('fs_ratio{mountpoint="/old"}', 0.1, -10_000)])], [], 100).text, "Calm, as far as is known");
  const bad = panel([full(0.1), line('fs_ratio{mountpoint="/old"}', 0.97, -10_000)]);
  const { severity, text } = worstOf([bad], [], 100);
  assert.deepEqual([severity, text.startsWith("Not known: Disk"), text.endsWith("97.0\u00a0% when last heard of")], ["unknown", true, true]);
});

test("a collector that fails or is late is a warning, told as what it is, below what is critical", () => {
  const failed = [{ name: "disks", error: "it hangs" }, { name: "cpu", error: "it takes 3 s", late: true }];
  const { severity, problems } = worstOf([panel([full(0.9)])], failed, 100);
  assert.equal(severity, "warning");
  assert.deepEqual(problems.map(({ text }) => text), ["Collector disks fails", "Collector cpu is late", "Disk / 90.0\u00a0%"]);
  assert.equal(worstOf([panel([full(0.99)])], failed, 100).severity, "critical");
});

test("settings with a fault, and a panel that cannot be shown, are never called calm", () => {
  const machine = MACHINE.map((series) => panel([line(series, 0.5)]));
  const { severity, text, problems } = worstOf(machine, [], 100, true);
  assert.deepEqual([severity, text, problems], ["warning", "", [{ text: "The settings have a fault", panel: "" }]]);
  assert.equal(worstOf([], [], 100, true).severity, "warning");
  assert.equal(worstOf([...machine, { ...panel([]), refusal: "too many" }], [], 100).text, "Calm, as far as is known");
});

test("pressure is told in plain words, and of shares the one that leaves the least comes first", () => {
  const some = line('system_pressure_stall_ratio{kind="some",resource="cpu"}', 0.629);
  const spec = { title: "Pressure", kind: "line", legend: "{resource} {kind}", thresholds: [{ above: 0.5, severity: "critical" }] };
  const judged = [panel([some], spec), panel([full(0.98)])];
  assert.deepEqual(worstOf(judged, [], 100).problems.map(({ text }) => text), ["Disk / 98.0\u00a0%", "Work waits for the CPU 62.9\u00a0% of the time"]);
});

test("what is of another machine is told with its name", () => {
  const other = line('cpu_ratio{instance="other"}', 0.97);
  other.series.afar = true;
  for (const kind of ["stat", "line"]) {
    const spec = { title: "CPU", kind, legend: "" };
    const texts = (/** @type {Line[]} */ lines) => worstOf([panel(lines, spec)], [], 100).problems.map(({ text }) => text);
    assert.deepEqual(texts([other]), ["CPU other 97.0\u00a0%"]);
    assert.deepEqual(texts([other, line('cpu_ratio{instance="vm"}', 0.99)]), ["CPU vm 99.0\u00a0%", "CPU other 97.0\u00a0%"]);
  }
});

test("a figure carries its own unit, and values of two units are never added", () => {
  const lines = [line("wait_seconds", 60), line("size_bytes", 60)];
  const spec = { kind: "stat", title: "Odd", legend: "all", series: ["*"], thresholds: [{ above: 50, severity: "warning" }] };
  assert.deepEqual(worstOf([panel(lines, spec)], [], 100).problems.map(({ text }) => text), ["Odd all 1\u00a0min", "Odd all 60.0\u00a0B"]);
});

test("one fault is told once: waiting for one thing, and lines of one name; another thing or machine is another fault", () => {
  const spec = { title: "Pressure", kind: "line", legend: "{resource} {kind}", thresholds: [{ above: 0.2, severity: "warning" }] };
  const wait = (/** @type {string} */ labels, /** @type {number} */ value) => line(`system_pressure_stall_ratio{${labels}}`, value);
  const disk = [wait('kind="some",resource="io"', 0.349), wait('kind="full",resource="io"', 0.339)];
  const texts = (/** @type {Line[]} */ lines, own = spec) => worstOf([panel(lines, own)], [], 100).problems.map(({ text }) => text);
  assert.deepEqual(texts(disk), ["Work waits for the disk 34.9\u00a0% of the time"]);
  assert.equal(texts([...disk, wait('kind="some",resource="cpu"', 0.3), wait('instance="vm",kind="full",resource="io"', 0.3)]).length, 3);
  const errors = [line('errors{device="eth0",direction="in"}', 9), line('errors{device="eth0",direction="out"}', 7), line('errors{device="eth1"}', 2)];
  assert.deepEqual(texts(errors, { ...spec, title: "Errors", legend: "{device}" }), ["Errors eth0 9", "Errors eth1 2"]);
});

test("of long names the end stays, by which they differ", () => {
  const long = "the-mount-point-of-a-volume-that-someone-thought-about-for-long-";
  const texts = worstOf([panel([full(0.97, `${long}1`), full(0.96, `${long}2`)])], [], 100).problems.map(({ text }) => text);
  assert.match(texts[0] ?? "", /^Disk the-mount.*….*for-long-1 97\.0\u00a0%$/);
  assert.match(texts[1] ?? "", /for-long-2 96\.0/);
});
