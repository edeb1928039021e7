/** A stream that the test speaks through. */
export class Wire {
  readyState = 1;
  closed = false;
  /** @type {Map<string, (event: any) => void>} */
  listeners = new Map();
  /** @param {string} url */
  constructor(url) {
    this.url = url;
  }
  /**
   * @param {string} type
   * @param {(event: any) => void} listener
   */
  addEventListener(type, listener) {
    this.listeners.set(type, listener);
  }
  close() {
    this.closed = true;
  }
  /**
   * @param {string} type
   * @param {object} [data]
   */
  say(type, data = {}) {
    this.listeners.get(type)?.({ type, data: JSON.stringify({ type, ...data }) });
  }
}
