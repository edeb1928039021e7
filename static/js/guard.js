/** Frames with the last of which the compositor has what a script began before the first. */
const FRAMES = 2;
/** Milliseconds before its time when a layer is put off at the latest: each costs the browser two frames. */
const AHEAD = 1500;
/** Milliseconds. */
const DAY = 86_400_000;

/**
 * The dead man's veil: a layer over the page that covers it by itself unless it is put off again and again.
 *
 * Its animation runs in the compositor, so it fires while scripts are blocked or the tab was frozen, when no timer of
 * ours could. It is put off to the moment at which the first number that is painted now stops being true.
 *
 * A new animation reaches the compositor with a frame, and a frame that was begun before a standstill is painted after
 * it as of then: with a layer that does not cover yet, and numbers that are old. So there are two layers: the one that the
 * compositor has stays until it has the other, too; and at the beginning of such a frame what is old is veiled.
 *
 * @typedef {{ element: HTMLElement, animation: Animation | null, until: number }} Layer
 */
export class Guard {
  /**
   * @param {HTMLElement} element
   * @param {() => void} onLate told at the beginning of a frame for which what is painted is too old already
   */
  constructor(element, onLate) {
    const twin = /** @type {HTMLElement} */ (element.cloneNode(true));
    twin.removeAttribute("id");
    element.after(twin);
    this.onLate = onLate;
    /** @type {Layer[]} */
    this.layers = [element, twin].map((one) => ({ element: one, animation: null, until: Infinity }));
    /** The place of the newest of them, and whether the compositor has it. */
    this.newest = 0;
    this.settled = true;
    this.frame = 0;
  }

  /**
   * Whether it covers the page.
   * @param {number} now milliseconds of `performance.now()`
   */
  covers(now) {
    return this.layers.some(({ animation, until }) => animation !== null && until <= now);
  }

  /**
   * To be called several times a second, for what can wait is put off later.
   * @param {number} until milliseconds of `performance.now()`; Infinity when nothing bare is on the page
   * @param {number} now
   */
  put(until, now) {
    if (until === Infinity) {
      cancelAnimationFrame(this.frame);
      this.settled = true;
      for (const layer of this.layers) stop(layer);
      return;
    }
    if (document.hidden) this.#settle(); // no frame comes, and nobody sees what this uncovers
    const layer = this.#at(this.newest);
    const urgent = !layer.animation || until < layer.until - 50;
    const needed = until > layer.until + 50 && layer.until < now + AHEAD && this.settled;
    if (!urgent && !needed) return;
    if (this.settled && layer.animation) this.newest = 1 - this.newest;
    this.#begin(this.#at(this.newest), until, now);
  }

  /** @param {number} place */
  #at(place) {
    return /** @type {Layer} */ (this.layers[place]);
  }

  /**
   * @param {Layer} layer
   * @param {number} until
   * @param {number} now
   */
  #begin(layer, until, now) {
    stop(layer);
    layer.until = until;
    // Filled on both sides, for only then does Chromium hand the delay, too, to the compositor.
    const delay = Math.max(0, until - now);
    // It does not end by itself, within a day: what has ended is taken from the compositor with the next frame of scripts,
    // which may be one of long ago for which this had not begun.
    const steps = [{ opacity: 0 }, { opacity: 1, offset: 1 / DAY }, { opacity: 1 }];
    layer.animation = layer.element.animate(steps, { duration: DAY, delay, fill: "both" });
    // By itself it would begin with the next frame, however long that is held up: then nothing would cover that frame.
    layer.animation.startTime = now;
    this.settled = false;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.#follow(FRAMES));
  }

  /** @param {number} frames that are left */
  #follow(frames) {
    const { frame } = this;
    if (performance.now() >= this.#at(this.newest).until) this.onLate();
    if (this.settled || this.frame !== frame) return;
    if (frames > 1) this.frame = requestAnimationFrame(() => this.#follow(frames - 1));
    else this.#settle();
  }

  #settle() {
    if (this.settled) return;
    this.settled = true;
    cancelAnimationFrame(this.frame);
    stop(this.#at(1 - this.newest));
  }
}

/** @param {Layer} layer */
function stop(layer) {
  layer.animation?.cancel();
  layer.animation = null;
}
