/**
 * @typedef {{ at: number, sent: number }} Mark when something came (milliseconds that never jump) and when the server sent it (seconds)
 * @typedef {{ kind: "held" | "cut", seconds: number }} Fault what is done to the stream: held back until so much has gathered,
 *   or cut off after so much silence
 */

/** What comes within so many milliseconds of the one before came in the same piece. */
const PIECE = 150;
/** A piece that spans so many seconds of the server was held back. */
const SPAN = 0.8;
/** Seconds of the server that are looked at, at least and at most. */
const [LEAST, MOST] = [9, 30];
/** So many pieces that were held back are a habit; so many long ones are enough. */
const [PIECES, LONG_PIECES, LONG] = [3, 2, 4];
/** A piece of so many seconds is enough where nothing came in time before, though the server answered. */
const TELLING = 2;
/** Silences shorter than this say nothing, and so many alike in a row are a rule; two are when they are longer and the same. */
const [SILENCE, BREAKS, LONGER, SAME] = [0.9, 3, 1.5, 0.25];
/** So often in a row nothing came of a stream, or nothing more, though the server answered other questions. */
const MUTE = 2;
/** Milliseconds within which whoever is not kept from working has looked again, and how long what has queued up takes to come. */
const [ATTENTIVE, QUEUED] = [600, 300];
/** Milliseconds after which a stream is tried again, doubling from the first to the second, and how long it has to prove itself. */
const [AGAIN, SELDOM, TRIAL] = [300_000, 3_600_000, 25_000];
/** Seconds that an answer to a poll may wait, so that no proxy that cuts off cuts off this. */
const WAIT = 2;

/**
 * Tell whether something between holds a stream back: what was sent seconds apart comes together, again and again.
 *
 * A server that was held up sends late, so its own times are close together; a narrow line brings late, but one after
 * another. Returns the longest time that was held, or 0.
 * @param {readonly Mark[]} marks in the order of arrival
 */
export function heldBack(marks) {
  const pieces = piecesOf(marks);
  const [first, last] = [pieces[0], pieces.at(-1)];
  if (!first || !last || last.last - first.first < LEAST) return 0;
  const held = pieces.map(heldFor).filter((span) => span >= SPAN);
  if (held.length < PIECES && held.filter((span) => span >= LONG).length < LONG_PIECES) return 0;
  return held.length * 3 >= pieces.length * 2 ? Math.max(...held) : 0;
}

/**
 * What came together.
 * @param {readonly Mark[]} marks in the order of arrival
 */
function piecesOf(marks) {
  /** @type {{ first: number, last: number, began: number, at: number }[]} */
  const pieces = [];
  for (const { at, sent } of marks) {
    const piece = pieces.at(-1);
    if (piece && at - piece.at < PIECE) {
      piece.at = at;
      piece.last = Math.max(piece.last, sent);
    } else pieces.push({ first: sent, last: sent, began: at, at });
  }
  return pieces;
}

/**
 * Seconds for which the first of a piece was held. What comes without a pause, as it is sent, is one long piece of which
 * nothing was.
 * @param {ReturnType<typeof piecesOf>[number]} piece
 */
function heldFor({ first, last, began, at }) {
  return last - first - (at - began) / 1000;
}

/**
 * Tell whether something between cuts a stream off that is silent: it broke off after the same silence each time.
 * Returns that silence, or 0.
 * @param {readonly number[]} silences seconds without a byte before each break in a row
 */
export function cutOff(silences) {
  const alike = (/** @type {number} */ count, /** @type {number} */ shortest, /** @type {number} */ tolerance) => {
    const last = silences.slice(-count);
    const [least, most] = [Math.min(...last), Math.max(...last)];
    return last.length === count && least >= shortest && most - least <= Math.max(tolerance, 0.05 * most) ? least : 0;
  };
  return alike(2, LONGER, SAME) || alike(BREAKS, SILENCE, 2 * SAME);
}

/** What lies between a page and its server, as far as the arrival of a stream betrays it. */
export class Passage {
  constructor() {
    /** @type {Fault | null} */
    this.fault = null;
    /** @type {Mark[]} of heartbeats … */
    this.beats = [];
    /** @type {Mark[]} … and of events, whose ids tell when they were sent; two clocks, which are not to be mixed */
    this.events = [];
    /** @type {number[]} */
    this.silences = [];
    this.mutes = 0;
    this.newest = 0;
    this.lookedAt = 0;
    /** Until when what comes may have waited here, and not on the way. */
    this.deafUntil = 0;
    /** When a stream may be tried again although there is a fault, and since when one is being tried. */
    this.tryAt = Infinity;
    this.patience = AGAIN;
    this.triedAt = Infinity;
  }

  /** Whether to poll rather than to stream. */
  get polling() {
    return this.fault !== null && this.triedAt === Infinity;
  }

  /** Seconds that an answer to a poll may wait. */
  get wait() {
    return this.fault?.kind === "cut" ? Math.min(WAIT, this.fault.seconds / 2) : WAIT;
  }

  /** A stream begins; what came over the last one says nothing of this one. */
  begin() {
    this.beats = [];
    this.events = [];
  }

  /**
   * @param {number} at milliseconds
   * @param {number} silence seconds before it
   * @param {{ type: string, id?: string, server_time?: number, newest?: string }} event
   */
  heard(at, silence, event) {
    if (this.polling) return;
    if (this.silences.some((seconds) => silence > seconds + 0.5)) this.silences = [];
    if (event.type === "hello") this.newest = seconds(event.newest ?? "0-0");
    else if (event.type === "heartbeat") this.#note(this.beats, { at, sent: event.server_time ?? 0 });
    // What was there before the stream began comes all at once, and a viewer that is slow is told so.
    else if (event.type === "gap") this.begin();
    else if (event.id && seconds(event.id) > this.newest) this.#note(this.events, { at, sent: seconds(event.id) });
  }

  /**
   * A stream broke off though the server answers.
   * @param {number} silence seconds without a byte before
   */
  broke(silence) {
    this.silences = [...this.silences, silence].slice(-BREAKS);
  }

  /** Nothing came of a stream, or nothing more, though the server answers. */
  mute() {
    this.mutes++;
  }

  /**
   * Judge, a few times a second; tells whether to go another way from now on.
   * @param {number} now milliseconds
   */
  judge(now) {
    // Whoever could not look may not blame others for what came together meanwhile.
    if (now - this.lookedAt >= ATTENTIVE) this.#disregard(this.lookedAt, now + QUEUED);
    this.lookedAt = now;
    if (this.polling) return this.#tryAgain(now);
    const longest = Math.max(0, ...piecesOf(this.events).map(heldFor));
    // What comes at last may have been held until now; a pulse among what comes as it is sent says that all is well.
    if (this.beats.length && longest < SPAN) this.mutes = 0;
    const gathered = this.mutes && longest >= TELLING ? longest : 0;
    const held = Math.max(heldBack(this.events), heldBack(this.beats), gathered, this.mutes >= MUTE ? Infinity : 0);
    const cut = cutOff(this.silences);
    if (held || cut) {
      this.fault = held ? { kind: "held", seconds: held } : { kind: "cut", seconds: cut };
      this.patience = this.triedAt === Infinity ? AGAIN : Math.min(SELDOM, 2 * this.patience);
      this.tryAt = now + this.patience;
      this.#forget();
      return true;
    }
    if (this.fault && now - this.triedAt > TRIAL) {
      this.fault = null;
      this.#forget();
    }
    return false;
  }

  /**
   * Take back what came since a moment, and take no note of what comes before another.
   * @param {number} since milliseconds
   * @param {number} until
   */
  #disregard(since, until) {
    this.beats = this.beats.filter(({ at }) => at < since);
    this.events = this.events.filter(({ at }) => at < since);
    this.deafUntil = until;
  }

  /** @param {number} now */
  #tryAgain(now) {
    if (now < this.tryAt) return false;
    this.#forget();
    this.triedAt = now;
    return true;
  }

  #forget() {
    this.triedAt = Infinity;
    this.silences = [];
    this.mutes = 0;
    this.begin();
  }

  /**
   * @param {Mark[]} marks
   * @param {Mark} mark
   */
  #note(marks, mark) {
    if (mark.at < this.deafUntil) return;
    marks.push(mark);
    while (marks.length > 1 && (mark.sent - (marks[0]?.sent ?? 0) > MOST || marks.length > 500)) marks.shift();
  }
}

/** @param {string} id */
function seconds(id) {
  return Number(id.split("-")[0]) / 1000;
}
