import assert from "node:assert/strict";
import { test } from "node:test";
import { Arrivals, isStale } from "../../static/js/staleness.js";
import { cases } from "./cases.js";

for (const { name, age, interval, stale, arrivals, learned } of cases("staleness")) {
  test(name, () => {
    if (!arrivals) {
      assert.equal(isStale(age, interval), stale);
      return;
    }
    const seen = new Arrivals();
    for (const time of arrivals) seen.add(time);
    assert.equal(seen.interval, learned);
  });
}

test("what the server has learned holds until there are arrivals enough here", () => {
  const seen = new Arrivals();
  seen.learned = 30;
  for (const time of [0, 10, 20, 30]) {
    seen.add(time);
    assert.equal(seen.interval, 30);
  }
  seen.add(40);
  assert.equal(seen.interval, 10);
});
