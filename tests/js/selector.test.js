import assert from "node:assert/strict";
import { test } from "node:test";
import { Untranslatable } from "../../static/js/re2.js";
import { learn, Selector } from "../../static/js/selector.js";
import { parseSeries } from "../../static/js/series.js";
import { cases } from "./cases.js";

await learn(["~"]);

const partFlags = (() => {
  try {
    return Boolean(new RegExp("(?i:a)"));
  } catch {
    return false;
  }
})();

for (const { selector, series, matches, bad, asked } of cases("selectors")) {
  if (bad !== undefined) {
    test(`${JSON.stringify(bad)} is refused`, () => {
      assert.throws(() => new Selector(bad), SyntaxError);
    });
  } else if (asked || (!partFlags && /(?<!")\(\?i|\(\?i:/.test(selector))) {
    test(`${selector} is for the server to read`, () => {
      assert.throws(() => new Selector(selector), Untranslatable);
    });
  } else {
    test(`${selector} ${matches ? "chooses" : "leaves out"} ${series}`, () => {
      assert.equal(new Selector(selector).matches(parseSeries(series)), matches);
    });
  }
}
