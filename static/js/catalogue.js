import { unitOf } from "./format.js";
import { seriesText } from "./series.js";
import { Selector } from "./selector.js";

/**
 * All series that the server knows, as one looks for them by a few letters of a name or a label.
 *
 * @typedef {{ series: string, name: string, labels: Record<string, string>, type: string, help?: string }} Entry as `/api/v1/series` tells it
 * @typedef {Entry & { selector: string, plain: string, about: string }} Known `selector`: the shortest that chooses it alone;
 *   `plain`: its labels, one after the other; `about`: its name and labels in small letters
 * @typedef {{ name: string, unit: string, type: string, help: string, all: number, series: Known[], score: number }} Group
 *   the series of one name that fit; `all`: how many there are of it
 */

/** How far from what was meant a hit may be, best first. */
const SCORE = { name: 0, start: 1, word: 2, within: 3, label: 4, help: 5, none: 9 };

const ORDER = new Intl.Collator("en", { numeric: true });

/** Everything there is to choose from. */
export class Catalogue {
  /** @param {Entry[]} entries */
  constructor(entries) {
    /** @type {Map<string, Group>} by name, in the order of names */
    this.groups = new Map();
    const names = [...gathered(entries, ({ name }) => name)].sort(([one], [other]) => ORDER.compare(one, other));
    for (const [name, series] of names) this.groups.set(name, groupOf(name, series));
    this.size = entries.length;
  }

  /**
   * The groups in which every word of a question is found; of each those series that fit. Without a word all of them.
   * @param {string} question
   * @returns {Group[]}
   */
  search(question) {
    const words = wordsOf(question);
    if (!words.length) return [...this.groups.values()];
    /** @type {Group[]} */
    const found = [];
    for (const group of this.groups.values()) {
      const hit = fitting(group, words);
      if (hit) found.push(hit);
    }
    return found.sort((one, other) => one.score - other.score || ORDER.compare(one.name, other.name));
  }

  /**
   * The groups of which a selector chooses something.
   * @param {Selector} selector
   * @returns {Group[]}
   */
  chosen(selector) {
    const [name = ""] = selector.text.split("{");
    const only = name.includes("*") ? undefined : this.groups.get(name.trim());
    /** @type {Group[]} */
    const found = [];
    for (const group of only ? [only] : this.groups.values()) {
      if (!selector.mayMatch(group.name)) continue;
      const series = group.series.filter((one) => selector.matches(one));
      if (series.length) found.push({ ...group, series });
    }
    return found;
  }

  /**
   * The series that selectors choose, each once; those that only the server can read choose none here.
   * @param {string[]} selectors
   * @returns {Known[]}
   */
  covered(selectors) {
    /** @type {Set<Known>} */
    const all = new Set();
    for (const selector of selectors.map(readSelector)) {
      for (const { series } of selector ? this.chosen(selector) : []) for (const one of series) all.add(one);
    }
    return [...all];
  }

  /**
   * The unit of what a selector chooses; empty where it has none or is not known.
   * @param {string} text
   */
  unitOf(text) {
    const [name = ""] = text.split("{");
    if (name && !name.includes("*")) return this.groups.get(name.trim())?.unit ?? unitOf(name.trim());
    const selector = readSelector(text);
    return (selector && this.chosen(selector)[0]?.unit) || "";
  }
}

/**
 * @param {string} name
 * @param {Entry[]} entries
 * @returns {Group}
 */
function groupOf(name, entries) {
  const { type = "", help = "" } = entries[0] ?? {};
  const sets = new Set(entries.map(({ labels }) => Object.keys(labels).sort().join()));
  const short = (/** @type {Entry} */ { labels: { instance: _, ...rest } }) => seriesText(name, rest);
  const counts = gathered(entries, short);
  const series = entries.map((entry) => {
    const { labels, series: text } = entry;
    // Without the machine's name a selector is good for another machine, too; as long as it chooses this series alone.
    const selector = sets.size === 1 && counts.get(short(entry))?.length === 1 ? short(entry) : text;
    const plain = Object.keys(labels).sort(last).map((key) => `${key}=${labels[key]}`).join(" ");
    return { ...entry, selector, plain, about: `${name} ${plain}`.toLowerCase() };
  });
  series.sort((one, other) => ORDER.compare(one.plain, other.plain));
  return { name, unit: unitOf(name, type ? type !== "gauge" : undefined), type, help, all: series.length, series, score: 0 };
}

/**
 * @param {Entry[]} entries
 * @param {(entry: Entry) => string} keyOf
 */
function gathered(entries, keyOf) {
  /** @type {Map<string, Entry[]>} */
  const groups = new Map();
  for (const entry of entries) {
    const group = groups.get(keyOf(entry));
    if (group) group.push(entry);
    else groups.set(keyOf(entry), [entry]);
  }
  return groups;
}

/**
 * Labels by name, but the machine's at the end: it is mostly the same.
 * @param {string} one
 * @param {string} other
 */
function last(one, other) {
  return Number(one === "instance") - Number(other === "instance") || (one < other ? -1 : 1);
}

/**
 * The words of a question; a label may be written as in a selector.
 * @param {string} question
 */
export function wordsOf(question) {
  const words = question.toLowerCase().replace(/["']/g, "").replace(/[{},]/g, " ").split(/\s+/);
  return words.filter((word) => word && word !== "=");
}

/**
 * @param {Group} group
 * @param {string[]} words
 * @returns {Group | null}
 */
function fitting(group, words) {
  const name = group.name.toLowerCase();
  const help = `${group.help} ${group.unit}`.toLowerCase();
  // What is neither in the name nor in the help must be in the labels.
  const own = words.filter((word) => !name.includes(word) && !help.includes(word));
  const series = own.length ? group.series.filter(({ about }) => own.every((word) => about.includes(word))) : group.series;
  if (!series.length) return null;
  const score = Math.max(...words.map((word) => scoreOf(word, name, help, own)));
  return { ...group, series, score };
}

/**
 * @param {string} word
 * @param {string} name
 * @param {string} help
 * @param {string[]} own words that are found in labels alone
 */
function scoreOf(word, name, help, own) {
  if (name === word) return SCORE.name;
  if (name.startsWith(word)) return SCORE.start;
  if (name.includes(`_${word}`)) return SCORE.word;
  if (name.includes(word)) return SCORE.within;
  if (own.includes(word)) return SCORE.label;
  return help.includes(word) ? SCORE.help : SCORE.none;
}

/**
 * A text as a selector; null where it is none, or one that only the server can read.
 * @param {string} text
 */
export function readSelector(text) {
  try {
    return new Selector(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/**
 * Tell whether a text is meant as a selector: it has what no plain words have.
 * @param {string} text
 */
export function isSelector(text) {
  return /^[a-zA-Z0-9_:*]*\{.*\}$|^[a-zA-Z0-9_:]*\*[a-zA-Z0-9_:*]*$/.test(text.trim());
}

/**
 * A text in pieces, so that those can be shown in which a word was found.
 * @param {string} text
 * @param {string[]} words in small letters
 * @returns {{ text: string, hit: boolean }[]}
 */
export function pieces(text, words) {
  const small = text.toLowerCase();
  const hits = new Uint8Array(text.length);
  for (const word of words) {
    for (let at = small.indexOf(word); at >= 0; at = small.indexOf(word, at + 1)) hits.fill(1, at, at + word.length);
  }
  /** @type {{ text: string, hit: boolean }[]} */
  const found = [];
  for (let from = 0; from < text.length; ) {
    let to = from;
    while (to < text.length && hits[to] === hits[from]) to++;
    found.push({ text: text.slice(from, to), hit: hits[from] === 1 });
    from = to;
  }
  return found;
}
