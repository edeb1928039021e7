import { readSelector } from "./catalogue.js";
import { seriesText } from "./series.js";

/**
 * How a choice changes when series are added to it or taken from it: with as few selectors as say just that.
 *
 * @typedef {import("./catalogue.js").Catalogue} Catalogue
 * @typedef {import("./catalogue.js").Group} Group
 * @typedef {import("./catalogue.js").Known} Known
 */

/**
 * The selectors that choose what is listed of a group and nothing else of it; one, if one can say it.
 * @param {Catalogue} catalogue
 * @param {Group} group
 * @returns {string[]}
 */
export function narrowest(catalogue, { name, all, series }) {
  if (series.length === all) return [name];
  const [first] = series;
  const shared = Object.entries(first?.labels ?? {}).filter(([key, value]) => series.every(({ labels }) => labels[key] === value));
  const text = seriesText(name, Object.fromEntries(shared.filter(([key]) => key !== "instance")));
  for (const candidate of [text, seriesText(name, Object.fromEntries(shared))]) {
    const selector = readSelector(candidate);
    const whole = catalogue.groups.get(name)?.series.filter((one) => selector?.matches(one));
    if (whole?.length === series.length) return [candidate];
  }
  return series.map(({ selector }) => selector);
}

/**
 * The choice with these selectors added; those that chose a part of the same go.
 * @param {Catalogue} catalogue
 * @param {string[]} selectors
 * @param {string[]} added
 * @returns {string[]}
 */
export function picked(catalogue, selectors, added) {
  const whole = new Set(catalogue.covered(added));
  const kept = selectors.filter((text) => {
    const covered = catalogue.covered([text]);
    return !added.includes(text) && (!covered.length || covered.some((one) => !whole.has(one)));
  });
  return [...kept, ...added];
}

/**
 * The choice without these series: a selector that chose some of them gives way to those for what is left of it.
 * @param {Catalogue} catalogue
 * @param {string[]} selectors
 * @param {Known[]} series
 * @returns {string[]}
 */
export function dropped(catalogue, selectors, series) {
  const gone = new Set(series);
  const left = selectors.flatMap((text) => {
    const covered = catalogue.covered([text]);
    if (!covered.some((one) => gone.has(one))) return [text];
    return covered.filter((one) => !gone.has(one)).map(({ selector }) => selector);
  });
  return [...new Set(left)];
}
