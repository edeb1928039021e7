import { spanText, timeWords } from "./blind.js";
import { write } from "./rows.js";
import { between, durationText, durationWords, lengthOf, moved, readFrame, same, timeText, widened, writeFrame } from "./timeframe.js";

/**
 * @typedef {import("./timeframe.js").Frame} Frame
 * @typedef {import("./timeframe.js").PastFrame} PastFrame
 * @typedef {{ from: HTMLInputElement, to: HTMLInputElement }} Ends
 */

/** Milliseconds after which it is told that points are on their way. */
const PATIENCE = 300;
const DAY = 86_400_000;

/** Which time the page shows: buttons for it, the bar that says so when it is past, and what the address says. */
export class TimeBar {
  /**
   * @param {object} options
   * @param {number} options.range seconds that the board shows by itself
   * @param {number} options.longest seconds that may be shown
   * @param {import("./preferences.js").Preferences} options.preferences
   * @param {() => number} options.now the server's time, seconds
   * @param {(frame: Frame) => void} options.onFrame
   */
  constructor({ range, longest, preferences, now, onFrame }) {
    /** @type {Frame} */
    this.home = { kind: "live", range };
    this.longest = longest;
    this.preferences = preferences;
    this.now = now;
    this.onFrame = onFrame;
    const { frame, fault } = readFrame(location.search, longest);
    this.frame = frame ?? this.home;
    this.fault = fault && `The address asks for a time that cannot be shown: ${fault}.`;
    /** When points were asked for that are not here yet, `performance.now()`; Infinity: they are. */
    this.askedAt = performance.now();
    this.ranges = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("button[data-range]")]);
    this.spans = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[data-span]")]);
    this.links = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll("a[data-board]")]);
    this.fold = document.querySelector("button.fold");
    this.bar = /** @type {HTMLElement} */ (document.getElementById("past"));
    this.banner = /** @type {HTMLElement} */ (document.getElementById("time-fault"));
    this.dialog = /** @type {HTMLDialogElement} */ (document.getElementById("span-dialog"));
    for (const button of this.ranges) {
      button.addEventListener("click", () => this.choose({ kind: "live", range: Number(button.dataset["range"]) }));
    }
    for (const button of this.spans) button.addEventListener("click", () => this.#open());
    this.bar.addEventListener("click", (event) => this.#press(event));
    this.dialog.addEventListener("click", (event) => this.#fill(event));
    this.dialog.querySelector("form")?.addEventListener("submit", (event) => this.#submit(event));
    document.addEventListener("keydown", (event) => {
      if (event.key === "z" && isFree(event)) this.back();
    });
    addEventListener("popstate", () => this.#come(readFrame(location.search, longest).frame ?? this.home));
    preferences.listeners.add(() => this.render());
    this.render();
  }

  /** Whether what is shown goes on with the present. */
  get live() {
    return this.frame.kind === "live";
  }

  /** Frames that were chosen on this page before the one that is shown. */
  get depth() {
    return Number(history.state?.frames) || 0;
  }

  /**
   * Show another time; the browser's way back leads to the one of now.
   * @param {Frame} frame
   */
  choose(frame) {
    if (same(frame, this.frame)) return;
    const search = writeFrame(frame, this.home, location.search);
    history.pushState({ frames: this.depth + 1 }, "", location.pathname + search + location.hash);
    this.#come(frame);
  }

  /** Go back to the time that was shown before, if this page has one. */
  back() {
    if (this.depth) history.back();
  }

  /** @param {Frame} frame */
  #come(frame) {
    const other = !same(frame, this.frame);
    this.frame = frame;
    if (other) {
      this.fault = "";
      this.askedAt = performance.now();
      this.onFrame(frame);
    }
    this.render();
  }

  /**
   * What is wanted is shown, or cannot be.
   * @param {string | null} fault
   * @param {[number, number][]} unread times of it that the server could not read
   */
  shown(fault, unread) {
    this.askedAt = Infinity;
    const spans = unread.slice(0, 3).map(([from, to]) => spanText({ from, to }, this.preferences, true)).join(", ");
    const lacking = spans && `What was recorded at ${spans}${unread.length > 3 ? " and other times" : ""} could not be read from the disk.`;
    if (fault !== null || lacking || !this.fault.startsWith("The address")) this.fault = fault ?? lacking;
    this.render();
  }

  /** Say that points are still on their way, once that takes a while; call it several times a second. */
  tick() {
    if (this.askedAt < Infinity) this.render();
  }

  /** @param {MouseEvent} event in the bar that is there when the time is past */
  #press({ target }) {
    const button = /** @type {Element} */ (target).closest("button");
    const { frame } = this;
    const act = button?.dataset["time"];
    if (act === "live") this.choose(this.home);
    else if (act === "back") this.back();
    else if (frame.kind !== "past") return;
    else if (act === "earlier") this.choose(moved(frame, -1, this.now()));
    else if (act === "later") this.choose(moved(frame, 1, this.now()));
    else if (act === "wider") this.choose(widened(frame, this.now(), this.longest));
  }

  /** Say which time is shown, wherever the page says so. */
  render() {
    const { frame, preferences, bar, banner } = this;
    const past = frame.kind === "past";
    const late = performance.now() - this.askedAt > PATIENCE;
    document.documentElement.classList.toggle("in-past", past);
    for (const button of this.ranges) {
      const pressed = !past && Number(button.dataset["range"]) === frame.range;
      button.setAttribute("aria-pressed", String(pressed));
      button.setAttribute("aria-busy", String(pressed && late));
    }
    for (const button of this.spans) button.setAttribute("aria-pressed", String(past));
    if (this.fold instanceof HTMLElement) write(this.fold, past ? "Past" : spaced(frame.range));
    for (const link of this.links) {
      link.search = writeFrame(frame, { kind: "live", range: Number(link.dataset["board"]) }, "");
    }
    if (bar.hidden === past) bar.hidden = !past;
    if (banner.hidden !== !this.fault) banner.hidden = !this.fault;
    write(/** @type {HTMLElement} */ (banner.querySelector("span")), this.fault);
    if (!past) return;
    const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (bar.querySelector(`.${name}`));
    write(part("when"), whenWords(frame, preferences));
    part("when").title = `${timeText(frame.from)} – ${timeText(frame.to)}`;
    write(part("zone"), preferences.zoneName ?? "");
    write(part("long"), durationWords(lengthOf(frame)));
    write(part("state"), late ? "loading…" : "");
    const button = (/** @type {string} */ act) => /** @type {HTMLButtonElement} */ (bar.querySelector(`[data-time="${act}"]`));
    button("back").hidden = !this.depth;
    button("later").disabled = frame.to >= Math.floor(this.now());
  }

  /** Choose both ends in a dialog, which begins with what is shown. */
  #open() {
    const { frame, dialog, preferences } = this;
    const now = this.now();
    const shown = frame.kind === "past" ? frame : between(now - frame.range, now, now);
    const { from, to } = this.#ends();
    [from.value, to.value] = [this.#local(shown.from), this.#local(shown.to)];
    write(/** @type {HTMLElement} */ (dialog.querySelector(".zone")), preferences.zone === "utc" ? "UTC" : `this browser's time (${preferences.zoneName})`);
    this.#complain("");
    dialog.showModal();
  }

  /** @returns {Ends} */
  #ends() {
    const input = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (this.dialog.querySelector(`[name="${name}"]`));
    return { from: input("from"), to: input("to") };
  }

  /** @param {string} words what is wrong with what was put in */
  #complain(words) {
    write(/** @type {HTMLElement} */ (this.dialog.querySelector(".wrong")), words);
  }

  /**
   * A time as the fields of a date have it, in the zone that the page shows.
   * @param {number} seconds
   */
  #local(seconds) {
    const time = seconds * 1000;
    return new Date(time + this.preferences.offset(time)).toISOString().slice(0, 19);
  }

  /**
   * What a field of a date says, in Unix seconds; NaN where it says nothing.
   * @param {string} text
   */
  #seconds(text) {
    return (this.preferences.zone === "utc" ? Date.parse(`${text}Z`) : new Date(text).getTime()) / 1000;
  }

  /** @param {MouseEvent} event on a button that fills the fields, or leaves the dialog */
  #fill({ target }) {
    if (!(target instanceof HTMLButtonElement)) return;
    if (target.dataset["close"] !== undefined) this.dialog.close();
    const days = Number(target.dataset["day"] ?? NaN);
    if (Number.isNaN(days)) return;
    const { from, to } = this.#ends();
    const now = this.now();
    const today = Date.parse(`${this.#local(now).slice(0, 10)}T00:00:00Z`);
    const start = new Date(today + days * DAY).toISOString().slice(0, 19);
    const end = new Date(today + (days + 1) * DAY).toISOString().slice(0, 19);
    const last = this.#local(now);
    [from.value, to.value] = [start, end < last ? end : last];
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const { from, to } = this.#ends();
    const [start, end] = [this.#seconds(from.value), this.#seconds(to.value)];
    if (Number.isNaN(start) || Number.isNaN(end)) return this.#complain("Both times are needed.");
    if (end <= start) return this.#complain("The end must be after the beginning.");
    if (start > this.now()) return this.#complain("This has yet to come.");
    const { frame, fault } = readFrame(writeFrame({ kind: "past", from: start, to: end }, this.home, ""), this.longest);
    if (!frame) return this.#complain(`This cannot be shown: ${fault}.`);
    this.dialog.close();
    this.choose(frame);
  }
}

/**
 * From when to when, as people write it: the day once where both are of one, seconds only where there are some.
 * @param {PastFrame} frame
 * @param {import("./preferences.js").Preferences} preferences
 */
export function whenWords({ from, to }, preferences) {
  const [start, end] = [from, to].map((time) => timeWords({ preferences, dated: true }, time));
  const whole = from % 60 === 0 && to % 60 === 0;
  const short = (/** @type {string} */ text) => (whole ? text.replace(/:00$/, "") : text);
  const [day = "", other = ""] = [from, to].map((time) => preferences.day?.(time * 1000));
  return `${short(start ?? "")} – ${short(day === other ? (end ?? "").slice(day.length + 1) : (end ?? ""))}`;
}

/**
 * A range as buttons have it: `15 m`, `24 h`.
 * @param {number} seconds
 */
function spaced(seconds) {
  return durationText(seconds).replace(/(\d)([a-z])$/, "$1 $2");
}

/**
 * Tell whether a key means the page, not what is written or open on it.
 * @param {KeyboardEvent} event
 */
function isFree({ target, ctrlKey, metaKey, altKey }) {
  const writing = target instanceof Element && target.closest("input, select, textarea, [contenteditable]");
  return !writing && !ctrlKey && !metaKey && !altKey && !document.querySelector("dialog[open]");
}
