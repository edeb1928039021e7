/**
 * The times in which the monitor itself did not watch: a band on every chart, across which nothing is drawn.
 *
 * @typedef {import("./panel.js").Moment} Moment
 * @typedef {import("./line.js").Line} Line
 * @typedef {{ from: number, to: number, cause?: string }} Span seconds
 * @typedef {{ left: number, right: number, top: number, bottom: number }} Area
 */

/** Bands in one chart at most; the newest. */
const MOST = 500;
/** Least width of a band, pixels: a short one is seen in a long range, too. */
const LEAST = 2;
/** Height of the strip that marks the holes of single lines. */
const STRIP = 6;

/**
 * The blind times that a chart shows, the newest first.
 * @param {Pick<Moment, "blinds" | "end" | "range">} moment
 * @returns {Span[]}
 */
export function blinds({ blinds: all, end, range }) {
  return all.filter(({ from, to }) => to > end - range && from < end).slice(0, MOST);
}

/**
 * What answers and events tell of blind times, each once, the newest first.
 * @template {Span} T
 * @param {T[]} answered
 * @param {T[]} told
 */
export function joined(answered, told) {
  if (!answered.length) return told;
  const fresh = told.filter(({ from, to }) => !answered.some((one) => one.from < to && from < one.to));
  return fresh.length ? [...answered, ...fresh].sort((a, b) => b.from - a.from) : answered;
}

/**
 * Those of which no line knows anything: what is pushed may tell afterwards what was meanwhile.
 * @param {Line[]} lines
 * @param {Moment} moment
 */
export function unknown(lines, moment) {
  return blinds(moment).filter((span) => !lines.some((line) => knows(line, span)));
}

/**
 * Tell whether a line has a sample of a time. One just within its ends, by the time of a tick, was taken just without.
 * @param {Line} line
 * @param {Span} span
 */
function knows(line, { from, to }) {
  const slack = Math.max(line.step, line.interval ?? line.step);
  for (let at = line.length - 1; at >= 0 && line.timeAt(at) >= from + 1; at--) {
    if (line.timeAt(at) + slack < to && !Number.isNaN(line.meanAt(at))) return true;
  }
  return false;
}

/**
 * @param {Span[]} spans
 * @param {number | null} time seconds
 */
export function within(spans, time) {
  return time !== null && spans.some(({ from, to }) => time > from && time < to);
}

/**
 * Hatch what nobody knows, each place once, and tint the times in which nobody watched.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Area} area
 * @param {Moment} moment
 * @param {import("./hatch.js").Hatch} hatch
 * @param {{ holes: Span[], partial?: Span[] }} coverage
 */
export function drawUnknown(ctx, area, moment, hatch, { holes, partial = [] }) {
  const height = area.bottom - area.top;
  const place = placed(area, moment);
  const bands = merged(blinds(moment).map(place));
  ctx.beginPath();
  for (const { x, width } of [...holes.map(place), ...bands]) ctx.rect(x, area.top, width, height);
  for (const { x, width } of partial.map(place)) ctx.rect(x, area.bottom - STRIP, width, STRIP);
  ctx.fillStyle = hatch.of(ctx, moment.palette.hatch);
  ctx.fill();
  ctx.fillStyle = moment.palette.muted;
  for (const { x, width } of bands) {
    ctx.globalAlpha = 0.1;
    ctx.fillRect(x, area.top, width, height);
    ctx.globalAlpha = 0.45;
    ctx.fillRect(x, area.top, 1, height);
    ctx.fillRect(x + width - 1, area.top, 1, height);
  }
  ctx.globalAlpha = 1;
}

/**
 * Keep whatever is drawn until the next `restore` out of some times.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Area} area
 * @param {Moment} moment
 * @param {Span[]} spans
 */
export function keepOut(ctx, area, moment, spans) {
  const { width: wide, height: high } = ctx.canvas;
  for (const { x, width } of merged(spans.map(placed(area, moment)))) {
    ctx.beginPath();
    ctx.rect(0, 0, wide, high);
    ctx.rect(x, 0, width, high);
    ctx.clip("evenodd");
  }
}

/**
 * Write into each band what it is, from when to when if there is room.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Area} area
 * @param {Moment} moment
 * @param {number} rem
 */
export function nameBlinds(ctx, area, moment, rem) {
  const place = placed(area, moment);
  for (const span of blinds(moment)) {
    const { x, width } = place(span);
    const text = [`blind ${spanText(span, moment.preferences, moment.dated)}`, "blind"].find((one) => ctx.measureText(one).width + 20 * rem <= width);
    if (text) tag(ctx, text, x + width / 2, area.top + 5 * rem, moment.palette, rem);
  }
}

/**
 * Small words on a ground of their own, about a middle.
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {import("./palette.js").Palette} palette
 * @param {number} rem
 */
function tag(ctx, text, x, y, palette, rem) {
  const width = ctx.measureText(text).width + 8 * rem;
  ctx.fillStyle = palette.surface;
  ctx.fillRect(x - width / 2, y, width, 16 * rem);
  ctx.fillStyle = palette.muted;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  ctx.fillText(text, x, y + 2 * rem);
}

/**
 * From when to when, with the days where these are not the same, or all times of the page need theirs.
 * @param {Span} span
 * @param {import("./preferences.js").Preferences} preferences
 * @param {boolean} [dated]
 */
export function spanText({ from, to }, preferences, dated = false) {
  const [first, last] = [from * 1000, to * 1000];
  const days = [first, last].map((time) => preferences.day?.(time));
  const clocks = [first, last].map((time) => preferences.clock?.(time));
  if (days[0] === days[1]) return (dated ? `${days[0]} ` : "") + clocks.join("–");
  return clocks.map((clock, at) => `${days[at]} ${clock}`).join("–");
}

/**
 * A time as the page tells it, with its day where that is not today's.
 * @param {Pick<Moment, "preferences" | "dated">} moment
 * @param {number} seconds
 */
export function timeWords({ preferences, dated }, seconds) {
  const time = seconds * 1000;
  return dated ? `${preferences.day?.(time)} ${preferences.clock?.(time)}` : (preferences.clock?.(time) ?? "");
}

/**
 * Bands that touch, as one: in a long range many fall into one place.
 * @param {{ x: number, width: number }[]} bands the newest first
 */
function merged(bands) {
  /** @type {{ x: number, width: number }[]} */
  const found = [];
  for (const { x, width } of bands) {
    const right = found.at(-1);
    const touches = right !== undefined && x <= right.x + right.width && x + width >= right.x;
    if (!touches) found.push({ x, width });
    else Object.assign(right, { x: Math.min(x, right.x), width: Math.max(x + width, right.x + right.width) - Math.min(x, right.x) });
  }
  return found;
}

/**
 * Where times lie on the axis, on whole pixels.
 * @param {Area} area
 * @param {Moment} moment
 */
function placed({ left, right }, { end, range }) {
  const scale = (right - left) / range;
  const at = (/** @type {number} */ time) => Math.round(Math.min(right, Math.max(left, left + (time - end + range) * scale)));
  return (/** @type {Span} */ { from, to }) => {
    const [x, width] = [at(from), at(to) - at(from)];
    return { x: Math.min(x, Math.round(right) - LEAST), width: Math.max(width, LEAST) };
  };
}
