import assert from "node:assert/strict";
import { test } from "node:test";
import { Arrivals, isStale } from "../../static/js/staleness.js";
import { cases } from "./cases.js";

for (const { name, age, interval, stale } of cases("staleness")) {
  test(name, () => {
    assert.equal(isStale(age, interval), stale);
  });
}

test("an undeclared interval is the median of the last five, and unknown before", () => {
  const arrivals = new Arrivals();
  for (const time of [0, 10, 20, 90, 100]) {
    arrivals.add(time);
    assert.equal(arrivals.interval, null);
  }
  arrivals.add(110);
  assert.equal(arrivals.interval, 10);
});
