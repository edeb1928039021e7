import { whenText } from "./annotations.js";
import { make, write } from "./rows.js";

/**
 * The flags of annotations: at their times on every chart, each with its text for whoever points at it or comes to it by
 * keyboard.
 *
 * @typedef {import("./annotations.js").Annotation} Annotation
 * @typedef {import("./panel.js").Moment} Moment
 * @typedef {import("./panel.js").View & { area?: { left: number, width: number, top: number, height: number } | null }} Chart
 */

/** Characters of a text that are shown beside a flag. */
const MOST = 300;

export class Flags {
  /**
   * @param {import("./board.js").Board} board
   * @param {(annotation: Annotation) => void} onPress
   */
  constructor(board, onPress) {
    this.board = board;
    this.onPress = onPress;
    this.tip = make("div", "tip");
    this.tip.setAttribute("role", "tooltip");
    this.tip.id = "flag-tip";
    this.tip.hidden = true;
    document.body.append(this.tip);
    /** @type {Map<Element, { place: HTMLElement, flags: HTMLButtonElement[], of: string, stops: boolean }>} by view */
    this.places = new Map();
    addEventListener("scroll", () => (this.tip.hidden = true), { passive: true });
  }

  /**
   * Put the flags where they belong now. All charts have the same ones, so Tab stops at those of one of them alone: of the
   * chart over the whole page, else of the first, wherever the page is scrolled to.
   * @param {Moment} moment
   */
  update(moment) {
    const { end, range, annotations } = moment;
    const shown = annotations.filter((one) => one.start <= end && (one.end ?? one.start) >= end - range);
    const { panels, zoomed } = this.board;
    const areaOf = (/** @type {{ view: Element }} */ { view }) => /** @type {Chart} */ (view).area;
    const stop = zoomed && areaOf(zoomed) ? zoomed : panels.find(areaOf);
    for (const panel of panels) {
      const { view, visible } = panel;
      const [area, known] = [areaOf(panel), this.places.get(view)];
      if (!area || !(shown.length || known)) continue;
      if (visible || panel === stop || known?.stops) this.#place(view, area, shown, moment, panel === stop);
    }
  }

  /**
   * @param {Element} view
   * @param {{ left: number, width: number, top: number }} area
   * @param {Annotation[]} shown
   * @param {Moment} moment
   * @param {boolean} stops whether Tab stops at them
   */
  #place(view, area, shown, { end, range }, stops) {
    const entry = this.places.get(view) ?? { place: make("div", "flags"), flags: [], of: "", stops };
    if (!this.places.has(view)) {
      this.places.set(view, entry);
      view.querySelector(".plot")?.append(entry.place);
    }
    const of = JSON.stringify([area.left, area.width, area.top, end, range, stops, shown.map(({ id }) => id)]);
    if (of === entry.of) return;
    entry.of = of;
    entry.stops = stops;
    while (entry.flags.length < shown.length) entry.flags.push(this.#flag(entry.place));
    entry.flags.forEach((flag, at) => {
      const one = shown[at];
      flag.hidden = !one;
      if (!one) return;
      flag.dataset["id"] = String(one.id);
      flag.tabIndex = stops ? 0 : -1;
      flag.setAttribute("aria-label", `Annotation of ${whenText(one, this.board.preferences)}: ${one.text.slice(0, MOST)}`);
      const fraction = Math.max(0, (one.start - end + range) / range);
      flag.style.transform = `translate(${Math.round(area.left + fraction * area.width)}px, ${area.top}px)`;
    });
  }

  /** @param {HTMLElement} place */
  #flag(place) {
    const flag = document.createElement("button");
    flag.type = "button";
    flag.className = "flag";
    const own = () => this.board.annotations.find(({ id }) => String(id) === flag.dataset["id"]);
    const tell = () => this.#tell(flag, own());
    const hush = () => (this.tip.hidden = true);
    flag.addEventListener("pointerenter", tell);
    flag.addEventListener("focus", tell);
    flag.addEventListener("pointerleave", hush);
    flag.addEventListener("blur", hush);
    flag.addEventListener("pointerdown", (event) => event.stopPropagation());
    flag.addEventListener("click", () => {
      const one = own();
      hush();
      if (one) this.onPress(one);
    });
    place.append(flag);
    return flag;
  }

  /**
   * @param {HTMLElement} flag
   * @param {Annotation | undefined} annotation
   */
  #tell(flag, annotation) {
    if (!annotation) return;
    const { text, author, tags } = annotation;
    const [when, words] = [make("p", "about"), make("p", "text")];
    write(when, [whenText(annotation, this.board.preferences), author, ...tags].join(" · "));
    write(words, text.length > MOST ? `${text.slice(0, MOST)}…` : text);
    this.tip.replaceChildren(words, when);
    this.tip.hidden = false;
    const box = flag.getBoundingClientRect();
    const left = Math.max(8, Math.min(box.left, document.body.clientWidth - this.tip.offsetWidth - 8));
    const below = box.bottom + 6 + this.tip.offsetHeight < innerHeight;
    this.tip.style.transform = `translate(${left}px, ${below ? box.bottom + 6 : box.top - 6 - this.tip.offsetHeight}px)`;
  }
}
