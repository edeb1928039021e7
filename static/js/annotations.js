/**
 * Marks with a text that people and programs put on all charts, at a moment or over a time.
 *
 * @typedef {{ id: number, start: number, end: number | null, text: string, tags: string[], author: string }} Annotation
 *   Unix seconds; `end` null: a moment
 * @typedef {{ from: number, to: number }} Span seconds
 * @typedef {(span: Span) => Promise<Annotation[]>} Ask those that touch a time, the newest of them, by their start
 */

/** Annotations that charts show at most, the newest; the dialog lists as many. */
export const MOST = 100;
/** Milliseconds after which a question that failed is put again. */
const AGAIN = 5000;

/** The annotations of the time that a page shows. */
export class Annotations {
  /** @type {Annotation[]} by their start */
  all = [];
  /** @type {Span | null} the time of which they are known, or asked for */
  span = null;
  asking = false;
  /** Whether they changed while they were asked for. */
  changed = false;
  failedAt = -Infinity;

  /**
   * @param {Ask} ask
   * @param {() => void} onChange
   * @param {() => number} [monotonic] milliseconds
   */
  constructor(ask, onChange, monotonic = () => performance.now()) {
    this.ask = ask;
    this.onChange = onChange;
    this.monotonic = monotonic;
  }

  /**
   * Know those of a time; call it as often as you like.
   * @param {Span} span
   */
  reach({ from, to }) {
    const { span } = this;
    const known = span !== null && span.from <= from && span.to >= to;
    if (known && this.failedAt === -Infinity) return;
    if (known && (this.asking || this.monotonic() - this.failedAt < AGAIN)) return;
    this.span = { from, to };
    void this.refresh();
  }

  /** Ask anew: others may have been added or deleted. */
  async refresh() {
    this.changed = this.asking;
    const { span } = this;
    if (this.asking || !span) return;
    this.asking = true;
    try {
      this.all = (await this.ask(span)).slice(-MOST);
      this.failedAt = -Infinity;
    } catch {
      // Charts are true without them; `reach` asks again.
      this.failedAt = this.monotonic();
    } finally {
      this.asking = false;
    }
    this.onChange();
    if (this.changed) await this.refresh();
  }

  /**
   * Those that touch a time.
   * @param {number} from seconds
   * @param {number} to seconds
   */
  within(from, to) {
    return this.all.filter((one) => one.start <= to && (one.end ?? one.start) >= from);
  }
}

/**
 * When an annotation is, in words.
 * @param {Pick<Annotation, "start" | "end">} annotation
 * @param {{ day?: (time: number) => string, clock?: (time: number) => string, zoneName?: string }} preferences
 */
export function whenText({ start, end }, preferences) {
  const [day, clock] = [(/** @type {number} */ time) => preferences.day?.(time * 1000) ?? "", (/** @type {number} */ time) => preferences.clock?.(time * 1000) ?? ""];
  const head = `${day(start)} ${clock(start)}`;
  if (end === null) return head;
  return `${head} – ${day(start) === day(end) ? "" : `${day(end)} `}${clock(end)}`;
}

/**
 * A time as a field for times writes it, on the clock that the page shows.
 * @param {number} time Unix seconds
 * @param {(time: number) => number} offset of that clock from UTC at a time, both in milliseconds
 */
export function fieldOf(time, offset) {
  const milliseconds = Math.round(time) * 1000;
  return new Date(milliseconds + offset(milliseconds)).toISOString().slice(0, 19);
}

/**
 * The Unix seconds of what stands in such a field; NaN when that is no time.
 * @param {string} text
 * @param {(time: number) => number} offset
 */
export function timeOfField(text, offset) {
  const wall = Date.parse(`${text}${text.length === 16 ? ":00" : ""}Z`);
  if (Number.isNaN(wall)) return NaN;
  // The offset is that of the moment which is looked for: near a change of clocks the first guess may be an hour off.
  const guess = wall - offset(wall);
  return (wall - offset(guess)) / 1000;
}

/**
 * The moment or time that two ends of a drag mean: what moved less than can be meant is a moment.
 * @param {number} one seconds
 * @param {number} other seconds
 * @param {number} least seconds
 * @returns {{ start: number, end: number | null }}
 */
export function meant(one, other, least) {
  const [from, to] = [Math.min(one, other), Math.max(one, other)];
  return to - from < least ? { start: Math.round(one), end: null } : { start: Math.floor(from), end: Math.ceil(to) };
}
