/**
 * @typedef {{ events: { type: string, [key: string]: unknown }[], last: string }} Answer
 */

/** Milliseconds between two questions at least. */
const LEAST = 250;
/** Milliseconds that a question may take beyond what its answer may wait. */
const SLACK = 8000;

/** The stream in pieces, for where it does not come through as a whole; to be used as an EventSource is. */
export class Polling {
  /**
   * @param {string} address of the stream
   * @param {number} wait seconds that an answer may wait
   * @param {(address: string, signal: AbortSignal) => Promise<Answer>} [ask]
   */
  constructor(address, wait, ask = question) {
    const [path = "", query = ""] = address.split("?");
    this.path = path;
    this.query = new URLSearchParams(query);
    this.query.set("wait", String(wait));
    this.wait = wait;
    this.ask = ask;
    this.readyState = 0;
    this.aborted = new AbortController();
    /** @type {Map<string, (message: { type: string, data: object }) => void>} */
    this.listeners = new Map();
    void this.#run();
  }

  /**
   * @param {string} type
   * @param {(message: any) => void} listener
   */
  addEventListener(type, listener) {
    this.listeners.set(type, listener);
  }

  close() {
    this.readyState = 2;
    this.aborted.abort();
  }

  async #run() {
    try {
      while (this.readyState !== 2) {
        const pause = new Promise((done) => setTimeout(done, LEAST));
        const answer = await this.#question();
        for (const event of answer.events) this.#say(event);
        if (answer.last) this.query.set("after", answer.last);
        await pause;
      }
    } catch {
      this.#dispatch("error", {});
    }
  }

  async #question() {
    const timer = setTimeout(() => this.aborted.abort(), 1000 * this.wait + SLACK);
    try {
      return await this.ask(`${this.path}?${this.query}`, this.aborted.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @param {Answer["events"][number]} event */
  #say(event) {
    // Each answer begins with a hello, but the stream that is made of them has one.
    const again = event.type === "hello" && this.readyState === 1;
    if (event.type === "hello" && this.readyState === 0) this.readyState = 1;
    if (again) this.#dispatch("heartbeat", { type: "heartbeat", server_time: event["server_time"] });
    else this.#dispatch(event.type, event);
  }

  /**
   * @param {string} type
   * @param {object} data
   */
  #dispatch(type, data) {
    if (this.readyState !== 2) this.listeners.get(type)?.({ type, data });
  }
}

/**
 * @param {string} address
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
async function question(address, signal) {
  const response = await fetch(address, { signal, cache: "no-store" });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.json();
}
