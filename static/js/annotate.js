import { fieldOf, timeOfField, whenText } from "./annotations.js";
import { make, write } from "./rows.js";

/**
 * @typedef {import("./annotations.js").Annotation} Annotation
 * @typedef {import("./annotations.js").Annotations} Annotations
 */

/** The dialog that puts an annotation on all charts, and lists and deletes those of the time that is shown. */
export class AnnotateDialog {
  /** @type {Annotation | null} the one that was pointed at */
  pointed = null;
  /** @type {number | null} the one whose deletion was asked for, and is to be confirmed */
  doomed = null;

  /**
   * @param {object} options
   * @param {import("./api.js").Api} options.api
   * @param {Annotations} options.book
   * @param {import("./preferences.js").Preferences} options.preferences
   * @param {() => { from: number, to: number }} options.shown the time that the page shows, seconds
   */
  constructor({ api, book, preferences, shown }) {
    this.api = api;
    this.book = book;
    this.preferences = preferences;
    this.shown = shown;
    this.dialog = /** @type {HTMLDialogElement} */ (document.getElementById("annotate"));
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (this.dialog.querySelector(selector));
    this.form = /** @type {HTMLFormElement} */ (find("form"));
    this.text = /** @type {HTMLTextAreaElement} */ (find("textarea"));
    this.start = /** @type {HTMLInputElement} */ (find("[name=start]"));
    this.end = /** @type {HTMLInputElement} */ (find("[name=end]"));
    this.zone = find(".zone");
    this.fault = find(".fault");
    this.head = find("h3");
    this.list = find("ul");
    this.another = find("[data-another]");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#add();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.form.requestSubmit();
    });
    find("[data-close]").addEventListener("click", () => this.dialog.close());
    this.another.addEventListener("click", () => this.open({ start: this.pointed?.start ?? this.shown().to, end: null }));
  }

  /**
   * Ask for the text of a new one.
   * @param {{ start: number, end: number | null }} time seconds
   */
  open({ start, end }) {
    const { offset, zoneName } = this.preferences;
    this.pointed = null;
    this.start.value = fieldOf(start, offset);
    this.end.value = end === null ? "" : fieldOf(end, offset);
    this.text.value = "";
    write(this.zone, `${zoneName}. Without an end it is a moment.`);
    this.#show(true);
    this.text.focus();
  }

  /** @param {Annotation} annotation that was pointed at */
  point(annotation) {
    this.pointed = annotation;
    this.#show(false);
    /** @type {HTMLElement | null} */ (this.list.querySelector("[aria-current] button"))?.focus();
  }

  /** Write the list anew, if it is seen; whoever has come to a button of it by the keyboard stays there. */
  refresh() {
    if (!this.dialog.open) return;
    const items = () => /** @type {HTMLElement[]} */ ([...this.list.children]);
    const held = items().find((item) => item.contains(document.activeElement))?.dataset["annotation"];
    this.#write();
    if (held !== undefined) items().find((item) => item.dataset["annotation"] === held)?.querySelector("button")?.focus();
  }

  /** @param {boolean} adding */
  #show(adding) {
    write(this.fault, "");
    this.doomed = null;
    this.form.hidden = !adding;
    this.another.hidden = adding;
    write(/** @type {HTMLElement} */ (this.dialog.querySelector("h2")), adding ? "Annotate" : "Annotations");
    this.#write();
    if (!this.dialog.open) this.dialog.showModal();
  }

  #write() {
    const { from, to } = this.shown();
    const found = this.book.within(from, to).reverse();
    if (this.pointed && !found.some(({ id }) => id === this.pointed?.id) && this.book.all.some(({ id }) => id === this.pointed?.id)) found.unshift(this.pointed);
    write(this.head, found.length ? `${found.length} in the time that is shown` : "None in the time that is shown");
    this.list.replaceChildren(...found.map((one) => this.#item(one)));
  }

  /** @param {Annotation} annotation */
  #item(annotation) {
    const [item, head, text] = [make("li"), make("p", "about"), make("p", "text")];
    item.dataset["annotation"] = String(annotation.id);
    const tags = annotation.tags.length ? ` · ${annotation.tags.join(", ")}` : "";
    head.textContent = `${whenText(annotation, this.preferences)} · ${annotation.author}${tags}`;
    text.textContent = annotation.text;
    const button = document.createElement("button");
    button.type = "button";
    const sure = this.doomed === annotation.id;
    button.textContent = sure ? "Delete for good" : "Delete";
    button.classList.toggle("sure", sure);
    button.addEventListener("click", () => void this.#remove(annotation));
    if (this.pointed?.id === annotation.id) item.setAttribute("aria-current", "true");
    item.append(head, button, text);
    return item;
  }

  async #add() {
    const { offset } = this.preferences;
    const [start, end] = [timeOfField(this.start.value, offset), this.end.value ? timeOfField(this.end.value, offset) : null];
    const text = this.text.value.trim();
    if (!text) return this.#refuse("Say what happened.", this.text);
    if (Number.isNaN(start)) return this.#refuse("Say when it was.", this.start);
    if (end !== null && !(end >= start)) return this.#refuse("It ends before it begins.", this.end);
    try {
      await this.api.send("POST", "/api/v1/annotations", { text, start, ...(end !== null && { end }) });
    } catch (error) {
      return this.#refuse(wordsOf(error), this.text);
    }
    this.dialog.close();
    await this.book.refresh();
  }

  /** @param {Annotation} annotation */
  async #remove({ id }) {
    const sure = this.doomed === id;
    this.doomed = sure ? null : id;
    if (sure) {
      try {
        await this.api.send("DELETE", `/api/v1/annotations/${id}`);
      } catch (error) {
        write(this.fault, wordsOf(error));
      }
      await this.book.refresh();
    }
    this.#write();
    const again = /** @type {HTMLElement | null} */ (this.list.querySelector("button.sure") ?? this.list.querySelector("button"));
    (again ?? /** @type {HTMLElement} */ (this.dialog.querySelector("[data-close]"))).focus();
  }

  /**
   * @param {string} words
   * @param {HTMLElement} place
   */
  #refuse(words, place) {
    write(this.fault, words);
    place.focus();
  }
}

/** @param {unknown} error */
function wordsOf(error) {
  return `It was not taken: ${error instanceof Error ? error.message : error}`;
}
