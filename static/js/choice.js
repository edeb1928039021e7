/**
 * What the page of exploring shows, as its address holds it: selectors, and how they are drawn.
 *
 * @typedef {{ selectors: string[], kind: "line" | "area", stack: boolean }} Choice
 * @typedef {{ unit: string, selectors: string[] }} Chart
 */

/** Selectors of one page at most: an address has its bounds, too. */
export const MOST = 40;

/**
 * @param {string} search what stands in an address from the question mark on
 * @returns {Choice}
 */
export function readChoice(search) {
  const query = new URLSearchParams(search);
  const selectors = query.getAll("match").map((text) => text.trim()).filter(Boolean);
  const stack = query.get("stack") === "1";
  return { selectors: [...new Set(selectors)].slice(0, MOST), kind: stack || query.get("kind") === "area" ? "area" : "line", stack };
}

/**
 * An address with this choice in the place of its own; all else that it says stays.
 * @param {string} href
 * @param {Choice} choice
 */
export function writeChoice(href, { selectors, kind, stack }) {
  const address = new URL(href);
  const query = new URLSearchParams();
  for (const text of selectors) query.append("match", text);
  if (stack) query.set("stack", "1");
  else if (kind === "area") query.set("kind", "area");
  for (const [name, value] of address.searchParams) if (!["match", "kind", "stack"].includes(name)) query.append(name, value);
  address.search = query.toString();
  return address.href;
}

/**
 * Selectors by the unit of what they choose: each has a chart of its own, so that each has an axis that says something.
 * What finds no chart of its own is drawn in the last.
 * @param {string[]} selectors
 * @param {(selector: string) => string} unitOf
 * @param {number} most charts
 * @returns {Chart[]}
 */
export function chartsOf(selectors, unitOf, most) {
  /** @type {Chart[]} */
  const charts = [];
  for (const selector of selectors) {
    const unit = unitOf(selector);
    let chart = charts.find((one) => one.unit === unit);
    if (!chart && charts.length < most) charts.push((chart = { unit, selectors: [] }));
    (chart ?? /** @type {Chart} */ (charts.at(-1))).selectors.push(selector);
  }
  return charts;
}

/**
 * What a chart is called: the names of what it shows, as far as a title holds them.
 * @param {string[]} selectors
 */
export function titleOf(selectors) {
  const names = [...new Set(selectors.map((text) => text.split("{")[0]?.trim() || text))];
  return names.length > 3 ? `${names.slice(0, 2).join(", ")} and ${names.length - 2} more` : names.join(", ");
}

/**
 * How the charts keep their places: one stays where most of what it shows was before, so that nothing that is drawn has
 * to be drawn anew elsewhere.
 * @param {Chart[]} charts
 * @param {string[][]} slots selectors of each place until now
 * @returns {(Chart | null)[]} by place
 */
export function placed(charts, slots) {
  /** @type {(Chart | null)[]} */
  const places = slots.map(() => null);
  const left = charts.filter((chart) => {
    const at = slots.findIndex((known, place) => !places[place] && known.some((text) => chart.selectors.includes(text)));
    if (at >= 0) places[at] = chart;
    return at < 0;
  });
  for (const chart of left) places[places.indexOf(null)] = chart;
  return places;
}
