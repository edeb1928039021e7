import { again } from "./api.js";

/**
 * @typedef {import("./store.js").RangeAnswer} RangeAnswer
 * @typedef {import("./api.js").Refused} Refused
 */

/**
 * Put a question that was refused for each selector alone, one after the other; the answers as one.
 * @param {import("./api.js").Api} api
 * @param {Map<string, Refused>} refused selectors that are refused alone, too; written anew
 * @param {string[]} selectors
 * @param {number} start
 * @param {number} end
 * @param {number} step
 * @returns {Promise<RangeAnswer>}
 */
export async function apart(api, refused, selectors, start, end, step) {
  /** @type {RangeAnswer[]} */
  const answers = [];
  for (const selector of selectors) {
    try {
      answers.push(await api.range([selector], start, end, step));
      refused.delete(selector);
    } catch (error) {
      again(error);
      refused.set(selector, /** @type {Refused} */ (error));
    }
  }
  // What came between two answers is taken once more from the stream, which goes on from the first.
  const [first = { as_of: "0-0", step, server_time: 0 }] = answers;
  return { ...first, result: answers.flatMap(({ result }) => result) };
}
