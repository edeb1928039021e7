import { formatTick } from "./format.js";
import { most, timeTicks, valueTicks } from "./scale.js";

/**
 * The axes that all charts have alike, so that their times stand in one column: values left, wall-clock times below.
 *
 * @typedef {import("./panel.js").Moment} Moment
 * @typedef {{ left: number, right: number, top: number, bottom: number }} Area
 */

/** Width that all charts give to the labels of their values, at 16 px a rem. */
export const GUTTER = 68;
/** Height of the line of times. */
export const AXIS = 22;
/** What is left free on the right, half the newest value's dot and some. */
export const RIGHT = 8;

const FONT = 12;
/** How much wider than its room a label may be, which is then drawn narrower. */
const TIGHT = 1.5;

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Area} area
 * @param {Moment} moment
 * @param {{ family: string, rem: number }} type
 */
export function drawTimes(ctx, area, moment, { family, rem }) {
  const { palette, preferences, range } = moment;
  const [start, end] = [(moment.end - range) * 1000, moment.end * 1000];
  const width = area.right - area.left;
  ctx.font = `${FONT * rem}px ${family}`;
  ctx.fillStyle = palette.muted;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const tick of timeTicks(start, end, width, 96 * rem, preferences.offset)) {
    const x = area.left + ((tick - start) / (end - start)) * width;
    ctx.fillText(preferences.tick?.(tick) ?? "", x, area.bottom + (AXIS / 2 + 1) * rem);
  }
}

/**
 * Faint lines at three or four round values, with their labels.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Area} area
 * @param {{ min: number, max: number }} scale
 * @param {string} unit
 * @param {Moment} moment
 * @param {{ family: string, rem: number }} type
 */
export function drawValues(ctx, area, { min, max }, unit, { palette }, { family, rem }) {
  const height = area.bottom - area.top;
  ctx.font = `${FONT * rem}px ${family}`;
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  for (const tick of valueTicks(min, max, unit, most(height / rem))) {
    const y = area.bottom - ((tick - min) / (max - min || 1)) * height;
    ctx.fillStyle = palette.grid;
    ctx.fillRect(area.left, Math.round(y) - (y >= area.bottom ? 1 : 0), area.right - area.left, Math.max(1, Math.round(rem)));
    ctx.fillStyle = palette.muted;
    const text = formatTick(tick, unit);
    const room = (GUTTER - 8) * rem;
    // A unit that is a phrase stands in the legend alone: pressed together nobody could read it.
    const fits = ctx.measureText(text).width < TIGHT * room;
    ctx.fillText(fits ? text : (text.split("\u00a0")[0] ?? ""), area.left - 6 * rem, y, room);
  }
}
