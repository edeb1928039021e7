/** What is shown where there is no value. */
export const NONE = "–";

/**
 * A value as people read it: the number and its unit apart, since they are set in different sizes.
 * @typedef {{ number: string, unit: string }} Formatted
 */

const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL = ["", "k", "M", "G", "T"];
/** @type {Record<string, string>} */
const SYMBOLS = {
  celsius: "°C", rpm: "rpm", watts: "W", volts: "V", amperes: "A", hertz: "Hz", meters: "m", percent: "%", cpus: "CPUs",
};
/** Words that end a metric's name and say its unit. */
const UNIT_WORDS = new Set(["bytes", "seconds", "ratio", ...Object.keys(SYMBOLS)]);

/**
 * The unit of a metric by its name: `bytes`, `seconds`, `ratio` …; of a counter the unit of its rate, `bytes/s`.
 * @param {string} name
 * @param {boolean} [counter] by what is declared; else by the name
 */
export function unitOf(name, counter = name.endsWith("_total")) {
  const word = (counter ? name.replace(/_(total|sum)$/, "") : name).split("_").at(-1) ?? "";
  const unit = UNIT_WORDS.has(word) ? word : "";
  if (!counter) return unit;
  return unit === "seconds" ? "ratio" : `${unit}/s`;
}

/**
 * Write a value with three significant figures in the unit that suits its size.
 * @param {number | null} value
 * @param {string} unit `bytes`, `seconds`, `ratio`, …, with `/s` for a rate; empty for plain numbers
 * @param {boolean} [exact] of a small share, too, three figures
 * @param {boolean} [whole] it counts something: without a unit it needs no decimals
 * @returns {Formatted}
 */
export function format(value, unit = "", exact = false, whole = false) {
  if (value === null || Number.isNaN(value)) return { number: NONE, unit: "" };
  if (!Number.isFinite(value)) return { number: value > 0 ? "∞" : "−∞", unit: "" };
  const rate = unit.endsWith("/s") ? "/s" : "";
  const base = rate ? unit.slice(0, -2) : unit;
  const sign = value < 0 ? "−" : "";
  const size = Math.abs(value);
  if (whole && !unit && size < 999.5 && Number.isInteger(size)) return { number: sign + size, unit: "" };
  const { number, unit: symbol } = magnitude(size, base, exact);
  return { number: sign && /[1-9]/.test(number) ? sign + number : number, unit: symbol + rate };
}

/**
 * The same as one text, the number and its unit parted by a no-break space.
 * @param {number | null} value
 * @param {string} [unit]
 * @param {boolean} [whole] it counts something
 */
export function formatText(value, unit, whole) {
  const { number, unit: symbol } = format(value, unit, false, whole);
  return symbol ? `${number}\u00a0${symbol}` : number;
}

/**
 * The text of an axis tick: as `formatText`, without zeros that only fill up.
 * @param {number} value
 * @param {string} unit
 */
export function formatTick(value, unit) {
  const { number, unit: symbol } = format(value, unit, true);
  const short = number.includes(".") ? number.replace(/\.?0+(?=$|e)/, "") : number;
  return symbol ? `${short}\u00a0${symbol}` : short;
}

/** Lines that once had a value with decimals: they keep them, so that no figure changes its shape each second. */
const broken = new WeakSet();

/**
 * Tell whether all that was seen of lines without a unit was whole, so that they count something.
 * @param {Pick<import("./line.js").Line, "unit" | "value" | "length" | "lowAt" | "highAt">[]} lines
 */
export function isWhole(lines) {
  return lines.every((line) => {
    if (line.unit || broken.has(line) || Number.isNaN(line.value)) return false;
    let whole = Number.isInteger(line.value);
    for (let at = 0; whole && at < line.length; at++) {
      const [low, high] = [line.lowAt(at), line.highAt(at)];
      whole = Number.isNaN(low) || (Number.isInteger(low) && Number.isInteger(high));
    }
    if (!whole) broken.add(line);
    return whole;
  });
}

/** Characters that names must share for their beginning to give way. */
const SHARED = 12;

/**
 * Names in parts of which the first gives way first and the last at last, for by that the name is told apart: what it
 * begins with as others do, what only some of those share with it, and the rest. A name that is unlike all is one part.
 * @param {string[]} names
 * @returns {string[][]}
 */
export function tellApart(names) {
  const order = [...new Set(names)].sort();
  const shared = order.map((name, at) => common(name, order[at + 1] ?? ""));
  /** @type {Map<string, string[]>} */
  const parts = new Map();
  for (let from = 0; from < order.length; from++) {
    let to = from;
    let all = Infinity;
    for (; (shared[to] ?? 0) >= SHARED; to++) all = Math.min(all, shared[to] ?? 0);
    for (let at = from; at <= to && all < Infinity; at++) {
      const name = order[at] ?? "";
      const near = Math.max(at > from ? (shared[at - 1] ?? 0) : 0, at < to ? (shared[at] ?? 0) : 0);
      const [first, last] = [wordAt(name, all), wordAt(name, near)];
      parts.set(name, [name.slice(0, first), name.slice(first, last), name.slice(last)]);
    }
    from = to;
  }
  return names.map((name) => parts.get(name) ?? [name]);
}

/**
 * How many characters two texts begin with alike.
 * @param {string} one
 * @param {string} other
 */
function common(one, other) {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}

/**
 * Where the word begins in which a place is; of a very long word only its end goes along.
 * @param {string} name
 * @param {number} place
 */
function wordAt(name, place) {
  const end = Math.min(place, name.length - 1);
  const before = name.slice(Math.max(1, end - 8), end);
  const [word = ""] = /[\p{L}\p{N}]*$/u.exec(before) ?? [];
  return end - (word.length === before.length ? Math.min(2, word.length) : word.length);
}

/**
 * The parts of a name as one text, shortened to the room that there is.
 * @param {string[]} parts
 * @param {number} room
 * @param {(text: string) => number} width
 */
export function fit(parts, room, width) {
  const whole = parts.join("");
  if (width(whole) <= room) return whole;
  for (let given = 0; given < parts.length; given++) {
    const start = given ? "…" : "";
    const part = parts[given] ?? "";
    const rest = parts.slice(given + 1).join("");
    const last = given === parts.length - 1;
    const least = given && !last ? 1 : 0;
    const shortened = (/** @type {number} */ length) => `${start}${part.slice(0, length)}…${rest}`;
    let [low, high] = [least, part.length]; // by halves, for a label may have thousands of characters
    while (low < high) {
      const middle = (low + high) >> 1;
      if (width(shortened(middle)) <= room) low = middle + 1;
      else high = middle;
    }
    if (low > least && (low > 1 || rest || last)) return shortened(low - 1);
    if (rest && width(`…${rest}`) <= room) return `…${rest}`;
  }
  return "…";
}

/**
 * A text of so many characters at most: its middle gives way, since names often differ at their ends.
 * @param {string} text
 * @param {number} most
 */
export function clip(text, most) {
  const end = Math.floor((most - 1) * 0.4);
  return text.length > most ? `${text.slice(0, most - 1 - end)}…${text.slice(-end)}` : text;
}

/**
 * A length of time in words short enough for a status line: `7 s`, `3 min 20 s`, `2 h 14 min`, `12 d 4 h`.
 * @param {number} seconds
 */
export function formatAge(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole}\u00a0s`;
  if (whole < 3600) return pair(whole, 60, "min", 1, "s");
  if (whole < 86_400) return pair(whole, 3600, "h", 60, "min");
  return pair(whole, 86_400, "d", 3600, "h");
}

/**
 * @param {number} whole
 * @param {number} large
 * @param {string} largeUnit
 * @param {number} small
 * @param {string} smallUnit
 */
function pair(whole, large, largeUnit, small, smallUnit) {
  const rest = Math.floor((whole % large) / small);
  const head = `${Math.floor(whole / large)}\u00a0${largeUnit}`;
  return rest ? `${head} ${rest}\u00a0${smallUnit}` : head;
}

/**
 * @param {number} size
 * @param {string} unit
 * @param {boolean} exact
 * @returns {Formatted}
 */
function magnitude(size, unit, exact) {
  if (unit === "ratio") return { number: exact ? significant(size * 100) : share(size * 100), unit: "%" };
  if (unit === "seconds") return duration(size);
  if (unit === "bytes") return prefixed(size, 1024, BINARY, "B");
  if (unit === "") return prefixed(size, 1000, DECIMAL, "");
  if (unit === "hertz" || unit === "watts") return prefixed(size, 1000, DECIMAL, SYMBOLS[unit] ?? "");
  return { number: significant(size), unit: SYMBOLS[unit] ?? unit };
}

/**
 * @param {number} size
 * @param {number} base
 * @param {string[]} prefixes
 * @param {string} symbol
 * @returns {Formatted}
 */
function prefixed(size, base, prefixes, symbol) {
  if (size >= (base === 1000 ? 999.5e12 : 1023.5 * 1024 ** 6)) return { number: significant(size), unit: symbol };
  let power = 0;
  // 999.5 would be written 1000, so it already belongs to the next prefix; binary units go up to 1023.
  while (power < prefixes.length - 1 && size >= (base === 1000 ? 999.5 : 1023.5)) {
    size /= base;
    power++;
  }
  return { number: significant(size), unit: (prefixes[power] ?? "") + symbol };
}

/**
 * @param {number} seconds
 * @returns {Formatted}
 */
function duration(seconds) {
  if (seconds === 0 || seconds >= 1e15) return { number: significant(seconds), unit: "s" };
  if (seconds < 0.9995e-3) return { number: significant(seconds * 1e6), unit: "µs" };
  if (seconds < 0.9995) return { number: significant(seconds * 1e3), unit: "ms" };
  if (seconds < 60) return { number: significant(seconds), unit: "s" };
  return { number: formatAge(seconds), unit: "" };
}

/** @param {number} percent not negative */
function share(percent) {
  if (percent === 0 || percent >= 99.5) return percent < 1e6 ? String(Math.round(percent)) : significant(percent);
  return percent < 0.05 ? "<0.1" : percent.toFixed(1);
}

/** @param {number} size not negative */
function significant(size) {
  if (size === 0) return "0";
  if (size >= 1e6) return Math.min(size, Number.MAX_VALUE).toExponential(1).replace("e+", "e");
  if (size < 1e-5) return size.toExponential(2);
  if (size >= 99.95) return String(Math.round(size));
  if (size >= 9.995) return size.toFixed(1);
  if (size >= 0.9995) return size.toFixed(2);
  return size.toPrecision(3);
}
