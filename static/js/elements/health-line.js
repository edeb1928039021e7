import { formatAge } from "../format.js";
import { write } from "../rows.js";
import { worstOf } from "../worst.js";

/**
 * @typedef {import("../line.js").Line} Line
 * @typedef {{ spec: import("../protocol.js").PanelSpec, lines: Set<Line> }} Watched a panel with its lines
 */

const UPTIME = "system_uptime_seconds";
const LOADS = ["system_load_1m", "system_load_5m", "system_load_15m"];
const MARKS = { "": "●", warning: "△", critical: "▲", unknown: "○" };

/** One line that says how the machine is: up since, load, and the worst thing now by the thresholds of the board. */
export class HealthLine extends HTMLElement {
  /** @type {Line[]} */
  uptime = [];
  /** @type {Line[]} */
  load = [];
  /** @type {Watched[]} panels that have thresholds */
  watched = [];
  instance = "";

  /** @param {Line} line */
  admit(line) {
    const local = !this.instance || line.series.labels["instance"] === this.instance;
    if (local && line.series.name === UPTIME) this.uptime.push(line);
    if (local && LOADS.includes(line.series.name)) this.load.push(line);
  }

  /** @param {Line} line */
  dismiss(line) {
    for (const lines of [this.uptime, this.load]) {
      const at = lines.indexOf(line);
      if (at >= 0) lines.splice(at, 1);
    }
  }

  /**
   * Write the line; returns until when what it says stays true (`performance.now()`).
   * @param {number} now
   * @param {{ name: string, error: string }[]} failed
   * @param {(line: Line) => boolean} isGone
   */
  render(now, failed, isGone) {
    const read = (/** @type {string} */ part) => /** @type {HTMLElement} */ (this.querySelector(part));
    const [uptime] = this.uptime;
    fact(read(".uptime"), uptime ? [uptime] : [], now, ([line]) => formatAge(line?.value ?? 0));
    const loads = LOADS.flatMap((name) => this.load.find((line) => line.series.name === name) ?? []);
    fact(read(".load"), loads, now, (lines) => lines.map((line) => line.value.toFixed(2)).join("  "));
    const judged = this.watched.map(({ spec, lines }) => ({ spec, lines: [...lines].filter((line) => !isGone(line)) }));
    const { severity, text } = worstOf(judged, failed, now);
    const worst = read(".worst");
    if (worst.dataset["severity"] !== severity) worst.dataset["severity"] = severity;
    write(read(".worst .mark"), text ? MARKS[severity] : "");
    write(read(".worst .text"), text);
    const title = text && `${text}\nby the thresholds of this board`;
    if (worst.title !== title) worst.title = title;
    let until = Infinity;
    for (const line of [...this.uptime, ...this.load, ...judged.flatMap(({ lines }) => lines)]) {
      if (line.deadline > now && !Number.isNaN(line.value)) until = Math.min(until, line.deadline);
    }
    return until;
  }
}

/**
 * @param {HTMLElement} element
 * @param {Line[]} lines
 * @param {number} now
 * @param {(lines: Line[]) => string} say
 */
function fact(element, lines, now, say) {
  const known = lines.filter((line) => !Number.isNaN(line.value));
  const oldest = known.reduce((least, line) => Math.min(least, line.born), Infinity);
  const stale = known.some((line) => now >= line.deadline);
  element.classList.toggle("stale", stale);
  const age = stale ? ` · ${formatAge((now - oldest) / 1000)} old` : "";
  write(/** @type {HTMLElement} */ (element.querySelector("b")), known.length ? say(known) + age : "–");
}

customElements.define("health-line", HealthLine);
