import { formatAge, formatText, isWhole, tellApart } from "../format.js";
import { leadingUnit } from "../groups.js";
import { writeName } from "../legend.js";
import { make, Rows, write } from "../rows.js";
import { namesOf } from "../series.js";
import { severityOf } from "../thresholds.js";
import { NO_PANEL } from "../protocol.js";

/**
 * @typedef {import("../line.js").Line} Line
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
   * @param {import("../panel.js").Moment} moment
   */
  render(lines, moment) {
    const unit = leadingUnit(this.spec);
    const known = lines.filter((line) => !Number.isNaN(line.value));
    const names = namesOf(this.spec.legend, known.map(({ series }) => series));
    const nameOf = new Map(known.map((line, at) => [line, names[at] ?? ""]));
    const parts = tellApart(names);
    const partsOf = new Map(known.map((line, at) => [line, parts[at] ?? []]));
    const leading = known.filter((line) => unit === null || line.unit === unit);
    const named = new Set(leading.map((line) => nameOf.get(line)));
    const details = known.filter((line) => !leading.includes(line) && named.has(nameOf.get(line)));
    const { ranked, longest } = scaled([...leading, ...known.filter((line) => !leading.includes(line) && !details.includes(line))], this.spec);
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const roomy = ranked.length * ROOMY * rem <= this.clientHeight;
    this.list?.classList.toggle("roomy", roomy);
    const room = Math.max(1, Math.floor(this.clientHeight / (ROW * rem)));
    const count = ranked.length > room ? room - 1 : ranked.length;
    this.rows?.take(count).forEach((row, at) => {
      const line = /** @type {Line} */ (ranked[at]);
      const stale = moment.now >= line.deadline;
      const severity = severityOf(line.value, this.spec.thresholds) ?? "";
      const name = nameOf.get(line) ?? "";
      writeName(row.name, partsOf.get(line) ?? []);
      const own = details.filter((other) => nameOf.get(other) === name && moment.now < other.deadline);
      const detail = sizes(own.sort((a, b) => rankOf(this.spec, a) - rankOf(this.spec, b))).join(" · ");
      if (row.detail.hidden !== (!detail || !roomy)) row.detail.hidden = !detail || !roomy;
      write(row.detail, detail);
      const title = detail ? `${line.key}\n${name}\n${detail}` : `${line.key}\n${name}`;
      if (row.root.title !== title) row.root.title = title;
      const text = formatText(line.value, this.spec.unit || line.unit, isWhole([line]));
      write(row.value, stale ? `${text} · ${formatAge((moment.now - line.born) / 1000)} ago` : (MARKS[severity] ?? "") + text);
      row.bar.style.transform = `scaleX(${Math.min(1, Math.max(0, line.value / (longest.get(line) ?? NaN))) || 0})`;
      row.root.dataset["severity"] = severity;
      row.root.classList.toggle("stale", stale);
    });
    if (this.more) write(this.more, count < ranked.length ? `and ${ranked.length - count} more` : "");
  }
}

/**
 * Bars in their order, those of one unit together, the largest first; and for each the value of a full bar.
 * @param {Line[]} bars
 * @param {import("../protocol.js").PanelSpec} spec
 */
function scaled(bars, { unit, max }) {
  const unitOf = (/** @type {Line} */ line) => unit || line.unit;
  const units = [...new Set(bars.map(unitOf))];
  const ranked = units.flatMap((own) => bars.filter((line) => unitOf(line) === own).sort((a, b) => b.value - a.value));
  const highest = new Map(units.map((own) => [own, max ?? Math.max(0, ranked.find((line) => unitOf(line) === own)?.value ?? 0)]));
  return { ranked, longest: new Map(ranked.map((line) => [line, highest.get(unitOf(line))])) };
}

/**
 * Which of the panel's selectors a line comes from, by the name.
 * @param {import("../protocol.js").PanelSpec} spec
 * @param {Line} line
 */
function rankOf({ series }, line) {
  return series.findIndex((selector) => selector.split("{")[0] === line.series.name);
}

/**
 * What is used and what is free, of each metric whose series are parts by their state; else its value.
 * @param {Line[]} lines
 */
function sizes(lines) {
  const names = [...new Set(lines.map((line) => line.series.name))];
  return names.map((name) => {
    const parts = lines.filter((line) => line.series.name === name);
    const [{ unit = "" } = {}] = parts;
    const what = unit ? "" : ` ${name.split("_").at(-1)}`;
    const of = (/** @type {string} */ state) => parts.find((line) => line.series.labels["state"] === state)?.value ?? NaN;
    if (Number.isNaN(of("used"))) return formatText(parts.reduce((sum, line) => sum + line.value, 0), unit) + what;
    return `${formatText(of("used"), unit)}${what} used, ${formatText(of("free"), unit)} free`;
  });
}

customElements.define("live-bars", LiveBars);
