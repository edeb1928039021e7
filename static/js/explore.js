import { Catalogue } from "./catalogue.js";
import { chartsOf, MOST, placed, readChoice, titleOf, writeChoice } from "./choice.js";
import { copy } from "./clipboard.js";
import { Finder } from "./finder.js";
import { make, write } from "./rows.js";
import { Selection } from "./selection.js";

/**
 * @typedef {import("./choice.js").Choice} Choice
 * @typedef {import("./panel.js").Panel} Panel
 * @typedef {import("./elements/live-chart.js").LiveChart} LiveChart
 */

/** Lines that a chart of this page draws at most: all looks that there are, eight colours in three kinds of strokes. */
const LINES = 24;
/** Milliseconds for which a list of series is new enough. */
const FRESH = 30_000;

/** The page that shows any series: its list, what is chosen, and the charts of it. */
export class Explore {
  /**
   * @param {object} options
   * @param {import("./protocol.js").BoardSpec} options.spec
   * @param {import("./board.js").Board} options.board
   * @param {import("./feed.js").Feed} options.feed
   * @param {import("./api.js").Api} options.api
   */
  constructor({ spec, board, feed, api }) {
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (document.querySelector(selector));
    this.board = board;
    this.feed = feed;
    this.api = api;
    this.main = find("main");
    this.chosen = find("#chosen");
    this.bound = find("#chosen .bound");
    this.welcome = find("#welcome");
    this.copier = find("[data-copy-panels]");
    this.shapes = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-shape]"));
    const panels = [...board.panels];
    this.values = /** @type {Panel} */ (panels.pop());
    this.charts = panels;
    for (const panel of panels) {
      const chart = /** @type {LiveChart} */ (/** @type {unknown} */ (panel.view));
      chart.most = LINES;
      chart.restyle();
      panel.dirty = true;
    }
    // The page's line of health needs some besides what is chosen.
    const own = new Set(this.values.spec.series);
    this.also = spec.history.selectors.filter((text) => !own.has(text));
    /** @type {Choice} */
    this.choice = { ...readChoice(location.search), selectors: [...own] };
    // An address that was written by hand is from now on as this page writes it, unless there is something wrong with it.
    if (!find("#chosen .refused")) history.replaceState(history.state, "", writeChoice(location.href, this.choice));
    /** @type {Catalogue | null} */
    this.catalogue = null;
    this.learnedAt = -Infinity;
    this.finder = new Finder(find("#finder"), (selectors) => this.choose({ ...this.choice, selectors }), () => void this.#learn());
    find("[data-clear]").addEventListener("click", () => {
      this.choose({ ...this.choice, selectors: [] });
      this.finder.input.focus();
    });
    this.copier.addEventListener("click", () => void this.#copy());
    for (const button of this.shapes) button.addEventListener("click", () => this.#shape(button.dataset["shape"] ?? ""));
    addEventListener("popstate", () => this.#came());
    this.#show();
    void this.#learn();
    if (!own.size && matchMedia("(min-width: 721px)").matches) this.finder.input.focus();
  }

  /**
   * Show something else, and let the address say so.
   * @param {Choice} choice
   */
  choose(choice) {
    const { length } = choice.selectors;
    this.bound.hidden = length <= MOST;
    write(this.bound, `At most ${MOST} selectors are shown; this would have been ${length}. A selector with a pattern chooses many series at once.`);
    if (length > MOST) return;
    const before = this.choice.selectors.join("\n");
    this.choice = choice;
    history.replaceState(history.state, "", writeChoice(location.href, choice));
    this.#show();
    if (choice.selectors.join("\n") !== before) this.#fetch();
  }

  /** The address is another: that of a step back. */
  #came() {
    const choice = readChoice(location.search);
    if (JSON.stringify(choice) === JSON.stringify(this.choice)) return;
    this.choice = choice;
    this.#show();
    this.#fetch();
  }

  #fetch() {
    const { board, feed, also } = this;
    const { store, health } = board;
    const needed = new Selection(also);
    for (const line of store.drop((one) => !one.panels.size && !needed.matches(one))) health.dismiss(line);
    void feed.choose([...this.choice.selectors, ...also]);
  }

  #show() {
    const { board, charts, values, choice } = this;
    // As long as the list of series is not there, names tell their units.
    const known = this.catalogue ?? new Catalogue([]);
    const units = chartsOf(choice.selectors, (text) => known.unitOf(text), charts.length);
    const places = placed(units, charts.map(({ spec }) => spec.series));
    charts.forEach((panel, at) => this.#place(panel, places[at]?.selectors ?? []));
    if (values.spec.series.join("\n") !== choice.selectors.join("\n")) board.choose(values, choice.selectors);
    this.main.dataset["charts"] = String(units.length);
    this.welcome.hidden = choice.selectors.length > 0;
    this.chosen.hidden = !choice.selectors.length && !this.chosen.querySelector(".refused");
    this.copier.hidden = !choice.selectors.length;
    const shape = choice.stack ? "stack" : choice.kind;
    for (const button of this.shapes) button.setAttribute("aria-pressed", String(button.dataset["shape"] === shape));
    this.#chips();
    this.finder.show(choice.selectors);
    board.schedule();
  }

  /**
   * @param {Panel} panel
   * @param {string[]} selectors
   */
  #place(panel, selectors) {
    const { element, spec } = panel;
    const { kind, stack } = this.choice;
    const title = titleOf(selectors) || spec.title;
    const other = spec.kind !== kind || Boolean(spec.stack) !== stack;
    Object.assign(spec, { kind, stack, title });
    element.hidden = !selectors.length;
    element.toggleAttribute("data-used", selectors.length > 0);
    element.setAttribute("aria-label", title);
    const head = /** @type {HTMLElement} */ (element.querySelector("h2"));
    write(head, title);
    head.title = selectors.join("\n");
    if (spec.series.join("\n") !== selectors.join("\n")) this.board.choose(panel, selectors);
    if (other) /** @type {LiveChart} */ (/** @type {unknown} */ (panel.view)).restyle();
    panel.dirty = true;
  }

  #chips() {
    const list = /** @type {HTMLElement} */ (this.chosen.querySelector("ul"));
    const { selectors } = this.choice;
    list.replaceChildren(...selectors.map((text) => {
      const [chip, code, many, button] = [make("li", "chip"), make("code"), make("span", "many"), document.createElement("button")];
      code.textContent = code.title = text;
      const count = this.catalogue?.covered([text]).length;
      const unread = text.includes("~");
      if (count !== undefined && !(unread && !count)) {
        many.textContent = count === 1 ? "" : count ? `${count} series` : "no such series";
        chip.classList.toggle("none", !count);
      }
      button.type = "button";
      button.textContent = "✕";
      button.setAttribute("aria-label", `Remove ${text}`);
      button.addEventListener("click", () => {
        const at = this.choice.selectors.indexOf(text);
        this.choose({ ...this.choice, selectors: this.choice.selectors.filter((one) => one !== text) });
        const left = /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("button"));
        (left[Math.min(at, left.length - 1)] ?? this.finder.input).focus();
      });
      chip.append(code, many, button);
      return chip;
    }));
  }

  /** @param {string} shape */
  #shape(shape) {
    this.choose({ ...this.choice, kind: shape === "line" ? "line" : "area", stack: shape === "stack" });
  }

  /** Fetch the list of all series, unless it is new. */
  async #learn() {
    if (performance.now() - this.learnedAt < FRESH) return;
    this.learnedAt = performance.now();
    try {
      this.catalogue = new Catalogue(await this.api.series([]));
      this.finder.know(this.catalogue);
      this.#show();
    } catch (error) {
      this.learnedAt = -Infinity;
      this.finder.fail(error instanceof Error ? error.message : String(error));
    }
  }

  async #copy() {
    const { kind, stack } = this.choice;
    const texts = this.charts.filter(({ spec }) => spec.series.length).map(async ({ spec }) => {
      const query = new URLSearchParams(spec.series.map((text) => ["match", text]));
      query.set("title", spec.title);
      query.set("kind", kind);
      if (stack) query.set("stack", "1");
      return (await this.api.get(`/explore.toml?${query}`)).text();
    });
    await copy((await Promise.all(texts)).join("\n"), this.copier);
  }
}
