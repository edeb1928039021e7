import { Selector } from "./selector.js";
import { parseSeries } from "./series.js";

/** Series whose verdict is kept. */
const MOST = 20_000;

/** Of events that were meant for several pages, what one of them asked for; decides as the server would. */
export class Trim {
  /** @param {string[]} selectors of which one that only the server can read is a SyntaxError */
  constructor(selectors) {
    this.selectors = selectors.map((text) => new Selector(text));
    /** @type {Map<string, boolean>} by resource and own key */
    this.verdicts = new Map();
  }

  /**
   * The event with the samples that were asked for; null when there are none.
   * @param {import("./protocol.js").Metrics} event
   */
  metrics(event) {
    if (!this.selectors.length) return event;
    if (this.verdicts.size > MOST) this.verdicts.clear();
    const resource = JSON.stringify(event.resource);
    const samples = Object.entries(event.samples).filter(([key]) => this.#wants(resource, event.resource, key));
    return samples.length ? { ...event, samples: Object.fromEntries(samples) } : null;
  }

  /**
   * @param {string} resource
   * @param {Record<string, string>} labels
   * @param {string} key
   */
  #wants(resource, labels, key) {
    const known = this.verdicts.get(resource + key);
    if (known !== undefined) return known;
    const own = parseSeries(key);
    const series = { name: own.name, labels: { ...labels, ...own.labels } };
    const verdict = this.selectors.some((selector) => selector.matches(series));
    this.verdicts.set(resource + key, verdict);
    return verdict;
  }
}
