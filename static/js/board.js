import { joined } from "./blind.js";
import { Guard } from "./guard.js";
import { Panel } from "./panel.js";
import { readPalette } from "./palette.js";
import { Selection } from "./selection.js";
import { EARLY } from "./staleness.js";

/**
 * @typedef {import("./line.js").Line} Line
 * @typedef {import("./panel.js").Moment} Moment
 * @typedef {import("./panel.js").View} View
 * @typedef {import("./elements/health-line.js").HealthLine} HealthLine
 * @typedef {import("./elements/live-processes.js").LiveProcesses} LiveProcesses
 */

/** Milliseconds of drawing in one frame. */
const SLICE = 10;
/** A chart without news moves on after so many milliseconds. */
const LINGER = 1500;
/** Milliseconds between two questions to the server which series a selector chooses that only it can read. */
const ASKING = 2000;

/** @type {import("./panel.js").Subject} the stream before it began */
const UNHEARD = { born: -Infinity, deadline: -Infinity, source: "", interval: null };

/** All panels of the page: which line goes where, what is drawn when, and how true each is. */
export class Board {
  /**
   * @param {object} options
   * @param {import("./protocol.js").BoardSpec} options.spec
   * @param {HTMLElement} options.root
   * @param {HealthLine} options.health
   * @param {import("./store.js").Store} options.store
   * @param {import("./clock.js").ServerClock} options.clock
   * @param {import("./preferences.js").Preferences} options.preferences
   * @param {HTMLElement} options.guard
   */
  constructor({ spec, root, health, store, clock, preferences, guard }) {
    this.store = store;
    this.clock = clock;
    this.preferences = preferences;
    this.health = health;
    /** @type {import("./chronicle.js").Happening[]} what happened, as the charts mark it */
    this.marks = [];
    /** @type {import("./chronicle.js").Blind[]} when nobody watched */
    this.blinds = [];
    /** @type {import("./annotations.js").Annotation[]} */
    this.annotations = [];
    this.guard = new Guard(guard, () => this.judge());
    this.palette = readPalette();
    /** @type {number | null} */
    this.hover = null;
    /** @type {Panel | null} */
    this.zoomed = null;
    this.frame = 0;
    this.second = 0;
    /** Which answer the charts had their points from when all were drawn last; of a time that is past nothing else changes. */
    this.loads = 0;
    /** @type {number | null} oldest sample that waits to be painted, server seconds */
    this.unpainted = null;
    /** @type {import("./feed.js").Feed | null} */
    this.feed = null;
    /** @type {Panel[]} */
    this.panels = [];
    /** @type {Selection[]} what each panel shows */
    this.selections = [];
    /** When the server may be asked again; Infinity: there is nothing to ask. */
    this.askAt = Infinity;
    this.root = root;
    /** @type {import("./protocol.js").PanelSpec[]} those whose kind of view has not come yet */
    this.late = [];
    for (const panel of spec.panels) {
      if (this.#view(panel)?.matches(":defined")) this.#adopt(panel);
      else this.late.push(panel);
    }
    health.watched = this.panels.filter(({ spec: { thresholds } }) => thresholds.length);
    /** @type {Map<Element, Panel>} */
    this.byElement = new Map(this.panels.map((panel) => [panel.element, panel]));
    this.observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const panel = /** @type {Panel} */ (this.byElement.get(target));
          panel.visible = isIntersecting;
          panel.dirty ||= isIntersecting;
        }
        this.schedule();
      },
      { rootMargin: "60% 0px" },
    );
    for (const panel of this.panels) this.observer.observe(panel.element);
    store.onLine = (line) => this.#route(line);
    store.onLeft = (series, key) => {
      this.selections.forEach((selection, at) => {
        const panel = this.panels[at];
        if (panel && selection.matches({ key, series })) panel.left++;
      });
    };
    document.addEventListener("visibilitychange", () => this.flush());
  }

  /** Take in the panels whose kind of view has come since; returns them. */
  adoptLate() {
    const known = this.panels.length;
    for (const spec of this.late.splice(0)) this.#adopt(spec);
    const fresh = this.panels.slice(known);
    for (const panel of fresh) {
      this.byElement.set(panel.element, panel);
      this.observer.observe(panel.element);
    }
    return fresh;
  }

  /** @param {import("./protocol.js").PanelSpec} spec */
  #view({ id }) {
    return /** @type {View | null} */ (this.root.querySelector(`[data-panel="${CSS.escape(id)}"] [data-view]`));
  }

  /** @param {import("./protocol.js").PanelSpec} spec */
  #adopt(spec) {
    const view = this.#view(spec);
    const element = /** @type {HTMLElement | null | undefined} */ (view?.closest("[data-panel]"));
    if (!element || !view) return;
    view.spec = spec;
    this.panels.push(new Panel(element, spec, view));
    this.selections.push(new Selection(spec.series));
  }

  /** @param {Line} line */
  #route(line) {
    this.#place(line);
    this.health.admit(line);
    if (this.selections.some(({ asked }) => asked.length)) this.askAt = Math.min(this.askAt, this.clock.monotonic());
  }

  /** @param {Line} line that goes to all panels that show it */
  #place(line) {
    this.selections.forEach((selection, at) => {
      if (line.panels.has(at) || !selection.matches(line)) return;
      line.panels.add(at);
      this.panels[at]?.add(line);
    });
  }

  /**
   * Have a panel show other series than before.
   * @param {Panel} panel
   * @param {string[]} series selectors
   */
  choose(panel, series) {
    const at = this.panels.indexOf(panel);
    const selection = (this.selections[at] = new Selection(series));
    panel.spec.series = series;
    panel.left = 0;
    for (const line of this.store.lines.values()) {
      const wanted = selection.matches(line);
      if (wanted === line.panels.has(at)) continue;
      if (wanted) line.panels.add(at);
      else line.panels.delete(at);
      if (wanted) panel.add(line);
      else panel.remove(line);
    }
    if (selection.asked.length) this.askAt = this.clock.monotonic();
    this.schedule();
  }

  /** Have the server read the selectors that this page cannot; new series may be among what they choose. */
  async #ask() {
    const { feed } = this;
    if (!feed || this.clock.monotonic() < this.askAt) return;
    this.askAt = Infinity;
    try {
      for (const selection of this.selections) await selection.ask(feed.api);
      for (const line of this.store.lines.values()) this.#place(line);
    } catch {
      this.askAt = this.clock.monotonic() + ASKING;
    }
  }

  /**
   * @param {Line[]} lines that changed
   * @param {number | null} [taken] when what has only just been sent was sampled, server seconds; it tells how long that takes to the screen
   */
  changed(lines, taken = null) {
    const { span, loads } = this.store;
    const other = loads !== this.loads;
    this.loads = loads;
    if (other) {
      this.sweep();
      for (const panel of this.panels) panel.dirty = true;
    }
    if (span.past) lines = [];
    for (const line of lines) for (const at of line.panels) /** @type {Panel} */ (this.panels[at]).dirty = true;
    if (!document.hidden && !span.past) this.unpainted ??= taken;
    const second = Math.floor(this.clock.now());
    if (second !== this.second) {
      // All charts move on together, so that one moment stays one vertical line down the page.
      this.second = second;
      for (const panel of this.panels) panel.dirty ||= this.#moves(panel);
    }
    this.schedule();
  }

  /** @param {import("./protocol.js").Processes} event */
  processes(event) {
    const born = Math.min(this.clock.monotonic(), this.clock.local(event.timestamp));
    for (const panel of this.panels) {
      if (!("take" in panel.view)) continue;
      /** @type {LiveProcesses} */ (panel.view).take(event, born);
      panel.dirty = true;
    }
    this.schedule();
  }

  /** @param {string} kind of panels whose book has news */
  told(kind) {
    for (const panel of this.panels) panel.dirty ||= panel.spec.kind === kind;
    this.schedule();
  }

  /** @returns {Moment} */
  moment() {
    const { clock, store, hover, preferences, palette, marks, annotations } = this;
    const { past } = store.span;
    const now = clock.monotonic();
    const present = clock.known ? Math.floor(clock.now()) : 0;
    const end = past ? past.to : present;
    const isGone = (/** @type {Line} */ line) => store.isGone(line);
    const heard = this.feed?.truth.heard ?? UNHEARD;
    const day = (/** @type {number} */ time) => Math.floor((time + preferences.offset(time * 1000) / 1000) / 86_400);
    const dated = day(end - store.range) !== day(present) || day(end) !== day(present);
    const blinds = joined(store.blinds, this.blinds);
    return { end, range: store.range, present, now, hover, isGone, preferences, palette, heard, marks, blinds, annotations, dated, past: past && store.loads };
  }

  schedule() {
    if (!this.frame && !document.hidden) this.frame = requestAnimationFrame(() => this.#draw(SLICE));
  }

  /** The tab is shown again: draw everything at once, before its first frame. */
  flush() {
    this.unpainted = null;
    if (document.hidden) return;
    for (const panel of this.panels) panel.dirty = true;
    cancelAnimationFrame(this.frame);
    this.judge();
    this.#draw(Infinity);
  }

  /** Colours, zone or sizes have changed. */
  restyle() {
    this.palette = readPalette();
    for (const panel of this.panels) {
      if ("restyle" in panel.view) /** @type {import("./elements/live-chart.js").LiveChart} */ (panel.view).restyle();
      panel.dirty = true;
    }
    this.schedule();
  }

  /** @param {number} slice milliseconds */
  #draw(slice) {
    this.frame = 0;
    if (!this.clock.known) return;
    const moment = this.moment();
    // What was covered comes back in one frame: a veil stays on no number that has arrived.
    const covered = this.guard.covers(moment.now) || this.panels.some(({ state }) => state === "stale" || state === "some");
    for (const panel of this.panels) {
      if (!panel.dirty || !this.#drawable(panel)) continue;
      if (!covered && this.clock.monotonic() - moment.now > slice) {
        this.schedule();
        this.judge();
        return;
      }
      panel.attempt(moment.now, undefined, () => panel.render(moment));
    }
    if (this.unpainted !== null && this.feed) {
      const latency = (this.clock.now() - this.unpainted) * 1000;
      if (latency >= 0) this.feed.truth.painted(latency);
      this.unpainted = null;
    }
    this.feed?.onState();
  }

  /**
   * Tell whether a panel is another each second: in a time that is past only those are that tell of now all the same.
   * @param {Panel} panel
   */
  #moves({ view }) {
    return view.moving && (this.store.span.past === null || Boolean(view.subjects || view.book));
  }

  /** @param {Panel} panel */
  #drawable(panel) {
    return panel.visible && (this.zoomed === null || this.zoomed === panel);
  }

  /** Say how true everything is; a few times a second, by the clock, whatever comes or does not come. */
  judge() {
    const { feed } = this;
    if (!feed) return;
    void this.#ask();
    const moment = this.moment();
    const explain = (/** @type {string} */ source) => feed.truth.explain(source, moment.now);
    const settled = (feed.loaded && !feed.choosing) || feed.connection.cause !== null;
    let until = this.health.render(moment.now, [...feed.truth.failed.values()], moment.isGone);
    for (const [at, panel] of this.panels.entries()) {
      const drawable = this.#drawable(panel);
      panel.refusal = feed.truth.refusal(panel);
      const selection = /** @type {Selection} */ (this.selections[at]);
      const then = moment.past !== null && !panel.view.subjects && !panel.view.book;
      const absence = () => (then ? "Nothing is recorded of this in the time that is shown." : feed.truth.absence(moment.now, panel.spec.kind, selection));
      const loaded = panel.view.book ? panel.view.book.settled || feed.connection.cause !== null : settled;
      until = Math.min(until, panel.attempt(moment.now, Infinity, () => panel.judge(moment, drawable, loaded, explain, absence)));
      if (drawable && this.#moves(panel) && moment.now - panel.renderedAt > LINGER) panel.dirty = true;
      if (panel.dirty && drawable) this.schedule();
    }
    // The guard waits a little longer than this script needs, so that it shows only when the script could not.
    this.guard.put(until + (EARLY - 0.05) * 1000, moment.now);
  }

  sweep() {
    const dropped = this.store.sweep();
    if (dropped.length) for (const panel of this.panels) panel.left = 0;
    for (const line of dropped) {
      for (const at of line.panels) /** @type {Panel} */ (this.panels[at]).remove(line);
      this.health.dismiss(line);
    }
  }
}
