import { Selector } from "./selector.js";

/**
 * @typedef {import("./line.js").Line} Line
 */

/** Which series a panel shows; of a selector that only the server can read, those that it names. */
export class Selection {
  /** @param {string[]} selectors */
  constructor(selectors) {
    /** @type {Selector[]} */
    this.read = [];
    /** @type {string[]} selectors that the server is asked about */
    this.asked = [];
    /** @type {Set<string>} series that the server named */
    this.named = new Set();
    for (const text of selectors) {
      try {
        this.read.push(new Selector(text));
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        this.asked.push(text);
      }
    }
  }

  /** @param {Pick<Line, "key" | "series">} line */
  matches({ key, series }) {
    return this.named.has(key) || this.read.some((selector) => selector.matches(series));
  }

  /**
   * Tell whether a series of this name may be shown; of what only the server can read that is not known.
   * @param {string} name
   */
  mayMatch(name) {
    return this.asked.length > 0 || this.read.some((selector) => selector.mayMatch(name));
  }

  /**
   * Ask the server for the series of what this page cannot read.
   * @param {import("./api.js").Api} api
   */
  async ask(api) {
    if (this.asked.length) this.named = new Set((await api.series(this.asked)).map(({ series }) => series));
  }
}
