/**
 * The dead man's veil: one layer over the page that covers it by itself unless it is put off again and again.
 *
 * The animation runs in the compositor, so it fires while scripts are blocked or the tab was frozen, when no timer of
 * ours could. It is put off to the moment at which the first number that is painted now stops being true.
 */
export class Guard {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    /** @type {Animation | null} */
    this.animation = null;
    this.until = 0;
  }

  /**
   * Whether it covers the page.
   * @param {number} now milliseconds of `performance.now()`
   */
  covers(now) {
    return this.animation !== null && this.until <= now;
  }

  /**
   * @param {number} until milliseconds of `performance.now()`; Infinity when nothing bare is on the page
   * @param {number} now
   */
  put(until, now) {
    if (Math.abs(until - this.until) < 50 || (until === Infinity && this.until === Infinity)) return;
    this.until = until;
    this.animation?.cancel();
    this.animation = null;
    if (until === Infinity) return;
    const delay = Math.max(0, until - now);
    // Filled on both sides, for only then does Chromium hand the delay, too, to the compositor.
    this.animation = this.element.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 1, delay, fill: "both" });
    // By itself it would begin with the next frame, however long that is held up: then nothing would cover that frame.
    this.animation.startTime = now;
  }
}
