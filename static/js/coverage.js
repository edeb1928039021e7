/**
 * @typedef {import("./line.js").Line} Line
 * @typedef {{ from: number, to: number }} Span seconds
 * @typedef {{ holes: Span[], partial: Span[], begin: number }} Coverage
 */

const NOBODY = 0;
const SOMEBODY = 1;
const MISSING = 2;

/**
 * Where nothing is known: `holes` in which no line has data, `partial` in which some line has a hole, and `begin`, before
 * which nothing was recorded. Told from points that are there and marks of holes, never from how far two points are apart.
 * @param {Line[]} lines
 * @param {number} start seconds
 * @param {number} end seconds
 * @returns {Coverage}
 */
export function coverage(lines, start, end) {
  const step = lines[0]?.step ?? 1;
  const first = Math.floor(start / step);
  const slots = new Uint8Array(Math.max(0, Math.ceil(end / step) - first + 1));
  let begin = Infinity;
  let newest = -Infinity;
  for (const line of lines) {
    const reach = 2 * (line.interval ?? step) + 1;
    for (let at = 0; at < line.length; at++) {
      const from = line.timeAt(at);
      const to = at + 1 < line.length ? line.timeAt(at + 1) : Math.max(from + step, Math.min(line.time + reach, end));
      if (to <= start) continue;
      const value = Number.isNaN(line.meanAt(at)) ? MISSING : SOMEBODY;
      if (value === SOMEBODY) begin = Math.min(begin, line.first < to ? line.first : from);
      for (let slot = Math.max(0, Math.round(from / step) - first); slot < Math.min(slots.length, Math.round(to / step) - first); slot++) {
        slots[slot] = (slots[slot] ?? NOBODY) | value;
      }
    }
    newest = Math.max(newest, endOf(line) + reach);
  }
  const spans = (/** @type {(slot: number) => boolean} */ test) => runs(slots, test, first, step, start, end);
  const known = Math.max(0, Math.floor(begin / step) - first);
  let last = slots.length - 1;
  while (last >= 0 && !((slots[last] ?? 0) & SOMEBODY)) last--;
  const holes = spans((slot) => slot >= known && slot < last && !((slots[slot] ?? 0) & SOMEBODY));
  if (newest < end && newest > -Infinity) holes.push({ from: Math.max(start, lastOf(lines)), to: end });
  return { holes, partial: spans((slot) => slots[slot] === (SOMEBODY | MISSING)), begin };
}

/** @param {Line[]} lines */
function lastOf(lines) {
  return lines.reduce((latest, line) => Math.max(latest, endOf(line)), -Infinity);
}

/**
 * Until when a line tells something: to its newest sample; where it only has points, to the end of the last.
 * @param {Line} line
 */
function endOf(line) {
  return line.lapse === Infinity ? Math.max(line.time, line.lastTime + line.step) : line.time;
}

/**
 * @param {Uint8Array} slots
 * @param {(slot: number) => boolean} test
 * @param {number} first
 * @param {number} step
 * @param {number} start
 * @param {number} end
 * @returns {Span[]}
 */
function runs(slots, test, first, step, start, end) {
  /** @type {Span[]} */
  const spans = [];
  for (let slot = 0; slot < slots.length; slot++) {
    if (!test(slot)) continue;
    const from = slot;
    while (slot < slots.length && test(slot)) slot++;
    spans.push({ from: Math.max(start, (first + from) * step), to: Math.min(end, (first + slot) * step) });
  }
  return spans;
}
