import assert from "node:assert/strict";
import { test } from "node:test";
import { Selection } from "../../static/js/selection.js";
import { Truth } from "../../static/js/truth.js";

const connection = /** @type {any} */ ({ phase: "open" });
const collector = (/** @type {string} */ name, /** @type {string} */ state, /** @type {string[]} */ ...families) => ({
  name, source: `vm/${name}`, state, error: `${name} broke`, families,
});

/** @param {ReturnType<typeof collector>[]} collectors */
function truth(...collectors) {
  const made = new Truth(connection, /** @type {any} */ ({ lines: new Map() }), "1");
  made.adopt(/** @type {any} */ ({ collectors }));
  return (/** @type {string[]} */ ...selectors) => made.absence(0, "line", new Selection(selectors));
}

test("an empty panel names only the failing collectors that may feed it", () => {
  const absence = truth(collector("raiser", "failed", "raised"), collector("disks", "late", "system_disk_io_bytes_total"));
  assert.doesNotMatch(absence("orders_open"), /raiser|disks/);
  assert.match(absence("orders_open"), /push/);
  assert.equal(absence('raised{a="b"}'), "No data. Failing now: collector raiser: raiser broke.");
  assert.match(absence("system_disk*"), /disks/);
  assert.match(absence('{__name__=~"rai.*"}'), /raiser/);
});

test("of a collector that could not be loaded nobody knows what it would give", () => {
  assert.match(truth(collector("broken", "failed"))("orders_open"), /collector broken/);
});
