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

test("below all thresholds is calm; without thresholds nothing is said", () => {
  assert.deepEqual(worstOf([panel([full(0.5)])], [], 100), { severity: "", text: "All calm", problems: [] });
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
  assert.equal(worstOf([panel(lines, spread)], [], 100).text, "All calm");
  assert.equal(worstOf([panel(lines, { ...spec, legend: "all" })], [], 100).problems[0]?.text, "Network all 120\u00a0B");
});

test("what is old is never called well", () => {
  const judged = [panel([line('fs_ratio{mountpoint="/"}', 0.1, -10_000)])];
  assert.equal(worstOf(judged, [], 100).severity, "unknown");
  assert.equal(worstOf([panel([full(0.1), line('fs_ratio{mountpoint="/old"}', 0.1, -10_000)])], [], 100).text, "Calm, as far as is known");
});

test("a collector that fails is a warning, below what is critical", () => {
  const failed = [{ name: "disks", error: "it hangs" }];
  const { severity, problems } = worstOf([panel([full(0.9)])], failed, 100);
  assert.equal(severity, "warning");
  assert.deepEqual(problems.map(({ text }) => text), ["Collector disks fails", "Disk / 90.0\u00a0%"]);
  assert.equal(worstOf([panel([full(0.99)])], failed, 100).severity, "critical");
});
