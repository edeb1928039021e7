import { formatAge } from "./format.js";
import { isCounter } from "./rates.js";
import { MOST } from "./store.js";

/**
 * @typedef {import("./answers.js").CollectorState} CollectorState
 * @typedef {{ mayMatch(name: string): boolean }} Choice
 */

/** Failing collectors that are named where there is no data, and characters of what each says. */
const NAMED = 2;
const LONGEST = 120;
/** Seconds that a collector may take over its second sample. */
const SLACK = 2;
/** Kinds of panels that make one figure of all their series. */
const SINGLE = ["stat", "gauge"];

const count = (/** @type {number} */ number) => number.toLocaleString("en");

/**
 * Why a panel cannot be shown as a whole; empty: it can.
 * @param {Map<string, import("./api.js").Refused>} refused by selector
 * @param {Pick<import("./panel.js").Panel, "spec" | "left" | "lines">} panel
 */
export function refusal(refused, { spec, left, lines }) {
  for (const selector of spec.series) {
    const error = refused.get(selector);
    if (!error) continue;
    const { series, max_series: most = MOST } = error.told ?? {};
    if (series === undefined) return `The server does not give this: ${error.message}`;
    return `${selector} chooses ${count(series)} series; at most ${count(Math.min(most, MOST))} can be drawn: narrow its selector.`;
  }
  if (!left || (lines.size && !SINGLE.includes(spec.kind))) return "";
  return `This page keeps ${count(MOST)} series, and ${count(left)} of this panel found no room: narrow a selector.`;
}

/**
 * What to say where there is nothing to show. Only a collector that may give what is missing is at fault.
 * @param {Pick<import("./truth.js").Truth, "collectors" | "failed" | "store">} truth
 * @param {string} kind of the panel
 * @param {Choice} selection
 */
export function absence({ collectors, failed, store }, kind, selection) {
  const all = [...collectors.values()];
  const able = all.filter(({ name, families = [] }) => name === kind || families.some((family) => selection.mayMatch(family)));
  const guilty = able.flatMap(({ source }) => failed.get(source) ?? []);
  if (guilty.length) {
    const told = guilty.slice(0, NAMED).map(({ name, error }) => `collector ${name}: ${brief(error)}`);
    const more = guilty.length > NAMED ? `; and ${guilty.length - NAMED} more` : "";
    return `No data. Failing now: ${told.join("; ")}${more}.`;
  }
  const waits = able.map((one) => second(one, one.name === kind, selection) - store.clock.now());
  const wait = Math.min(...waits.filter((seconds) => seconds > -SLACK));
  if (wait < Infinity) return `No data yet: this needs two samples; the next comes in ${formatAge(Math.max(1, Math.ceil(wait)))}.`;
  const broken = all.filter(({ interval }) => !interval).length;
  const which = broken === 1 ? "1 collector does" : `${broken} collectors do`;
  const hint = broken ? `${which} not load: see the page “Status”.` : "The page “Add” shows how to push it.";
  return `No data: nothing has sent this ${since(all, store)}, or this machine has no such thing. ${hint}`;
}

/**
 * For how long it is known that nothing came: the dashboard forgets at its end what it was sent, and a page asks for no
 * more than it shows.
 * @param {CollectorState[]} all of which the oldest state is as old as the dashboard
 * @param {import("./store.js").Store} store
 */
function since(all, { clock, wanted }) {
  const run = clock.now() - Math.min(...all.map((one) => one.since));
  if (!(run > -Infinity)) return "since the dashboard started";
  if (run >= wanted) return `in the last ${formatAge(wanted)}`;
  // Whole minutes, once there are some: nobody reads a figure that changes each second.
  return `since the dashboard started, ${formatAge(run < 60 ? run : run - (run % 60))} ago`;
}

/**
 * When a collector gives its second sample, where one alone says nothing, in Unix seconds; Infinity: that is not what
 * is missing.
 * @param {CollectorState} collector
 * @param {boolean} whole whether all that it gives is of that kind
 * @param {Choice} selection
 */
function second({ state, interval, since, families = [] }, whole, selection) {
  const counts = whole || families.some((family) => isCounter(family) && selection.mayMatch(family));
  if (!counts || !interval || (state !== "ok" && state !== "waiting")) return Infinity;
  // The first comes with the next full second, those after it at multiples of the interval.
  const first = state === "ok" ? since : since + 1;
  return (Math.floor(first / interval) + 1) * interval;
}

/**
 * The beginning of what a collector says of its failure.
 * @param {string} error
 */
function brief(error) {
  return error.length > LONGEST ? `${error.slice(0, LONGEST - 1)}…` : error;
}
