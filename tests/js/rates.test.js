import assert from "node:assert/strict";
import { test } from "node:test";
import { rates } from "../../static/js/rates.js";
import { cases } from "./cases.js";

for (const { name, times, totals, interval, rates: expected } of cases("rates")) {
  test(name, () => {
    assert.deepEqual(rates(times, totals, interval), expected);
  });
}
