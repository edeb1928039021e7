import { unescapeLabel } from "./series.js";

/**
 * @typedef {import("./series.js").Series} Series
 * @typedef {(series: Series) => boolean} Test
 */

/** @type {typeof import("./re2.js").anchored | null} */
let anchored = null;

/**
 * Fetch what reads regular expressions, where there are any; without it only the server can.
 * @param {string[]} selectors
 */
export async function learn(selectors) {
  if (!anchored && selectors.join().includes("~")) ({ anchored } = await import("./re2.js"));
}

const NAME = /[a-zA-Z_:*][a-zA-Z0-9_:*]*/y;
const MATCHER = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')\s*(,|(?=\}))/y;

/**
 * Prometheus's instant selector with `*` in the name, by the rules of the server's `selector.py`. A regular expression
 * that only the server can read is `Untranslatable`.
 */
export class Selector {
  /** @param {string} text */
  constructor(text) {
    this.text = text.trim();
    /** @type {Test[]} */
    this.tests = [];
    /** @type {Test[]} those of the name alone */
    this.names = [];
    NAME.lastIndex = 0;
    const name = NAME.exec(this.text)?.[0] ?? "";
    let at = name.length;
    if (this.text[at] === "{") at = this.#matchers(at + 1);
    if (at !== this.text.length || (!name && this.tests.length + this.names.length === 0)) throw this.#fault(at);
    if (name.includes("*")) {
      const glob = new RegExp(`^${name.replaceAll("*", ".*")}$`);
      this.names.push((series) => glob.test(series.name));
    } else if (name) {
      this.names.push((series) => series.name === name);
    }
    this.tests.unshift(...this.names);
  }

  /**
   * Tell whether a series of this name may match, whatever its labels are.
   * @param {string} name
   */
  mayMatch(name) {
    return this.names.every((test) => test({ name, labels: {} }));
  }

  /** @param {Series} series */
  matches(series) {
    return this.tests.every((test) => test(series));
  }

  /** @param {number} at */
  #matchers(at) {
    for (;;) {
      while (/\s/.test(this.text[at] ?? "")) at++;
      if (this.text[at] === "}") return at + 1;
      MATCHER.lastIndex = at;
      const match = MATCHER.exec(this.text);
      if (match === null) throw this.#fault(at);
      const [, label = "", operator = "", quoted = ""] = match;
      const value = unescapeLabel(quoted.slice(1, -1).replaceAll("\\'", "'"));
      (label === "__name__" ? this.names : this.tests).push(condition(label, operator, value));
      at = MATCHER.lastIndex;
    }
  }

  /** @param {number} at */
  #fault(at) {
    return new SyntaxError(`not a selector, at character ${at + 1} of ${this.text}`);
  }
}

/**
 * @param {string} label
 * @param {string} operator
 * @param {string} value
 * @returns {Test}
 */
function condition(label, operator, value) {
  const read = label === "__name__"
    ? (/** @type {Series} */ series) => series.name
    : (/** @type {Series} */ series) => series.labels[label] ?? "";
  if (operator === "=") return (series) => read(series) === value;
  if (operator === "!=") return (series) => read(series) !== value;
  if (!anchored) throw new SyntaxError("regular expressions are not read here");
  const pattern = anchored(value);
  return (series) => pattern.test(read(series)) === (operator === "=~");
}
