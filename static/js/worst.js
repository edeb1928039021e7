import { clip, formatText, isWhole } from "./format.js";
import { grouped, isTelling, leadingUnit } from "./groups.js";
import { legendTexts } from "./series.js";
import { excess, severityOf } from "./thresholds.js";

/**
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./protocol.js").PanelSpec} PanelSpec
 * @typedef {{ text: string, panel: string }} Problem what it is, and the id of the panel that shows it; empty: none does
 * @typedef {{ severity: "" | "warning" | "critical" | "unknown", text: string, problems: Problem[] }} Verdict
 *   `problems`: the worst first; without any, `text` says how it is else
 */

/** Weights: a collector that fails, and settings with a fault, are worse than any warning, and less than what is critical. */
const CRITICAL = 2;
const FAILURE = 1.995;
const FAULT = 1.994;

/** What must be judged, and well, before all is called calm. */
const MACHINE = ["system_cpu_", "system_memory_", "system_filesystem_"];

/** What pressure is about, as people call it. @type {Record<string, string>} */
const RESOURCES = { cpu: "the CPU", memory: "memory", io: "the disk" };

/** Characters of a name in the line at the head. */
const LONGEST = 40;

/**
 * What a panel judges by its thresholds: each line of its unit, or what a single figure makes of them; `subject` is the
 * same for what would tell of one fault twice.
 * @param {PanelSpec} spec
 * @param {Line[]} all
 */
function values(spec, all) {
  const leading = leadingUnit(spec);
  const lines = all.filter((line) => leading === null || line.unit === leading);
  const single = spec.kind === "stat" || spec.kind === "gauge";
  const names = single ? [] : legendTexts(spec.legend, lines.map(({ series }) => series));
  const parts = single
    ? grouped(lines, spec.legend, spec.unit)
    : lines.map((line, at) => ({ name: names[at] ?? "", value: line.value, unit: spec.unit || line.unit, lines: [line] }));
  const telling = isTelling(spec.legend, lines);
  return parts.map(({ name, value, unit, lines: own }) => {
    const figure = formatText(value, unit, isWhole(own));
    const waiting = own[0] ? pressure(own[0], figure) : null;
    const text = `${spec.title}${telling ? ` ${clip(name, LONGEST)}` : ""} ${figure}`;
    return { value, unit, text, subject: `${spec.id}\n${name}\n${unit}`, ...waiting };
  });
}

/**
 * What the kernel's word for waiting means; null for any other metric. That all work waits says nothing that is not said
 * by the share of time in which some does, or the other way round.
 * @param {Line} line
 * @param {string} figure
 */
function pressure({ series: { name, labels, afar } }, figure) {
  if (name !== "system_pressure_stall_ratio") return null;
  const { resource = "", kind, instance } = labels;
  const work = kind === "full" ? "All work" : "Work";
  const text = `${work}${afar ? ` on ${instance}` : ""} waits for ${RESOURCES[resource] ?? resource} ${figure} of the time`;
  return { text, subject: `waiting\n${resource}\n${instance ?? ""}` };
}

/**
 * Well is what was judged, and nothing else.
 * @param {string[]} titles of the panels
 * @param {Line[]} lines
 */
function calm(titles, lines) {
  const own = lines.filter(({ series }) => !series.afar);
  if (MACHINE.every((start) => own.some(({ series }) => series.name.startsWith(start)))) return "All calm";
  return `Calm: ${titles.length > 2 ? `the ${titles.length} panels with thresholds` : titles.map((title) => clip(title, LONGEST)).join(", ")}`;
}

/**
 * The worst thing now, by the thresholds of the board. Unknown is worse than calm: what is not known to be well is never
 * called well.
 * @param {{ spec: PanelSpec, lines: Line[], refusal?: string }[]} judged panels that have thresholds; of a line shown twice
 *   the first tells
 * @param {{ name: string, error: string, late?: boolean }[]} failed collectors
 * @param {number} now milliseconds
 * @param {boolean} [fault] whether the settings have one
 * @returns {Verdict}
 */
export function worstOf(judged, failed, now, fault = false) {
  /** @type {{ weight: number, subject: string, problem: Problem }[]} */
  const found = failed.map(({ name, late }) => told(FAILURE, `Collector ${name} ${late ? "is late" : "fails"}`));
  if (fault) found.push(told(FAULT, "The settings have a fault"));
  /** @type {Line[]} */
  const known = [];
  /** @type {string[]} */
  const titles = [];
  let stale = 0;
  /** What was bad when it was heard of last: that it is well by now nobody knows. */
  let last = "";
  /** @type {Set<string>} */
  const seen = new Set();
  for (const { spec, lines } of judged) {
    const fresh = lines.filter(({ key, value }) => !seen.has(key) && !Number.isNaN(value));
    for (const { key } of fresh) seen.add(key);
    const live = fresh.filter((line) => now < line.deadline);
    const old = fresh.filter((line) => !(now < line.deadline));
    stale += old.length;
    last ||= values(spec, old).find(({ value }) => severityOf(value, spec.thresholds) !== null)?.text ?? "";
    known.push(...live);
    if (live.length) titles.push(spec.title);
    for (const { value, unit, text, subject } of values(spec, live)) {
      const severity = severityOf(value, spec.thresholds);
      if (severity === null) continue;
      const weight = (severity === "critical" ? CRITICAL : 1) + Math.min(0.99, excess(value, spec.thresholds, unit));
      found.push(told(weight, text, spec.id, subject));
    }
  }
  found.sort((a, b) => b.weight - a.weight);
  const problems = found.filter(({ subject }, at) => found.findIndex((one) => one.subject === subject) === at).map(({ problem }) => problem);
  const [worst] = found;
  if (worst) return { severity: worst.weight >= CRITICAL ? "critical" : "warning", text: "", problems };
  if (!judged.length) return { severity: "", text: "", problems };
  const partly = stale > 0 || judged.some(({ refusal }) => refusal);
  if (!known.length) return { severity: "unknown", text: stale ? "Not known: the data is old" : "", problems };
  if (last) return { severity: "unknown", text: `Not known: ${last} when last heard of`, problems };
  return partly ? { severity: "unknown", text: "Calm, as far as is known", problems } : { severity: "", text: calm(titles, known), problems };
}

/**
 * @param {number} weight
 * @param {string} text
 * @param {string} [panel]
 * @param {string} [subject]
 */
function told(weight, text, panel = "", subject = text) {
  return { weight, subject, problem: { text, panel } };
}
