/**
 * @typedef {Record<string, string>} Labels
 * @typedef {{ name: string, labels: Labels, afar?: boolean }} Series `afar`: of another machine than the page's own
 */

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\.)*)"\s*(,|(?=\}))/y;

/**
 * Read `name{label="value",…}`; throw a SyntaxError on anything else.
 * @param {string} text
 * @returns {Series}
 */
export function parseSeries(text) {
  NAME.lastIndex = 0;
  const name = NAME.exec(text)?.[0];
  if (name === undefined) throw new SyntaxError(`not a series: ${text}`);
  /** @type {Labels} */
  const labels = {};
  if (name.length === text.length) return { name, labels };
  if (text[name.length] !== "{") throw new SyntaxError(`not a series: ${text}`);
  let at = name.length + 1;
  while (text[at] !== "}") {
    LABEL.lastIndex = at;
    const match = LABEL.exec(text);
    if (match === null) throw new SyntaxError(`not a series: ${text}`);
    labels[/** @type {string} */ (match[1])] = unescapeLabel(/** @type {string} */ (match[2]));
    at = LABEL.lastIndex;
  }
  if (at + 1 !== text.length) throw new SyntaxError(`not a series: ${text}`);
  return { name, labels };
}

/**
 * Write a series in its one canonical form: sorted labels, Prometheus's escaping.
 * @param {string} name
 * @param {Labels} labels
 */
export function seriesText(name, labels) {
  const inner = Object.keys(labels).sort().map((key) => `${key}="${escapeLabel(labels[key] ?? "")}"`).join(",");
  return inner ? `${name}{${inner}}` : name;
}

/** @param {string} value */
export function escapeLabel(value) {
  return value.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));
}

/** @param {string} value */
export function unescapeLabel(value) {
  if (!value.includes("\\")) return value;
  return value.replace(/\\./g, (pair) => (pair === "\\n" ? "\n" : pair === "\\\\" ? "\\" : pair === '\\"' ? '"' : pair));
}

/**
 * What a line is called: the legend's `{label}` places filled in; without a legend the labels that tell lines apart.
 * @param {string} legend
 * @param {Series} series
 */
export function legendText(legend, series) {
  if (legend) {
    const text = legend.replace(/\{(\w+)\}/g, (_, label) => (label === "__name__" ? series.name : series.labels[label] ?? "")).trim();
    if (text) return text;
  }
  const own = Object.keys(series.labels).filter((label) => label !== "instance").sort();
  const values = own.map((label) => series.labels[label]).join(" ");
  return values ? `${series.name} ${values}` : series.name;
}

/**
 * Names of series that stand together: with their machines' where one is of another machine than the page's own.
 * @param {string} legend
 * @param {Series[]} all
 */
export function namesOf(legend, all) {
  const where = all.some(({ afar }) => afar) && !legend.includes("{instance}");
  return all.map((series) => legendText(legend, series) + (where ? ` ${series.labels["instance"]}` : ""));
}

/**
 * What the lines of one panel are called; what all names begin with is left off, since the title says it.
 * @param {string} legend
 * @param {Series[]} all
 */
export function legendTexts(legend, all) {
  const texts = namesOf(legend, all);
  const [first = ""] = texts;
  const [only] = all;
  if (!legend && all.length === 1 && only && legendText("", only) === only.name) {
    return [(only.afar && only.labels["instance"]) || "now"];
  }
  if ((legend && !legend.startsWith("{__name__}")) || texts.length < 2) return texts;
  let common = first.length;
  for (const text of texts) while (!text.startsWith(first.slice(0, common))) common--;
  const cut = Math.max(first.lastIndexOf("_", common - 1), first.lastIndexOf(" ", common - 1)) + 1;
  return texts.every((text) => text.length > cut) ? texts.map((text) => text.slice(cut)) : texts;
}
