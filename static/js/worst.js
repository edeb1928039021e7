import { formatText } from "./format.js";
import { grouped, isTelling, leadingUnit } from "./groups.js";
import { excess, severityOf } from "./thresholds.js";

/**
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./protocol.js").PanelSpec} PanelSpec
 * @typedef {{ text: string, panel: string }} Problem what it is, and the id of the panel that shows it; empty: none does
 * @typedef {{ severity: "" | "warning" | "critical" | "unknown", text: string, problems: Problem[] }} Verdict
 *   `problems`: the worst first; without any, `text` says how it is else
 */

/** Weights: a collector that fails is worse than any warning, and less than what is critical. */
const CRITICAL = 2;
const FAILURE = 1.995;

/** Characters of a name in the line at the head. */
const LONGEST = 40;

/**
 * What a panel judges by its thresholds: each line of its unit, or what a single figure makes of them.
 * @param {PanelSpec} spec
 * @param {Line[]} all
 */
function values(spec, all) {
  const leading = leadingUnit(spec);
  const lines = all.filter((line) => leading === null || line.unit === leading);
  const unit = spec.unit || (lines[0]?.unit ?? "");
  const single = spec.kind === "stat" || spec.kind === "gauge";
  const parts = single ? [lines] : lines.map((line) => [line]);
  return parts.flatMap((part) => grouped(part, spec.legend, unit)).map(({ name, value }) => {
    const which = isTelling(spec.legend, lines.length) ? ` ${clip(name)}` : "";
    return { value, text: `${spec.title}${which} ${formatText(value, unit)}` };
  });
}

/**
 * A long name gives way to the value behind it.
 * @param {string} name
 */
function clip(name) {
  return name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name;
}

/**
 * The worst thing now, by the thresholds of the board. Unknown is worse than calm: what is not known to be well is never
 * called well.
 * @param {{ spec: PanelSpec, lines: Line[] }[]} judged panels that have thresholds; of a line shown twice the first tells
 * @param {{ name: string, error: string }[]} failed collectors
 * @param {number} now milliseconds
 * @returns {Verdict}
 */
export function worstOf(judged, failed, now) {
  /** @type {{ weight: number, problem: Problem }[]} */
  const found = failed.map(({ name }) => ({ weight: FAILURE, problem: { text: `Collector ${name} fails`, panel: "" } }));
  let known = 0;
  let stale = 0;
  /** @type {Set<string>} */
  const seen = new Set();
  for (const { spec, lines } of judged) {
    const fresh = lines.filter(({ key, value }) => !seen.has(key) && !Number.isNaN(value));
    for (const { key } of fresh) seen.add(key);
    const live = fresh.filter((line) => now < line.deadline);
    stale += fresh.length - live.length;
    known += live.length;
    for (const { value, text } of values(spec, live)) {
      const severity = severityOf(value, spec.thresholds);
      if (severity === null) continue;
      const weight = (severity === "critical" ? CRITICAL : 1) + Math.min(0.99, excess(value, spec.thresholds));
      found.push({ weight, problem: { text, panel: spec.id } });
    }
  }
  const problems = found.sort((a, b) => b.weight - a.weight).map(({ problem }) => problem);
  const [worst] = found;
  if (worst) return { severity: worst.weight >= CRITICAL ? "critical" : "warning", text: "", problems };
  if (!judged.length) return { severity: "", text: "", problems };
  if (!known) return { severity: "unknown", text: stale ? "Not known: the data is old" : "", problems };
  return stale ? { severity: "unknown", text: "Calm, as far as is known", problems } : { severity: "", text: "All calm", problems };
}
