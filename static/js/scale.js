const TIME_STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

/**
 * Moments to label on a time axis, in milliseconds: round ones, about one each `room` pixels.
 * @param {number} start milliseconds
 * @param {number} end milliseconds
 * @param {number} width pixels
 * @param {number} [room] pixels
 */
export function timeTicks(start, end, width, room = 104) {
  const wanted = ((end - start) / 1000) * (room / Math.max(width, 1));
  const step = 1000 * (TIME_STEPS.find((seconds) => seconds >= wanted) ?? 7200);
  const margin = ((end - start) * 22) / Math.max(width, 1);
  const ticks = [];
  for (let at = Math.ceil((start + margin) / step) * step; at <= end - margin; at += step) ticks.push(at);
  return ticks;
}

/** What is drawn lies within these: beyond them sums and spans are no finite numbers, below the least span no slope is. */
const LARGEST = Number.MAX_VALUE / 8;
const LEAST = 1e-300;

/**
 * A value as far as it can be drawn; NaN stays a hole.
 * @param {number} value
 */
export function drawable(value) {
  return Math.abs(value) > LARGEST ? Math.sign(value) * LARGEST : value;
}

/**
 * The ends of a value axis, as finite numbers apart from each other.
 * @param {number} min
 * @param {number} max
 */
export function bounds(min, max) {
  const low = drawable(min);
  const high = drawable(max);
  return { min: low, max: high - low > Math.max(LEAST, Math.abs(low) * 1e-12) ? high : low + Math.max(1, Math.abs(low) * 1e-3) };
}

/** More ticks than any axis has; so that no rounding makes their loop endless. */
const MOST_TICKS = 12;

/**
 * Three or four round values from 0 (or below) up to `max`.
 * @param {number} min
 * @param {number} max
 * @param {string} unit
 * @param {number} [most]
 * @returns {number[]}
 */
export function valueTicks(min, max, unit, most = 3) {
  const span = max - min;
  if (span === Infinity) return valueTicks(min / 4, max / 4, unit, most).map((tick) => tick * 4).filter(Number.isFinite);
  if (!(span > LEAST)) return [min];
  const base = unit.startsWith("bytes") ? 1024 ** Math.max(0, Math.floor(Math.log(span) / Math.log(1024))) : 1;
  const rough = span / base / (most - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = base * power * ([1, 2, 2.5, 5, 10].find((nice) => nice * power >= rough && whole(nice * power, base)) ?? 10);
  const first = Math.ceil(min / step - 1e-9);
  const ticks = Array.from({ length: MOST_TICKS }, (_, at) => (first + at) * step);
  return [...new Set(ticks)].filter((tick) => Number.isFinite(tick) && tick <= max + span * 1e-9);
}

/**
 * Below one KiB a fraction of a byte is no round value.
 * @param {number} step
 * @param {number} base
 */
function whole(step, base) {
  return base === 1 || step < 1 || Number.isInteger(step) || step === 2.5;
}

/** The upper end of a value axis: leaves air above the data, and shrinks only when the data has clearly shrunk. */
export class Ceiling {
  constructor() {
    this.value = 0;
  }

  /**
   * @param {number} highest of the data shown
   * @param {number} air factor above it
   */
  above(highest, air) {
    const wanted = highest > LEAST ? drawable(drawable(highest) * air) : 1;
    if (!(wanted <= this.value && wanted > this.value * 0.6)) this.value = wanted;
    return this.value;
  }
}

/**
 * What is full by the unit alone; null: nobody knows.
 * @param {string} unit
 */
export function fullOf(unit) {
  return unit === "ratio" ? 1 : unit === "percent" ? 100 : null;
}

/**
 * The next round value that is no lower: of bytes a power of two or one and a half of it, else of ten.
 * @param {number} value
 * @param {string} unit
 */
export function roundUp(value, unit) {
  if (!(value > LEAST)) return 0;
  const least = drawable(value) * (1 - 1e-9);
  if (unit.startsWith("bytes")) {
    const power = 2 ** Math.floor(Math.log2(least));
    return power * ([1, 1.5].find((nice) => nice * power >= least) ?? 2);
  }
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 1.5, 2, 3, 4, 6, 8].find((nice) => nice * power >= least) ?? 10);
}

/** A round value above what is shown, which stays while that changes little. */
export class Reach {
  constructor() {
    this.value = 0;
  }

  /**
   * @param {number} highest of what is shown
   * @param {string} unit
   */
  above(highest, unit) {
    const least = roundUp(highest, unit);
    if (!(least <= this.value && this.value <= roundUp(highest * 1.5, unit))) this.value = least;
    return this.value;
  }
}
