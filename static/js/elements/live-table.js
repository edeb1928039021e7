import { timeWords } from "../blind.js";
import { tableDrawing } from "../drawing.js";
import { formatAge, formatText, isWhole, tellApart } from "../format.js";
import { writeName } from "../legend.js";
import { make, Rows, write } from "../rows.js";
import { legendTexts } from "../series.js";
import { NO_PANEL } from "../protocol.js";

/**
 * @typedef {import("../line.js").Line} Line
 * @typedef {import("../panel.js").Moment} Moment
 */

const ROW = 1.75;

/** The newest value of each line, with how old it is. */
export class LiveTable extends HTMLElement {
  moving = true;
  strict = false;
  spec = NO_PANEL;

  /** @type {Line[]} */
  lines = [];

  /** @type {Moment | null} */
  moment = null;

  connectedCallback() {
    this.more = /** @type {HTMLElement} */ (this.querySelector(".more"));
    this.rows = new Rows(/** @type {HTMLElement} */ (this.querySelector("tbody")), () => {
      const root = make("tr");
      const [cell, name, value, age] = [make("td"), make("span", "name"), make("td", "value"), make("td", "value age")];
      cell.append(name);
      root.append(cell, value, age);
      return { root, name, value, age };
    });
  }

  /**
   * @param {Line[]} lines
   * @param {Moment} moment
   */
  render(lines, moment) {
    [this.lines, this.moment] = [lines, moment];
    const known = lines.filter((line) => !Number.isNaN(line.value));
    write(/** @type {HTMLElement} */ (this.querySelector("th.age")), moment.past === null ? "Age" : "At");
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const room = Math.max(1, Math.floor(this.clientHeight / (ROW * rem)) - 1);
    const count = known.length > room ? room - 1 : known.length;
    const texts = legendTexts(this.spec.legend, known.map((line) => line.series));
    const parts = tellApart(texts);
    this.rows?.take(count).forEach((row, at) => {
      const line = /** @type {Line} */ (known[at]);
      writeName(row.name, parts[at] ?? []);
      const title = `${line.key}\n${texts[at]}`;
      if (row.root.title !== title) row.root.title = title;
      write(row.value, formatText(line.value, this.spec.unit || line.unit, isWhole([line])));
      write(row.age, moment.past === null ? formatAge((moment.now - line.born) / 1000) : timeWords(moment, line.time));
      row.root.classList.toggle("stale", moment.now >= line.deadline);
    });
    if (this.more) write(this.more, count < known.length ? `and ${known.length - count} more` : "");
  }

  /** What is shown, as the server's image of this panel prints it, too; null while there is nothing. */
  drawing() {
    return this.moment && tableDrawing(this.lines, this.spec, this.moment);
  }
}

customElements.define("live-table", LiveTable);
