import { formatText } from "./format.js";

/**
 * @typedef {import("./line.js").Line} Line
 * @typedef {{ severity: "" | "warning" | "critical" | "unknown", text: string }} Verdict
 * @typedef {{ selector: string, warning: number, critical: number, say: (line: Line) => string }} Rule
 */

const RESOURCES = /** @type {Record<string, string>} */ ({ cpu: "CPU", memory: "memory", io: "disk" });
const share = (/** @type {Line} */ line) => formatText(line.value, "ratio");

/** What can be wrong with a machine, and from when on it is; the page subscribes to these besides its board. */
export const RULES = /** @type {Rule[]} */ ([
  {
    selector: "system_filesystem_utilization_ratio", warning: 0.85, critical: 0.95,
    say: (line) => `Disk ${line.series.labels["mountpoint"]} ${share(line)} full`,
  },
  {
    selector: "system_filesystem_inodes_utilization_ratio", warning: 0.85, critical: 0.95,
    say: (line) => `Disk ${line.series.labels["mountpoint"]} ${share(line)} of inodes used`,
  },
  { selector: "system_memory_utilization_ratio", warning: 0.85, critical: 0.95, say: (line) => `Memory ${share(line)} used` },
  { selector: "container_memory_utilization_ratio", warning: 0.85, critical: 0.95, say: (line) => `Container memory ${share(line)} used` },
  { selector: "system_swap_utilization_ratio", warning: 0.6, critical: 0.9, say: (line) => `Swap ${share(line)} used` },
  { selector: "system_cpu_total_utilization_ratio", warning: 0.8, critical: 0.95, say: (line) => `CPU ${share(line)} busy` },
  {
    selector: 'system_pressure_stall_ratio{kind="some"}', warning: 0.2, critical: 0.5,
    say: (line) => `Tasks wait for ${RESOURCES[line.series.labels["resource"] ?? ""] ?? "something"} ${share(line)} of the time`,
  },
  {
    selector: "system_temperature_celsius", warning: 85, critical: 95,
    say: (line) => `${line.series.labels["sensor"] || line.series.labels["chip"]} at ${formatText(line.value, "celsius")}`,
  },
]);

/**
 * The worst thing now. Unknown is worse than calm: what is not known to be well is never called well.
 * @param {[Rule, Line[]][]} judged
 * @param {{ name: string, error: string }[]} failed collectors
 * @param {number} now milliseconds
 * @returns {Verdict}
 */
export function worstOf(judged, failed, now) {
  /** @type {Verdict} */
  let worst = { severity: "", text: "" };
  let rank = 0;
  let more = 0;
  let known = 0;
  let stale = 0;
  for (const [rule, lines] of judged) {
    for (const line of lines) {
      if (Number.isNaN(line.value)) continue;
      if (now >= line.deadline) {
        stale++;
        continue;
      }
      known++;
      if (line.value < rule.warning) continue;
      more++;
      const critical = line.value >= rule.critical;
      const weight = (critical ? 2 : 1) + line.value / (rule.critical * 10);
      if (weight <= rank) continue;
      rank = weight;
      worst = { severity: critical ? "critical" : "warning", text: rule.say(line) };
    }
  }
  const [first] = failed;
  if (first && rank < 2) {
    more += failed.length;
    worst = { severity: "warning", text: `Collector ${first.name} fails` };
  }
  if (more > 1) worst.text += ` · ${more - 1} more`;
  if (worst.text) return worst;
  if (!known) return { severity: "unknown", text: stale ? "Not known: the data is old" : "" };
  return stale ? { severity: "unknown", text: "Calm, as far as is known" } : { severity: "", text: "All calm" };
}
