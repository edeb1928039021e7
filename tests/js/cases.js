import { readFileSync } from "node:fs";

/**
 * The cases that the Python tests run, too.
 * @param {string} name
 * @returns {any[]}
 */
export function cases(name) {
  return JSON.parse(readFileSync(new URL(`../cases/${name}.json`, import.meta.url), "utf8"));
}
