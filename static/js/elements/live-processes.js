import { formatText } from "../format.js";
import { allowance, EARLY } from "../staleness.js";
import { make, Rows, write } from "../rows.js";
import { NO_PANEL } from "../protocol.js";

/**
 * @typedef {import("../protocol.js").Processes} Processes
 * @typedef {import("../protocol.js").ProcessRow} ProcessRow
 * @typedef {"cpu_ratio" | "resident_bytes"} Order
 */

const ROW = 1.75;
/** The most characters that a column of short texts gets; longer ones end in an ellipsis. */
const MOST = 9;

/** The busiest processes of each machine, by CPU or by memory. */
export class LiveProcesses extends HTMLElement {
  moving = false;
  strict = true;
  spec = NO_PANEL;
  /** @type {Order} */
  order = "cpu_ratio";
  /** @type {Map<string, { event: Processes, born: number }>} newest of each source */
  newest = new Map();
  /** @type {import("../lookback.js").Past | null} the minute that is shown in the place of what is now */
  past = null;
  pastOf = "";
  /** What its head says of the time that it shows, where that is not what all panels show. */
  told = "";
  /** The most characters that a column has had: it does not narrow again, so that nothing moves to and fro. */
  widest = { pid: 3, user: 4 };

  connectedCallback() {
    this.buttons = /** @type {HTMLButtonElement[]} */ ([...this.querySelectorAll("th button")]);
    for (const button of this.buttons) {
      button.addEventListener("click", () => {
        this.order = /** @type {Order} */ (button.dataset["order"]);
        this.#draw();
      });
    }
    this.rows = new Rows(/** @type {HTMLElement} */ (this.querySelector("tbody")), () => {
      const root = make("tr");
      const [name, pid, user, cpu, memory] = [make("td", "name"), make("td", "value pid"), make("td", "user"), make("td", "value cpu"), make("td", "value")];
      const [track, bar, called, times] = [make("span", "track"), make("i"), make("span"), make("span", "times")];
      const text = make("span");
      track.append(bar);
      name.append(called, times);
      cpu.append(track, text);
      root.append(name, pid, user, cpu, memory);
      return { root, cell: name, name: called, times, pid, user, cpu: text, bar, memory };
    });
  }

  /**
   * @param {Processes} event
   * @param {number} born
   */
  take(event, born) {
    const known = this.newest.get(event.source);
    if (!known || known.event.timestamp <= event.timestamp || born > known.born) this.newest.set(event.source, { event, born });
  }

  /** @param {number} milliseconds */
  age(milliseconds) {
    for (const entry of this.newest.values()) entry.born -= milliseconds;
  }

  /** @returns {import("../panel.js").Subject[]} */
  subjects() {
    return [...this.newest.values()].map(({ event, born }) => {
      const interval = event.interval;
      const deadline = interval === null ? Infinity : born + (allowance(interval) - EARLY) * 1000;
      return { deadline, born, source: event.source, interval };
    });
  }

  render() {
    this.#draw();
  }

  #draw() {
    for (const button of this.buttons ?? []) {
      const sorted = button.dataset["order"] === this.order;
      button.closest("th")?.setAttribute("aria-sort", sorted ? "descending" : "none");
    }
    this.toggleAttribute("data-past", this.past !== null);
    if (this.past) this.#drawPast(this.past);
    else this.#drawNow();
  }

  /** How many rows there is room for. */
  get #room() {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return Math.max(1, Math.floor(this.clientHeight / (ROW * rem)) - 1);
  }

  /** @param {import("../lookback.js").Past} past */
  #drawPast({ minute, words }) {
    const busy = (this.order === "cpu_ratio" ? minute?.by_cpu : minute?.by_memory) ?? [];
    const most = Math.max(1, ...busy.map((one) => one.cpu_ratio));
    this.rows?.take(minute ? Math.min(this.#room, busy.length) : 1).forEach((row, at) => {
      const one = busy[at];
      write(row.name, one?.name ?? words);
      write(row.times, one && one.processes > 1 ? ` ×\u2009${one.processes}` : "");
      const peaks = one && `at most ${formatText(one.cpu_ratio_max, "ratio")} and ${formatText(one.resident_bytes_max, "bytes")}`;
      const title = one ? `${one.name}\non average of the minute, of all processes of this name; ${peaks}` : words;
      if (row.cell.title !== title) row.cell.title = row.root.title = title;
      write(row.cpu, one ? formatText(one.cpu_ratio, "ratio") : "");
      write(row.memory, one ? formatText(one.resident_bytes, "bytes") : "");
      row.bar.style.transform = `scaleX(${one ? Math.min(1, one.cpu_ratio / most) : 0})`;
    });
  }

  #drawNow() {
    const all = [...this.newest.values()].flatMap(({ event }) => event.rows);
    const ranked = all.sort((a, b) => b[this.order] - a[this.order]);
    const room = this.#room;
    this.#widen(ranked.slice(0, room));
    const most = Math.max(1, ...all.map((row) => row.cpu_ratio));
    this.rows?.take(Math.min(room, ranked.length)).forEach((row, at) => {
      const process = /** @type {ProcessRow} */ (ranked[at]);
      write(row.name, process.command ?? process.name);
      write(row.times, "");
      const title = `${process.command ?? process.name}\nprocess ${process.pid}, ${process.threads} threads, ${process.state}`;
      if (row.cell.title !== title) row.cell.title = row.root.title = title;
      write(row.pid, String(process.pid));
      write(row.user, process.user);
      write(row.cpu, formatText(process.cpu_ratio, "ratio"));
      write(row.memory, formatText(process.resident_bytes, "bytes"));
      row.bar.style.transform = `scaleX(${Math.min(1, process.cpu_ratio / most)})`;
    });
  }

  /** @param {ProcessRow[]} rows that are shown */
  #widen(rows) {
    for (const column of /** @type {const} */ (["pid", "user"])) {
      const needed = Math.min(MOST, Math.max(...rows.map((row) => String(row[column]).length)));
      if (needed <= this.widest[column]) continue;
      this.widest[column] = needed;
      this.style.setProperty(`--${column}`, `${needed}ch`);
    }
  }
}

customElements.define("live-processes", LiveProcesses);
