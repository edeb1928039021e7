const DAY = 86_400;
const TIME_STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY, 2 * DAY, 7 * DAY, 28 * DAY, 91 * DAY, 364 * DAY];
/** Milliseconds from the beginning of all times to a Monday, with which ticks of weeks begin. */
const MONDAY = 4 * DAY * 1000;

/**
 * Moments to label on a time axis, in milliseconds: round ones on the clock that is shown, about one each `room` pixels.
 * @param {number} start milliseconds
 * @param {number} end milliseconds
 * @param {number} width pixels
 * @param {number} [room] pixels
 * @param {(time: number) => number} [offset] milliseconds by which the clock that is shown is ahead of UTC
 */
export function timeTicks(start, end, width, room = 104, offset = () => 0) {
  const wanted = ((end - start) / 1000) * (room / Math.max(width, 1));
  const step = 1000 * (TIME_STEPS.find((seconds) => seconds >= wanted) ?? 364 * DAY);
  const margin = ((end - start) * 22) / Math.max(width, 1);
  const origin = step % (7 * DAY * 1000) ? 0 : MONDAY;
  const [first, last] = [start + margin, end - margin];
  const ticks = [];
  for (let at = Math.ceil((first + offset(first) - origin) / step) * step + origin; ticks.length < MOST_TIMES; at += step) {
    // What the clock shows is known, and how far it is ahead then: twice, for in between it may have been set.
    const time = at - offset(at - offset(at));
    if (time > last) break;
    if (time >= first) ticks.push(time);
  }
  return ticks;
}

/** Labels of a time axis at most; so that nothing makes their loop endless. */
const MOST_TIMES = 200;

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

/**
 * How many values an axis of a height names at most.
 * @param {number} height pixels at 16 px a rem
 */
export function most(height) {
  return height > 180 ? 4 : height > 80 ? 3 : 2;
}

/** More ticks than any axis has; so that no rounding makes their loop endless. */
const MOST_TICKS = 12;

/**
 * Three or four round values between the ends of an axis, never one alone.
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
  const base = baseOf(unit, span);
  const rough = span / base / (most - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = base * power * ([1, 2, 2.5, 5, 10].find((nice) => nice * power >= rough && whole(nice * power, base)) ?? 10);
  const first = Math.ceil(min / step - 1e-9);
  const ticks = Array.from({ length: MOST_TICKS }, (_, at) => (first + at) * step);
  const found = [...new Set(ticks)].filter((tick) => Number.isFinite(tick) && tick <= max + span * 1e-9);
  // One alone names no scale: between ends that are no round values smaller steps do.
  return found.length > 1 || most === MOST_TICKS ? found : valueTicks(min, max, unit, most + 1);
}

/** Seconds that are round values on an axis that is twice as long at least: a day, an hour, a minute. */
const CLOCK = [86_400, 3600, 60];

/**
 * What the ticks of an axis count in: of bytes a power of 1024, of lengths of time a minute, an hour, a day; else one.
 * @param {string} unit
 * @param {number} span
 */
function baseOf(unit, span) {
  if (unit === "seconds") return CLOCK.find((size) => span >= 2 * size) ?? 1;
  return unit.startsWith("bytes") ? 1024 ** Math.max(0, Math.floor(Math.log(span) / Math.log(1024))) : 1;
}

/**
 * A fraction is no round value, but for those below one: half a minute, and of bytes half a KiB.
 * @param {number} step
 * @param {number} base
 */
function whole(step, base) {
  return base === 1 || step < 1 || Number.isInteger(step) || step === 2.5;
}

/** First figures of the upper ends of axes: each about a ninth above the one before. */
const TOPS = [1, 1.1, 1.2, 1.3, 1.5, 1.7, 1.9, 2.1, 2.4, 2.7, 3, 3.4, 3.8, 4.2, 4.7, 5.3, 6, 6.7, 7.5, 8.5];

/**
 * The upper end of a value axis: leaves air above the data, and stays while these change little. It is told by the data
 * alone, so that all screens and images of a chart have the same.
 * @param {number} highest of the data shown
 * @param {number} air factor above it
 */
export function topOf(highest, air) {
  const wanted = highest > LEAST ? drawable(drawable(highest) * air) : 1;
  const power = Number(`1e${wanted.toExponential().split("e")[1]}`);
  return drawable(power * (TOPS.find((top) => top * power >= wanted) ?? 10));
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
