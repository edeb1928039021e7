import assert from "node:assert/strict";
import { test } from "node:test";
import { clip, fit, formatAge, formatText, formatTick, isWhole, tellApart, unitOf } from "../../static/js/format.js";
import { Line } from "../../static/js/line.js";
import { parseSeries } from "../../static/js/series.js";
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

test("what was whole whenever it was seen counts something, and has no decimals; once it had some it keeps them", () => {
  const line = new Line("streams", parseSeries("streams"), 1, 3);
  const text = () => formatText(line.value, "", isWhole([line]));
  const texts = [3, 0, -2, 1234, 2.5, 3, 3, 3, 3].map((value, at) => {
    line.sample(at, value, 0, false);
    return text();
  });
  assert.deepEqual(texts, ["3", "0", "−2", "1.23\u00a0k", "2.50", "3.00", "3.00", "3.00", "3.00"]);
  const bytes = new Line("size_bytes", parseSeries("size_bytes"), 1, 3);
  bytes.sample(1, 3, 0, false);
  assert.equal(isWhole([bytes]), false);
  assert.equal(formatText(1.5, "", true), "1.50");
});

const LONG = "the-name-of-a-queue-that-someone-thought-about-";

test("names that share a beginning are parted where they differ, first from all and then from the nearest", () => {
  const names = [`${LONG}eu-mail-01`, `${LONG}eu-mail-02`, `${LONG}us-mail-01`, "short", "shore"];
  assert.deepEqual(tellApart(names), [[LONG, "eu-mail-", "01"], [LONG, "eu-mail-", "02"], [LONG, "", "us-mail-01"], ["short"], ["shore"]]);
  assert.deepEqual(tellApart([LONG, LONG, `${LONG}x`]).map((parts) => parts.join("")), [LONG, LONG, `${LONG}x`]);
  const [one = []] = tellApart(["x".repeat(79) + "1", "x".repeat(79) + "2"]);
  assert.deepEqual(one.map(({ length }) => length), [77, 0, 3]);
});

test("in any room that has place for what differs, shortened names differ", () => {
  const names = ["eu", "us"].flatMap((zone) => [1, 2, 13].map((number) => `${LONG}${zone}-mail-${number}`));
  const width = (/** @type {string} */ text) => text.length;
  for (let room = 1; room < 80; room++) {
    const texts = tellApart(names).map((parts) => fit(parts, room, width));
    assert.ok(texts.every((text) => text.length <= room), `${room}: ${texts}`);
    if (room > 14) assert.equal(new Set(texts).size, names.length, `${room}: ${texts}`);
  }
  assert.equal(fit(["alone-and-long"], 6, width), "alone…");
  assert.equal(fit(["alone-and-long"], 99, width), "alone-and-long");
  let measured = 0; // a label may have thousands of characters
  assert.equal(fit(["n".repeat(4_000), "-1"], 9, (text) => (measured++, text.length)), "nnnnnn…-1");
  assert.ok(measured < 20, String(measured));
  assert.equal(clip(`${LONG}01`, 20), "the-name-of-…bout-01");
  assert.equal(clip("short", 20), "short");
});
