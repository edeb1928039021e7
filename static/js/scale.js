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

/**
 * Three or four round values from 0 (or below) up to `max`.
 * @param {number} min
 * @param {number} max
 * @param {string} unit
 * @param {number} [most]
 */
export function valueTicks(min, max, unit, most = 3) {
  const span = max - min;
  if (!(span > 0)) return [min];
  const base = unit.startsWith("bytes") ? 1024 ** Math.max(0, Math.floor(Math.log(span) / Math.log(1024))) : 1;
  const rough = span / base / (most - 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = base * power * ([1, 2, 2.5, 5, 10].find((nice) => nice * power >= rough && whole(nice * power, base)) ?? 10);
  const ticks = [];
  for (let at = Math.ceil(min / step - 1e-9); at * step <= max * (1 + 1e-9); at++) ticks.push(at * step);
  return ticks;
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
    const wanted = highest > 0 ? highest * air : 1;
    if (!(wanted <= this.value && wanted > this.value * 0.6)) this.value = wanted;
    return this.value;
  }
}
