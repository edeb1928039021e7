import { barsDrawing, barsOf } from "../bars.js";
import { formatAge, formatText, isWhole } from "../format.js";
import { writeName } from "../legend.js";
import { make, Rows, write } from "../rows.js";
import { severityOf } from "../thresholds.js";
import { NO_PANEL } from "../protocol.js";

/**
 * @typedef {import("../line.js").Line} Line
 * @typedef {import("../panel.js").Moment} Moment
 */

/** Height of a row in rem; a roomy one has its bar below and further figures below that. */
const ROW = 2;
const ROOMY = 3.75;
const MARKS = /** @type {Record<string, string>} */ ({ critical: "▲ ", warning: "△ " });

/**
 * Current values as bars, the largest first, as many as there is room for. Lines of another unit than the first
 * selector's are no bars but say more about the bar of the same name: `25.0 GiB used, 76.8 GiB free`. Bars of one unit
 * stand together and have a scale of their own.
 */
export class LiveBars extends HTMLElement {
  moving = false;
  strict = false;
  spec = NO_PANEL;

  /** @type {Line[]} */
  lines = [];

  /** @type {Moment | null} */
  moment = null;

  connectedCallback() {
    this.list = /** @type {HTMLElement} */ (this.querySelector("ul"));
    this.more = /** @type {HTMLElement} */ (this.querySelector(".more"));
    this.rows = new Rows(this.list, () => {
      const root = make("li");
      const [name, track, bar, value, detail] = [make("span", "name"), make("span", "track"), make("i"), make("span", "value"), make("span", "detail")];
      track.append(bar);
      root.append(name, track, value, detail);
      return { root, name, bar, value, detail };
    });
  }

  /**
   * @param {Line[]} lines
   * @param {Moment} moment
   */
  render(lines, moment) {
    [this.lines, this.moment] = [lines, moment];
    const bars = barsOf(lines, this.spec, moment);
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const roomy = bars.length * ROOMY * rem <= this.clientHeight;
    this.list?.classList.toggle("roomy", roomy);
    const room = Math.max(1, Math.floor(this.clientHeight / (ROW * rem)));
    const count = bars.length > room ? room - 1 : bars.length;
    this.rows?.take(count).forEach((row, at) => {
      const { line, name, parts, detail, share } = /** @type {import("../bars.js").Bar} */ (bars[at]);
      const stale = moment.now >= line.deadline;
      const severity = severityOf(line.value, this.spec.thresholds) ?? "";
      writeName(row.name, parts);
      if (row.detail.hidden !== (!detail || !roomy)) row.detail.hidden = !detail || !roomy;
      write(row.detail, detail);
      const title = detail ? `${line.key}\n${name}\n${detail}` : `${line.key}\n${name}`;
      if (row.root.title !== title) row.root.title = title;
      const text = formatText(line.value, this.spec.unit || line.unit, isWhole([line]));
      write(row.value, stale ? `${text} · ${formatAge((moment.now - line.born) / 1000)} ago` : (MARKS[severity] ?? "") + text);
      row.bar.style.transform = `scaleX(${share})`;
      row.root.dataset["severity"] = severity;
      row.root.classList.toggle("stale", stale);
    });
    if (this.more) write(this.more, count < bars.length ? `and ${bars.length - count} more` : "");
  }

  /** What is shown, as the server's image of this panel prints it, too; null while there is nothing. */
  drawing() {
    return this.moment && barsDrawing(this.lines, this.spec, this.moment);
  }
}

customElements.define("live-bars", LiveBars);
