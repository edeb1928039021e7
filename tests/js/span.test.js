import assert from "node:assert/strict";
import { test } from "node:test";
import { rangeOf, stepOf } from "../../static/js/span.js";
import { cases } from "./cases.js";

for (const { name, recorded, wanted, range, step } of cases("spans")) {
  test(name, () => {
    assert.equal(rangeOf(recorded, wanted), range);
    assert.equal(stepOf(range), step);
  });
}
