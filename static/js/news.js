import { compareIds } from "./protocol.js";
import { Refused } from "./api.js";

/**
 * @typedef {import("./protocol.js").StreamEvent} StreamEvent
 * @typedef {import("./protocol.js").Logged} Logged
 * @typedef {import("./protocol.js").PanelSpec} PanelSpec
 * @typedef {"log" | "task" | "notification" | "system"} Told types of events that have a book
 * @typedef {{ past: string, known: boolean, filled: boolean, settled: boolean, asking: boolean, take(event: any, fresh: boolean): boolean,
 *   gap?(gap: import("./protocol.js").Gap): void }} Book
 *   `past`: where what happened before is had; `known`: it was; `filled`: it need not be asked for again; `settled`: that was tried; `take` tells whether the event was news
 */

/** Types that every page asks for; the others it asks for only with a panel that shows them. */
const ALWAYS = ["metrics", "notification", "system"];
/** Events that are held until there are books, at most; older ones are in the past that is asked for. */
const HELD = 500;
/** @type {Record<string, string>} */
const SHOWN_BY = { processes: "processes", log: "log", task: "tasks" };

/**
 * Types that a page asks its stream for.
 * @param {PanelSpec[]} panels
 */
export function typesOf(panels) {
  const kinds = new Set(panels.map(({ kind }) => kind));
  return [...ALWAYS, ...Object.keys(SHOWN_BY).filter((type) => kinds.has(/** @type {string} */ (SHOWN_BY[type])))];
}

/**
 * Brings what happened into books, without a hole and without anything twice: the past is asked for when the stream has
 * begun, so each event is in the one or the other; in both it is known by its id.
 */
export class News {
  /**
   * @param {import("./api.js").Api} api
   * @param {string[]} types that the stream is asked for
   */
  constructor(api, types) {
    this.api = api;
    this.types = types;
    /** @type {Partial<Record<Told, Book[]>>} */
    this.books = {};
    /** @type {(type: Told) => void} */
    this.onNews = () => {};
    /** Events up to this id were there before the page: no news. */
    this.begin = "";
    /** @type {StreamEvent[] | null} what came before there were books */
    this.held = [];
  }

  /**
   * @param {Record<Told, Book[]>} books
   * @param {(type: Told) => void} onNews
   */
  open(books, onNews) {
    this.books = books;
    this.onNews = onNews;
    const held = this.held ?? [];
    this.held = null;
    for (const event of held) this.take(event);
    this.retry();
  }

  /** @param {import("./protocol.js").Hello} event */
  hello({ newest, server_time: time, resume }) {
    this.begin ||= newest || `${Math.round(time * 1000)}-0`;
    this.#fillAll((book) => resume !== "resumed" || !book.filled);
  }

  /** Ask once more for the past that could not be had. */
  retry() {
    if (this.begin) this.#fillAll((book) => !book.filled);
  }

  /** @param {StreamEvent} event */
  take(event) {
    if (this.held) {
      if (event.type !== "metrics" && event.type !== "processes") this.held.push(event);
      if (this.held.length > HELD) this.held.shift();
    } else if (event.type === "gap") {
      // The stream begins a little before the page, where nothing was promised; the past is asked for by itself.
      if (this.begin && compareIds(event.before, this.begin) <= 0) return;
      for (const [type, books] of this.#all()) {
        if (!event.types.includes(type)) continue;
        for (const book of books) book.gap?.(event);
        this.onNews(type);
      }
    } else if (event.type in this.books) {
      const type = /** @type {Told} */ (event.type);
      const taken = (this.books[type] ?? []).map((book) => this.#write(book, /** @type {Logged} */ (event)));
      if (taken.includes(true)) this.onNews(type);
    }
  }

  #all() {
    return /** @type {[Told, Book[]][]} */ (Object.entries(this.books));
  }

  /** @param {(book: Book) => boolean} wanted */
  #fillAll(wanted) {
    for (const [type, books] of this.#all()) for (const book of books) if (wanted(book)) void this.#fill(type, book);
  }

  /**
   * @param {Book} book
   * @param {Logged} event
   */
  #write(book, event) {
    return book.take(event, compareIds(event.id, this.begin) > 0);
  }

  /**
   * @param {Told} type
   * @param {Book} book
   */
  async #fill(type, book) {
    if (book.asking) return;
    book.asking = true;
    try {
      const answer = await (await this.api.get(book.past)).json();
      for (const event of answer.result) {
        // A state that is answered without an id of its own is as new as the answer.
        if (event.type === type) this.#write(book, { id: answer.as_of, ...event });
      }
      book.known = book.filled = true;
    } catch (error) {
      // Whoever may not see the past, or asks a server that has none, goes on with the stream alone.
      book.filled ||= error instanceof Refused && error.status < 500;
    } finally {
      book.asking = false;
      book.settled = true;
      this.onNews(type);
    }
  }
}
