import { AnnotateDialog } from "./annotate.js";
import { Annotations } from "./annotations.js";
import { Flags } from "./flags.js";
import { Lookback, minuteIn, minuteOf } from "./lookback.js";
import { Marking } from "./marking.js";
import { PanelMenu } from "./menu.js";

/**
 * @typedef {import("./board.js").Board} Board
 * @typedef {import("./elements/live-processes.js").LiveProcesses} LiveProcesses
 * @typedef {{ tick(): void, changed(what: string): void }} Tools
 */

/** Seconds about the time that is shown of which annotations are known, too, in lengths of it. */
const MARGIN = 0.5;
/** Seconds by which what is shown may end before now and still go on with it. */
const PRESENT = 5;

/**
 * What one does with charts besides looking: annotations, menus, and which processes took most then. No first picture
 * needs this.
 * @param {object} options
 * @param {import("./api.js").Api} options.api
 * @param {Board} options.board
 * @param {import("./feed.js").Feed} options.feed
 * @param {import("./protocol.js").BoardSpec} options.spec
 * @param {boolean} options.exploring
 * @returns {Promise<Tools>}
 */
export async function openTools({ api, board, feed, spec, exploring }) {
  await dress();
  const { preferences } = board;
  const shown = () => {
    const { end, range } = board.moment();
    return { from: end - range, to: end };
  };
  const book = new Annotations((span) => annotationsOf(api, span), () => {
    board.annotations = book.all;
    redraw(board);
    dialog.refresh();
  });
  const dialog = new AnnotateDialog({ api, book, preferences, shown });
  const flags = new Flags(board, (annotation) => dialog.point(annotation));
  const marking = new Marking(board, (time) => dialog.open(time));
  new PanelMenu({ api, board, spec, exploring, annotate: () => dialog.open({ start: marking.time, end: null }) });
  const lookback = new Lookback((start) => minuteAt(api, start), () => board.schedule());
  let greeted = feed.greeted;
  return {
    tick() {
      if (!board.clock.known) return;
      const moment = board.moment();
      const { from, to } = shown();
      const margin = (to - from) * MARGIN;
      book.reach({ from: from - (book.span && from >= book.span.from ? 0 : margin), to: to > board.clock.now() - PRESENT ? Infinity : to });
      // What changed while there was no stream was told to nobody.
      if (feed.greeted !== greeted) void book.refresh();
      greeted = feed.greeted;
      marking.watch();
      flags.update(moment);
      lookBack(board, moment, lookback);
    },
    changed(what) {
      if (what === "annotations") void book.refresh();
    },
  };
}

/**
 * @param {import("./api.js").Api} api
 * @param {import("./annotations.js").Span} span
 */
async function annotationsOf(api, { from, to }) {
  const end = to === Infinity ? "" : `&end=${to}`;
  return (await (await api.get(`/api/v1/annotations?start=${from}${end}&limit=100`)).json()).result;
}

/**
 * @param {import("./api.js").Api} api
 * @param {number} start
 */
async function minuteAt(api, start) {
  return minuteIn(await (await api.get(`/api/v1/processes?at=${start}`)).json(), start);
}

/** @param {Board} board whose charts show other annotations than before */
function redraw(board) {
  for (const panel of board.panels) {
    // A chart of a long time is else drawn anew only when a pixel of it has passed.
    if ("drawn" in panel.view) /** @type {import("./elements/live-chart.js").LiveChart} */ (panel.view).drawn.early = true;
    panel.dirty ||= "area" in panel.view;
  }
  board.schedule();
}

/**
 * Show in the tables of processes the minute that is looked at: the one pointed at, or of a past time the last.
 * @param {Board} board
 * @param {import("./panel.js").Moment} moment
 * @param {Lookback} lookback
 */
function lookBack(board, moment, lookback) {
  const tables = board.panels.filter(({ view }) => view.localName === "live-processes");
  if (!tables.length) return;
  const { hover, end, range, past } = moment;
  const time = hover !== null ? end - range * (1 - hover) : past !== null ? end - 0.5 : null;
  const found = lookback.look(time === null ? null : minuteOf(time, board.clock.now()));
  for (const { view, visible } of tables) {
    const table = /** @type {LiveProcesses} */ (view);
    const key = `${found?.from} ${found?.words}`;
    if (key === table.pastOf || !visible) continue;
    table.pastOf = key;
    table.past = found;
    table.render();
  }
}

/** Bring the style sheet; without it all is there still, only plain. */
function dress() {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("../css/tools.css", import.meta.url).href;
  document.head.append(link);
  return new Promise((done) => {
    for (const type of ["load", "error"]) link.addEventListener(type, done);
  });
}
