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
 * @returns {Formatted}
 */
export function format(value, unit = "", exact = false) {
  if (value === null || Number.isNaN(value)) return { number: NONE, unit: "" };
  if (!Number.isFinite(value)) return { number: value > 0 ? "∞" : "−∞", unit: "" };
  const rate = unit.endsWith("/s") ? "/s" : "";
  const base = rate ? unit.slice(0, -2) : unit;
  const sign = value < 0 ? "−" : "";
  const size = Math.abs(value);
  const { number, unit: symbol } = magnitude(size, base, exact);
  return { number: sign && /[1-9]/.test(number) ? sign + number : number, unit: symbol + rate };
}

/**
 * The same as one text, the number and its unit parted by a no-break space.
 * @param {number | null} value
 * @param {string} [unit]
 */
export function formatText(value, unit) {
  const { number, unit: symbol } = format(value, unit);
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
