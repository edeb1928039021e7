/** Seconds by which a message may disagree with the estimate before the estimate is given up. */
const TOLERANCE = 1.5;
/** Seconds by which it may disagree with a round trip, and by which the way may become longer before one is made. */
const SLACK = 0.25;
/** One-way observations that are kept: a minute of heartbeats. */
const KEPT = 12;

/**
 * The server's wall clock as seen from here, kept on `performance.now()`: the browser's own idea of the time plays no part.
 *
 * A message that arrives is as old as its way was long, so the largest difference of the last minute is the best; a request
 * and its answer bound the difference from both sides. So it is known how slow a way is that is slow in one direction.
 */
export class ServerClock {
  /** @param {() => number} monotonic milliseconds that never jump */
  constructor(monotonic = () => performance.now()) {
    this.monotonic = monotonic;
    /** @type {number[]} */
    this.offsets = [];
    this.offset = NaN;
  }

  get known() {
    return !Number.isNaN(this.offset);
  }

  /** Now, in the server's Unix seconds. */
  now() {
    return this.offset + this.monotonic() / 1000;
  }

  /**
   * When a moment of the server was, in milliseconds of `performance.now()`.
   * @param {number} seconds
   */
  local(seconds) {
    return (seconds - this.offset) * 1000;
  }

  /**
   * Take note of a `server_time` that came over the stream. `doubtful` asks for a round trip: either the message was
   * late, perhaps because this tab was frozen, or the server's clock was set back.
   * @param {number} serverTime
   * @returns {"steady" | "stepped" | "doubtful"}
   */
  observe(serverTime) {
    const offset = serverTime - this.monotonic() / 1000;
    const change = offset - this.offset;
    if (!this.known || change > TOLERANCE) return this.anchor(offset);
    if (change < -TOLERANCE) return "doubtful";
    this.offsets.push(offset);
    if (this.offsets.length > KEPT) this.offsets.shift();
    const promptest = Math.max(...this.offsets);
    // A way that has been slow for long looks like a clock that was set back a little.
    if (promptest < this.offset - SLACK) return "doubtful";
    this.offset = promptest;
    return "steady";
  }

  /**
   * Take note of a `server_time` that answered a request sent at `sent` (milliseconds of `performance.now()`).
   * @param {number} serverTime
   * @param {number} sent
   * @param {number} [received]
   * @returns {"steady" | "stepped"}
   */
  bracket(serverTime, sent, received = this.monotonic()) {
    const least = serverTime - received / 1000;
    const most = serverTime - sent / 1000;
    if (!this.known || this.offset < least - SLACK || this.offset > most + SLACK) return this.anchor((least + most) / 2);
    return this.anchor(Math.min(most, Math.max(least, this.offset)));
  }

  /**
   * The server says by how much its clock was set; no time spent on the way makes that wrong.
   * @param {number} step seconds
   */
  shift(step) {
    this.offsets = this.offsets.map((offset) => offset + step);
    this.offset += step;
  }

  /**
   * Begin anew from one difference.
   * @param {number} offset
   * @returns {"steady" | "stepped"}
   */
  anchor(offset) {
    const stepped = this.known && Math.abs(offset - this.offset) > TOLERANCE;
    this.offsets = [offset];
    this.offset = offset;
    return stepped ? "stepped" : "steady";
  }
}

/** Notices that the machine slept: `performance.now()` stands still then, the wall clock does not. */
export class SleepDetector {
  /**
   * @param {() => number} monotonic milliseconds
   * @param {() => number} wall milliseconds
   */
  constructor(monotonic = () => performance.now(), wall = () => Date.now()) {
    this.difference = () => wall() - monotonic();
    this.last = this.difference();
  }

  /** Milliseconds by which the wall clock ran ahead since the last call; 0 when it did not. */
  slept() {
    const now = this.difference();
    const ahead = now - this.last;
    this.last = now;
    return ahead > 2000 ? ahead : 0;
  }
}
