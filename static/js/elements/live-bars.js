import { formatAge, formatText } from "../format.js";
import { make, Rows, write } from "../rows.js";
import { legendText } from "../series.js";
import { severityOf } from "../thresholds.js";
import { NO_PANEL } from "../protocol.js";

/** Height of a row in rem. */
const ROW = 2;
const MARKS = /** @type {Record<string, string>} */ ({ critical: "▲ ", warning: "△ " });

/** Current values as bars, the largest first, as many as there is room for. */
export class LiveBars extends HTMLElement {
  moving = false;
  strict = false;
  spec = NO_PANEL;

  connectedCallback() {
    const list = /** @type {HTMLElement} */ (this.querySelector("ul"));
    this.more = /** @type {HTMLElement} */ (this.querySelector(".more"));
    this.rows = new Rows(list, () => {
      const root = make("li");
      const [name, track, bar, value] = [make("span", "name"), make("span", "track"), make("i"), make("span", "value")];
      track.append(bar);
      root.append(name, track, value);
      return { root, name, bar, value };
    });
  }

  /**
   * @param {import("../line.js").Line[]} lines
   * @param {import("../panel.js").Moment} moment
   */
  render(lines, moment) {
    const ranked = lines.filter((line) => !Number.isNaN(line.value)).sort((a, b) => b.value - a.value);
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const room = Math.max(1, Math.floor(this.clientHeight / (ROW * rem)));
    const count = ranked.length > room ? room - 1 : ranked.length;
    const highest = this.spec.max ?? ranked[0]?.value ?? 1;
    this.rows?.take(count).forEach((row, at) => {
      const line = /** @type {import("../line.js").Line} */ (ranked[at]);
      const stale = moment.now >= line.deadline;
      const severity = severityOf(line.value, this.spec.thresholds) ?? "";
      const name = legendText(this.spec.legend, line.series);
      write(row.name, name);
      if (row.root.title !== line.key) row.root.title = line.key;
      const text = formatText(line.value, this.spec.unit || line.unit);
      write(row.value, stale ? `${text} ${formatAge((moment.now - line.born) / 1000)} ago` : (MARKS[severity] ?? "") + text);
      row.bar.style.transform = `scaleX(${Math.min(1, Math.max(0, line.value / highest)) || 0})`;
      row.root.dataset["severity"] = severity;
      row.root.classList.toggle("stale", stale);
    });
    if (this.more) write(this.more, count < ranked.length ? `and ${ranked.length - count} more` : "");
  }
}

customElements.define("live-bars", LiveBars);
