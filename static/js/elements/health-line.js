import { formatAge } from "../format.js";
import { write } from "../rows.js";
import { worstOf } from "../worst.js";

/**
 * @typedef {import("../line.js").Line} Line
 * @typedef {{ spec: import("../protocol.js").PanelSpec, lines: Set<Line>, refusal: string }} Watched a panel with its lines
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
  /** Whether the settings have a fault. */
  fault = false;

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
    const judged = this.watched.map(({ spec, lines, refusal }) => ({ spec, refusal, lines: [...lines].filter((line) => !isGone(line)) }));
    const { severity, text, problems } = worstOf(judged, failed, now, this.fault);
    const worst = read(".worst");
    if (worst.dataset["severity"] !== severity) worst.dataset["severity"] = severity;
    write(read(".worst .mark"), text || problems.length ? MARKS[severity] : "");
    write(read(".worst .text"), text);
    const links = this.querySelectorAll("a.problem");
    links.forEach((link, at) => point(/** @type {HTMLAnchorElement} */ (link), problems[at]));
    // Where there is no room for the second it is one of those that are only counted.
    [...this.querySelectorAll(".worst .more")].forEach((more, at) => {
      const left = problems.length - 2 + at;
      write(/** @type {HTMLElement} */ (more), left > 0 ? `· ${left} more` : "");
    });
    const all = text || problems.map((problem) => problem.text).join("\n");
    const title = all && `${all}\nby the thresholds of this board`;
    if (worst.title !== title) worst.title = title;
    let until = Infinity;
    for (const line of [...this.uptime, ...this.load, ...judged.flatMap(({ lines }) => lines)]) {
      if (line.deadline > now && !Number.isNaN(line.value)) until = Math.min(until, line.deadline);
    }
    return until;
  }
}

/**
 * Name a problem, with the way to its panel.
 * @param {HTMLAnchorElement} link
 * @param {import("../worst.js").Problem | undefined} problem
 */
function point(link, problem) {
  write(link, problem?.text ?? "");
  const href = problem?.panel ? `#panel-${problem.panel}` : null;
  if (link.getAttribute("href") === href) return;
  if (href === null) link.removeAttribute("href");
  else link.setAttribute("href", href);
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
