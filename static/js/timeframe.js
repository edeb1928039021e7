/**
 * Which time a page shows, and how its address says so: the last minutes, hours or days, which go on, or a time that is
 * past. The server reads an address by the same rules (`dashboard/web/history.py`); `tests/cases/frames.json` holds both
 * to them.
 *
 * @typedef {{ kind: "live", range: number }} LiveFrame seconds
 * @typedef {{ kind: "past", from: number, to: number }} PastFrame Unix seconds
 * @typedef {LiveFrame | PastFrame} Frame
 */

/** Seconds that a page shows at least; at most as many as are kept. */
export const SHORTEST = 10;
/** Unix seconds between which a time must be: what is above is milliseconds. */
const [EARLIEST, LATEST] = [-6e10, 1e11];

const DURATION = /^(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s)?$/;
const NUMBER = /^-?\d{1,15}(?:\.\d{1,9})?$/;
const ISO = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2})?([.,]\d{1,9})?([Zz]|[+\- ]\d{2}:?\d{2})?$/;

/** What an address says of time; nobody else writes these. */
const WORDS = ["range", "from", "to"];

/**
 * Read a span such as `15m`, `1h30m`, `7d`, or seconds; NaN when it is none.
 * @param {string} text
 */
export function parseDuration(text) {
  if (NUMBER.test(text)) return Number(text);
  const match = text ? DURATION.exec(text) : null;
  if (!match) return NaN;
  const [, days, hours, minutes, seconds] = match.map((part) => Number(part ?? 0));
  return (days ?? 0) * 86_400 + (hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0);
}

/**
 * Write a span as it is read, in the largest unit that gives a whole number; up to two days in hours.
 * @param {number} seconds
 */
export function durationText(seconds) {
  for (const [size, letter] of /** @type {[number, string][]} */ ([[86_400, "d"], [3600, "h"], [60, "m"]])) {
    if (seconds % size === 0 && seconds >= (letter === "d" ? 2 * size : size)) return `${seconds / size}${letter}`;
  }
  return `${seconds}s`;
}

/**
 * Write a span for people: `15 min`, `24 h`, `7 d`, `1 h 20 min`.
 * @param {number} seconds
 */
export function durationWords(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 120 && whole % 60) return `${whole} s`;
  const parts = whole < 3600 ? [[60, "min"], [1, "s"]] : whole < 172_800 ? [[3600, "h"], [60, "min"]] : [[86_400, "d"], [3600, "h"]];
  let rest = whole;
  return /** @type {[number, string][]} */ (parts).flatMap(([size, name]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count ? `${count} ${name}` : [];
  }).join(" ");
}

/**
 * Read a time: Unix seconds, or ISO 8601 with its offset from UTC; NaN when it is neither, for a zone is never guessed.
 * @param {string} text
 */
export function parseTime(text) {
  const time = NUMBER.test(text) ? Number(text) : fromIso(text);
  return time > EARLIEST && time < LATEST ? time : NaN;
}

/** @param {string} text */
function fromIso(text) {
  const [, date, clock, seconds = ":00", part = "", zone = ""] = ISO.exec(text) ?? [];
  if (!date || !zone) return NaN;
  // The bare + of an address comes as a space; a day that its month does not have is none.
  const offset = zone.replace(" ", "+").replace(/^([+-]\d{2})(\d{2})$/, "$1:$2").toUpperCase();
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date)) return NaN;
  return Date.parse(`${date}T${clock}${seconds}${offset}`) / 1000 + Number(part.replace(",", ".") || 0);
}

/**
 * Write a time as ISO 8601 in UTC, without parts of a second where there are none.
 * @param {number} time Unix seconds
 */
export function timeText(time) {
  return new Date(Math.round(time * 1000)).toISOString().replace(/\.000Z$/, "Z");
}

/**
 * Read what an address says of time; `frame` null: nothing, or nothing that can be understood, which `fault` then says.
 * @param {string} search what stands in an address from the question mark on
 * @param {number} longest seconds that are kept, and may be shown
 * @returns {{ frame: Frame | null, fault: string }}
 */
export function readFrame(search, longest) {
  const query = new URLSearchParams(search);
  const [range, from, to] = WORDS.map((word) => query.get(word));
  if (from !== null || to !== null) return readPast(from ?? null, to ?? null, longest);
  if (range === null || range === undefined) return { frame: null, fault: "" };
  const seconds = parseDuration(range);
  const right = seconds >= SHORTEST && seconds <= longest;
  if (!right) return { frame: null, fault: `range=${range} is no span of 10 s to ${durationWords(longest)}, such as 15m, 6h or 30d` };
  return { frame: { kind: "live", range: seconds }, fault: "" };
}

/**
 * @param {string | null} from
 * @param {string | null} to
 * @param {number} longest
 * @returns {{ frame: Frame | null, fault: string }}
 */
function readPast(from, to, longest) {
  const wrong = (/** @type {string} */ fault) => ({ frame: null, fault });
  if (from === null || to === null) return wrong("from= and to= belong together");
  const [start, end] = [parseTime(from), parseTime(to)];
  for (const [word, text, time] of /** @type {[string, string, number][]} */ ([["from", from, start], ["to", to, end]])) {
    if (Number.isNaN(time)) {
      return wrong(`${word}=${text} is no time: Unix seconds, or ISO 8601 with an offset such as 2026-11-22T03:00:00Z`);
    }
  }
  if (end - start < 1) return wrong("from= must be at least a second before to=");
  if (end - start > longest) return wrong(`from= and to= are more than ${durationWords(longest)} apart, for which points are kept`);
  return { frame: { kind: "past", from: start, to: end }, fault: "" };
}

/**
 * What stands in an address from the question mark on, with this time in the place of its own; all else stays. What the
 * board shows by itself is not said.
 * @param {Frame} frame
 * @param {Frame} home
 * @param {string} search
 */
export function writeFrame(frame, home, search) {
  const query = new URLSearchParams(search);
  for (const word of WORDS) query.delete(word);
  if (frame.kind === "past") {
    query.set("from", timeText(frame.from));
    query.set("to", timeText(frame.to));
  } else if (!same(frame, home)) {
    query.set("range", durationText(frame.range));
  }
  const text = query.toString().replaceAll("%3A", ":");
  return text && `?${text}`;
}

/**
 * @param {Frame} one
 * @param {Frame} other
 */
export function same(one, other) {
  if (one.kind === "live") return other.kind === "live" && one.range === other.range;
  return other.kind === "past" && one.from === other.from && one.to === other.to;
}

/**
 * Seconds that are shown.
 * @param {Frame} frame
 */
export function lengthOf(frame) {
  return frame.kind === "live" ? frame.range : frame.to - frame.from;
}

/**
 * The past frame of two moments, on whole seconds where it is long enough for them, not shorter than can be seen, and
 * not beyond now where it began before.
 * @param {number} one Unix seconds
 * @param {number} other
 * @param {number} now
 * @returns {PastFrame}
 */
export function between(one, other, now) {
  let [from, to] = [Math.floor(Math.min(one, other)), Math.ceil(Math.max(one, other))];
  const lacking = SHORTEST - (to - from);
  if (lacking > 0) [from, to] = [from - Math.ceil(lacking / 2), to + Math.floor(lacking / 2)];
  const beyond = to - Math.ceil(now);
  if (beyond > 0 && from < now) [from, to] = [Math.min(from, Math.ceil(now) - SHORTEST), Math.ceil(now)];
  return { kind: "past", from, to };
}

/**
 * The frame that is so many of its lengths later; earlier if that is negative.
 * @param {PastFrame} frame
 * @param {number} lengths
 * @param {number} now
 * @returns {PastFrame}
 */
export function moved({ from, to }, lengths, now) {
  const length = to - from;
  const end = Math.min(to + length * lengths, Math.max(Math.ceil(now), to));
  const whole = length >= 2 ? Math.round(end) : end;
  return { kind: "past", from: whole - length, to: whole };
}

/**
 * The frame that shows twice as much about the same middle, and no further than now.
 * @param {PastFrame} frame
 * @param {number} now
 * @param {number} longest seconds
 * @returns {PastFrame}
 */
export function widened({ from, to }, now, longest) {
  const length = Math.min(2 * (to - from), longest);
  const end = Math.min(Math.round((from + to + length) / 2), Math.max(Math.ceil(now), Math.ceil(to)));
  return { kind: "past", from: end - length, to: end };
}
