import { brief } from "./brief.js";
import { formatAge } from "./format.js";
import { Held } from "./past.js";
import { write } from "./rows.js";

/**
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./protocol.js").PanelSpec} PanelSpec
 * @typedef {{ deadline: number, born: number, source: string, interval: number | null }} Subject something with an age
 * @typedef {{ end: number, range: number, present: number, now: number, hover: number | null, isGone: (line: Line) => boolean,
 *   preferences: import("./preferences.js").Preferences, palette: import("./palette.js").Palette,
 *   heard: Subject, marks: import("./chronicle.js").Happening[], blinds: import("./blind.js").Span[],
 *   annotations: import("./annotations.js").Annotation[], dated: boolean, past: number | null }} Moment `present`: the server's time, also where the
 *   past is shown; `heard`: the stream as a whole; `dated`: its times need their day; `past`: null: it goes
 *   on with the present, else which answer all that is shown has its points from
 * @typedef {HTMLElement & { spec: PanelSpec, moving: boolean, strict: boolean, render(lines: Line[], moment: Moment, all?: Line[]): void,
 *   book?: import("./news.js").Book, subjects?(moment: Moment): Subject[], point?(fraction: number | null, moment: Moment): void,
 *   past?: { from: number } | null }} View
 *   `past`: a time whose values it shows in the place of those of now; `moving`: drawn anew each second; `strict`: one stale part makes the whole stale
 * @typedef {"loading" | "empty" | "live" | "some" | "stale" | "paused" | "failed"} PanelState
 */

/** After so many milliseconds a panel whose code failed is tried again. */
const RETRY = 5000;
/** Of what is older than so many milliseconds the age is told, however long its interval is. */
const AGED = 30_000;
/** How long a series whose device vanished is still listed, milliseconds. */
const MOURNING = 60_000;
/** Seconds of a range from which it is drawn for as long as it has points: that it is gone then is what one looks for. */
const LONG = 3600;

/** The frame of one panel: what it shows, how true that is, and why not. */
export class Panel {
  /**
   * @param {HTMLElement} element
   * @param {PanelSpec} spec
   * @param {View} view
   */
  constructor(element, spec, view) {
    this.element = element;
    this.spec = spec;
    this.view = view;
    /** @type {Set<Line>} */
    this.lines = new Set();
    /** @type {Line[] | null} in their order; null: to be sorted anew */
    this.sorted = null;
    this.dirty = true;
    this.visible = false;
    this.renderedAt = 0;
    /** Until when all that is painted bare here is true. */
    this.painted = Infinity;
    /** How many stale parts what is painted marks as such. */
    this.overdue = 0;
    /** How many things that have an age what is painted was made of. */
    this.depicted = 0;
    /** @type {PanelState} */
    this.state = "loading";
    this.badge = /** @type {HTMLElement} */ (element.querySelector(".badge"));
    this.veil = /** @type {HTMLElement} */ (element.querySelector(".veil"));
    this.note = /** @type {HTMLElement | null} */ (element.querySelector(".note"));
    this.empty = /** @type {HTMLElement} */ (element.querySelector(".empty"));
    this.words = "";
    /** Why it cannot be shown as a whole; empty: it can. */
    this.refusal = "";
    /** Series that this page does not keep. */
    this.left = 0;
    /** When its code failed last; -Infinity: it did not, or has worked since. */
    this.failedAt = -Infinity;
    /** What it shows of a time that is past. */
    this.held = new Held();
    /** Whether there was ever anything to show; an optional panel takes up room only then. */
    this.present = element.hasAttribute("data-present");
  }

  /**
   * Do something of this panel alone: a fault in it is told here, and stops no other.
   * @template T
   * @param {number} now
   * @param {T} otherwise
   * @param {() => T} work
   */
  attempt(now, otherwise, work) {
    if (now - this.failedAt < RETRY) return otherwise;
    try {
      const done = work();
      this.failedAt = -Infinity;
      return done;
    } catch (error) {
      this.failedAt = now;
      console.error(`panel ${this.spec.id}:`, error);
      this.#show("failed", "", "");
      write(this.empty, `This panel cannot be drawn: ${error instanceof Error ? error.message : error}`);
      return otherwise;
    }
  }

  /** @param {Line} line */
  add(line) {
    this.lines.add(line);
    this.sorted = null;
    this.dirty = true;
  }

  /** @param {Line} line */
  remove(line) {
    if (this.lines.delete(line)) this.sorted = null;
    this.dirty = true;
  }

  /**
   * Lines to be shown: without those whose device vanished a while ago.
   * @param {Moment} moment
   */
  shown(moment) {
    this.sorted ??= [...this.lines].sort((a, b) => a.key.localeCompare(b.key, "en", { numeric: true }));
    if (moment.past !== null) return this.held.take(this.sorted, moment.past, !this.view.point);
    if (this.view.strict) {
      const present = this.sorted.filter((line) => !moment.isGone(line));
      return present.length ? present : this.sorted;
    }
    const long = this.view.point !== undefined && moment.range >= LONG;
    return this.sorted.filter((line) => lives(line, moment) || (long && line.length > 0));
  }

  /** @param {Moment} moment */
  render(moment) {
    this.dirty = false;
    this.renderedAt = moment.now;
    this.view.render(this.shown(moment), moment, this.sorted ?? []);
    this.painted = Infinity;
    this.overdue = 0;
    const subjects = this.subjects(moment);
    this.depicted = subjects.length;
    for (const { deadline } of subjects) {
      if (deadline > moment.now) this.painted = Math.min(this.painted, deadline);
      else this.overdue++;
    }
  }

  /**
   * All that is shown here and has an age.
   * @param {Moment} moment
   * @returns {Subject[]}
   */
  subjects(moment) {
    const own = this.view.subjects?.(moment);
    if (own) return own;
    const known = this.shown(moment).filter((line) => !Number.isNaN(line.value));
    const living = known.filter((line) => lives(line, moment));
    return living.length ? living : known;
  }

  /**
   * Say how true this panel is; returns until when what it paints bare stays so (`performance.now()`).
   * @param {Moment} moment
   * @param {boolean} drawable on the screen, not merely on the page
   * @param {boolean} loaded
   * @param {(source: string) => string} explain
   * @param {() => string} absence what to say where there is nothing
   */
  judge(moment, drawable, loaded, explain, absence) {
    if (this.refusal) {
      this.#show("failed", "", "");
      write(this.empty, this.refusal);
      return Infinity;
    }
    const subjects = this.subjects(moment);
    const overdue = subjects.filter((subject) => moment.now >= subject.deadline);
    // What vanished while its source goes on is nobody's fault; what is at fault is told first.
    const stale = overdue.filter((subject) => !moment.isGone(/** @type {Line} */ (subject)));
    const told = stale.length ? stale : overdue;
    const oldest = told.reduce((worst, subject) => (subject.born < worst.born ? subject : worst), told[0] ?? NOTHING);
    const age = formatAge((moment.now - oldest.born) / 1000);
    const words = stale.length ? `stale ${age}` : `gone for ${age}`;
    const reason = () => (stale.length ? explain(oldest.source) : `${oldest.source} goes on without ${told.length > 1 ? "them" : "it"}`);
    const present = subjects.length > 0 || (!loaded && this.present);
    if (present !== this.present) {
      this.present = present;
      this.element.toggleAttribute("data-present", this.present);
    }
    if (!drawable) this.#show(this.renderedAt ? "paused" : "loading", "", "");
    else if (subjects.length > overdue.length && !this.#drawn(moment, overdue.length)) this.dirty = true;
    else if (!subjects.length) {
      this.#show(loaded ? "empty" : "loading", "", "");
      if (loaded) write(this.empty, absence());
    }
    else if (overdue.length === subjects.length || (overdue.length && this.view.strict)) {
      this.#show("stale", words, reason());
    } else if (overdue.length) {
      this.#show("some", `${told.length} of ${subjects.length} ${words}`, reason());
    } else {
      const aged = subjects.filter(({ interval, born }) => interval === null || moment.now - born > AGED);
      const since = aged.reduce((least, subject) => Math.min(least, subject.born), Infinity);
      this.#show("live", since === Infinity ? "" : `${formatAge((moment.now - since) / 1000)} old`, "");
    }
    return this.state === "live" || this.state === "some" ? this.painted : Infinity;
  }

  /**
   * Tell whether what is painted is what is known now; a veil is lifted only then, never off an old number.
   * @param {Moment} moment
   * @param {number} overdue
   */
  #drawn(moment, overdue) {
    const veiled = this.state !== "live" && this.state !== "some";
    return !veiled || (this.depicted > 0 && this.painted > moment.now && this.overdue === overdue);
  }

  /**
   * @param {PanelState} state
   * @param {string} words
   * @param {string} reason
   */
  #show(state, words, reason) {
    if (state !== this.state) {
      this.state = state;
      this.element.dataset["state"] = state;
      this.dirty ||= state === "live" || state === "some";
    }
    const text = reason ? `${words} · ${reason}` : words;
    if (text === this.words) return;
    this.words = text;
    this.dirty ||= state === "some";
    write(this.badge, state === "some" ? `${words} · ${brief(reason)}` : state === "live" ? words : "");
    this.badge.title = state === "some" ? text : words;
    const [head, cause] = /** @type {[HTMLElement, HTMLElement]} */ ([...this.veil.querySelectorAll("span")]);
    write(head, state === "stale" ? words : "");
    write(cause, state === "stale" ? brief(reason) : "");
    cause.title = state === "stale" ? reason : "";
    if (state === "stale") this.#fit();
  }

  /** Over a tile the cause has all the room that the old number leaves: few numbers are as long as a cause is. */
  #fit() {
    const figures = [...this.element.querySelectorAll("live-value .figure:not([hidden]) > :not(:empty)")];
    if (!figures.length) return;
    const end = Math.max(...figures.map((one) => one.getBoundingClientRect().right));
    this.veil.style.setProperty("--from", `${Math.round(end - this.veil.getBoundingClientRect().left)}px`);
  }
}

/** @type {Subject} */
const NOTHING = { deadline: Infinity, born: Infinity, source: "", interval: null };

/**
 * Tell whether a series goes on, or its device vanished only just now.
 * @param {Line} line
 * @param {Moment} moment
 */
function lives(line, moment) {
  return moment.now - line.born < MOURNING || !moment.isGone(line);
}
