import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (/** @type {string} */ path) => readFileSync(join(root, path), "utf8");

/**
 * Everything that a module imports, itself first.
 * @param {string} module
 * @param {Set<string>} [seen]
 */
function imports(module, seen = new Set()) {
  if (seen.has(module)) return seen;
  seen.add(module);
  for (const [, path = ""] of read(`static/js/${module}`).matchAll(/^import .*?"(\.[^"]+)";/gm)) {
    imports(normalize(join(dirname(module), path)), seen);
  }
  return seen;
}

/** Views are found by their place: a file for each custom element. */
const views = readdirSync(join(root, "static/js/elements")).map((file) => `elements/${file}`);

test("the board asks at once for each module that main.js comes to, and for none that may come later", () => {
  const list = /set modules = \[(.*?)\]/s.exec(read("templates/board.html"))?.[1] ?? "";
  const listed = [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => `${name}.js`);
  const late = new Set([...imports("newsroom.js"), ...imports("explore.js"), ...imports("toolroom.js"), "elements/live-summary.js"]);
  const seen = imports("main.js");
  for (const view of views) if (!late.has(view)) imports(view, seen);
  const needed = [...seen].filter((module) => module !== "main.js");
  assert.deepEqual(listed.sort(), needed.sort());
  const named = /LATE = new Set\(\[(.*?)\]\)/.exec(read("static/js/main.js"))?.[1] ?? "";
  for (const [, name] of named.matchAll(/"([^"]+)"/g)) assert.ok(late.has(`elements/${name}.js`), name);
});

test("pages carry neither inline styles nor inline scripts nor another host's address", () => {
  for (const file of readdirSync(join(root, "templates"))) {
    const html = read(`templates/${file}`);
    assert.doesNotMatch(html, /\sstyle=|<style|\son[a-z]+=/i, file);
    for (const [tag] of html.matchAll(/<script[^>]*>/g)) assert.match(tag, /src=|type="application\/json"/, file);
    assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//, file);
  }
});

test("data of the server reaches the page as text only, and only one module knows Chart.js", () => {
  for (const entry of readdirSync(join(root, "static/js"), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const code = readFileSync(join(entry.parentPath ?? entry.path, entry.name), "utf8");
    assert.doesNotMatch(code, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/, entry.name);
    if (entry.name !== "live-chart.js") assert.doesNotMatch(code, /\["Chart"\]|window\.Chart/, entry.name);
    assert.ok(code.split("\n").length <= 400, `${entry.name} is longer than 400 lines`);
  }
});
