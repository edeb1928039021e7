import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAge, formatText, formatTick, unitOf } from "../../static/js/format.js";
import { cases } from "./cases.js";

for (const { value, unit, text } of cases("format")) {
  test(`${value} ${unit} is written ${text}`, () => {
    assert.equal(formatText(value, unit).replaceAll("\u00a0", " "), text);
  });
}

test("axis ticks carry no zeros that only fill up", () => {
  assert.equal(formatTick(0.5, "ratio").replaceAll("\u00a0", " "), "50 %");
  assert.equal(formatTick(2.5 * 1024 ** 3, "bytes").replaceAll("\u00a0", " "), "2.5 GiB");
  assert.equal(formatTick(100, ""), "100");
});

test("ages count up in few words", () => {
  assert.equal(formatAge(7.9).replaceAll("\u00a0", " "), "7 s");
  assert.equal(formatAge(61).replaceAll("\u00a0", " "), "1 min 1 s");
  assert.equal(formatAge(-3).replaceAll("\u00a0", " "), "0 s");
});

test("a name's ending says the unit, and of a total the unit of its rate", () => {
  assert.equal(unitOf("system_memory_usage_bytes"), "bytes");
  assert.equal(unitOf("system_network_io_bytes_total"), "bytes/s");
  assert.equal(unitOf("system_disk_io_time_seconds_total"), "ratio");
  assert.equal(unitOf("dashboard_http_requests_total"), "/s");
  assert.equal(unitOf("system_load_1m"), "");
});
