/**
 * @typedef {import("./answers.js").Status} Status
 * @typedef {import("./store.js").RangeAnswer} RangeAnswer
 * @typedef {import("./connection.js").Cause} Cause
 */

/** Milliseconds that an answer which has begun may take to its end. */
const WHOLE = 60_000;

/** What the page asks the server for, besides the stream. */
export class Api {
  /** @param {string} root path prefix, without a slash at its end */
  constructor(root) {
    this.root = root;
  }

  /**
   * @param {string} path
   * @param {number} [patience] milliseconds until the answer begins; all of a long one may take its time on a narrow way
   */
  async get(path, patience = 8000) {
    const limit = new AbortController();
    const give = () => limit.abort(new DOMException("it takes too long", "TimeoutError"));
    const timer = setTimeout(give, patience);
    const response = await fetch(this.root + path, { signal: limit.signal }).finally(() => clearTimeout(timer));
    setTimeout(give, WHOLE);
    if (!response.ok) throw new Refused(response.status, (await response.json().catch(() => null))?.error);
    return response;
  }

  /**
   * Have the server do something.
   * @param {"POST" | "DELETE"} method
   * @param {string} path
   * @param {object} [body]
   */
  async send(method, path, body) {
    const content = body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(this.root + path, { method, signal: AbortSignal.timeout(8000), ...content });
    if (!response.ok) throw new Refused(response.status, (await response.json().catch(() => null))?.error);
    return response;
  }

  /** @returns {Promise<Status>} */
  async status() {
    return (await this.get("/api/v1/status", 4000)).json();
  }

  /**
   * The status, and when the question went out and its answer came: the first is put by the page's head, long before
   * this script runs, so what the browser noted counts.
   * @param {() => number} monotonic milliseconds of `performance.now()`
   */
  async timedStatus(monotonic) {
    const begun = monotonic();
    const status = await this.status();
    const entry = /** @type {PerformanceResourceTiming | undefined} */ (
      performance.getEntriesByType("resource").findLast(({ name }) => name.endsWith("/api/v1/status"))
    );
    const noted = entry !== undefined && entry.responseStart > 0 && entry.responseStart <= monotonic();
    const preloaded = noted && entry.responseStart < begun;
    return { status, sent: preloaded ? entry.requestStart : begun, received: preloaded ? entry.responseStart : monotonic() };
  }

  /**
   * Answer to a question that the page's head has put.
   * @param {string} url
   * @returns {Promise<RangeAnswer>}
   */
  async history(url) {
    return (await this.get(url)).json();
  }

  /**
   * @param {string[]} selectors
   * @param {number} start
   * @param {number} end
   * @param {number} step
   * @returns {Promise<RangeAnswer>}
   */
  async range(selectors, start, end, step) {
    const query = new URLSearchParams(selectors.map((selector) => ["match", selector]));
    query.set("start", String(start));
    query.set("end", String(end));
    query.set("step", String(step));
    query.set("unknown", "empty");
    return (await this.get(`/api/v1/query_range?${query}`)).json();
  }

  /**
   * The series that selectors choose, with what the server knows of each.
   * @param {string[]} selectors
   * @returns {Promise<import("./catalogue.js").Entry[]>}
   */
  async series(selectors) {
    const query = new URLSearchParams(selectors.map((selector) => ["match", selector]));
    return (await (await this.get(`/api/v1/series?${query}`)).json()).result;
  }

  /**
   * Address of the stream.
   * @param {string[]} selectors
   * @param {string[]} types
   * @param {string | null} after
   */
  stream(selectors, types, after) {
    const query = new URLSearchParams(selectors.map((selector) => ["match", selector]));
    query.set("types", types.join(","));
    if (after !== null) query.set("after", after);
    return `${this.root}/api/v1/events?${query}`;
  }

  /**
   * Find out why there is no stream.
   * @returns {Promise<Cause>}
   */
  async diagnose() {
    try {
      await this.status();
      return { kind: "network", text: "the stream broke off; the server answers" };
    } catch (error) {
      return causeOf(error);
    }
  }
}

/**
 * Why a question to the server failed.
 * @param {unknown} error
 * @returns {Cause}
 */
export function causeOf(error) {
  if (!(error instanceof Refused)) return { kind: "down", text: "the server is not reachable" };
  if (error.status === 401) return { kind: "denied", text: "sign-in is needed" };
  if (error.status === 403) return { kind: "denied", text: "access is not allowed" };
  if (error.status === 421) return { kind: "denied", text: "the server does not know this address as its own" };
  return { kind: "refused", text: `the server answers ${error.status}` };
}

/** Answers that speak of who asks, how often or by which way: behind a proxy each of them may pass. */
const PASSING = [401, 403, 408, 421, 425, 429];

/** An answer that is no success. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {{ message: string, series?: number, max_series?: number }} [told] by the server
   */
  constructor(status, told) {
    super(told?.message ?? `HTTP ${status}`);
    this.status = status;
    this.told = told;
  }

  /** Whether the same question may be answered later: it was not the question that was refused. */
  get passing() {
    return this.status >= 500 || PASSING.includes(this.status);
  }
}

/**
 * Where a question was refused for what it asks, nothing, so that it can be asked otherwise; any other error stays one.
 * @param {unknown} error
 */
export function again(error) {
  if (!(error instanceof Refused && error.status === 400)) throw error;
  return undefined;
}
