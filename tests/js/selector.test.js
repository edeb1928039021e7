import assert from "node:assert/strict";
import { test } from "node:test";
import { Selector } from "../../static/js/selector.js";
import { parseSeries } from "../../static/js/series.js";
import { cases } from "./cases.js";

for (const { selector, series, matches, bad } of cases("selectors")) {
  if (bad !== undefined) {
    test(`${JSON.stringify(bad)} is refused`, () => {
      assert.throws(() => new Selector(bad), SyntaxError);
    });
  } else {
    test(`${selector} ${matches ? "chooses" : "leaves out"} ${series}`, () => {
      assert.equal(new Selector(selector).matches(parseSeries(series)), matches);
    });
  }
}
