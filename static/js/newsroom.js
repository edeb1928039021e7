import "./elements/live-log.js";
import "./elements/live-tasks.js";
import "./elements/notice-list.js";
import "./elements/notice-toasts.js";
import "./elements/system-strip.js";
import { Chronicle } from "./chronicle.js";
import { Logbook } from "./logbook.js";
import { Notices } from "./notices.js";
import { Taskbook } from "./taskbook.js";

/**
 * Give each part of the page that tells what happens its book, and the books their news. No first picture needs this.
 * @param {object} options
 * @param {import("./news.js").News} options.news
 * @param {import("./board.js").Board} options.board
 * @param {import("./zoom.js").Zoom} options.zoom
 * @param {import("./crosshair.js").Crosshair} options.crosshair
 * @param {import("./preferences.js").Preferences} options.preferences
 */
export async function openNews({ news, board, zoom, crosshair, preferences }) {
  const { clock } = board;
  await dress();
  for (const panel of board.adoptLate()) zoom.admit(panel);
  const { logs, tasks } = panelBooks(board, clock);
  const chronicle = new Chronicle(() => clock.now());
  board.marks = chronicle.happenings;
  board.blinds = chronicle.blinds;
  const strip = /** @type {import("./elements/system-strip.js").SystemStrip} */ (document.querySelector("system-strip"));
  strip.addEventListener("moment", (event) => crosshair.at(/** @type {CustomEvent} */ (event).detail?.time ?? null));
  const notices = new Notices(() => localStorage);
  const list = openNotices(notices, preferences, clock);
  const tell = () => {
    strip.render(chronicle.recent(), preferences, clock.now(), chronicle.known);
    list.render();
  };
  preferences.listeners.add(tell);
  news.open({ log: logs, task: tasks, notification: [notices], system: [chronicle] }, (type) => {
    if (type === "log") board.told("log");
    else if (type === "task") board.told("tasks");
    else tell();
  });
}

/** Bring the style sheet; without it all is there still, only plain. */
function dress() {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("../css/news.css", import.meta.url).href;
  document.head.append(link);
  return new Promise((done) => {
    for (const type of ["load", "error"]) link.addEventListener(type, done);
  });
}

/**
 * @param {import("./board.js").Board} board
 * @param {import("./clock.js").ServerClock} clock
 */
function panelBooks(board, clock) {
  /** @type {Logbook[]} */
  const logs = [];
  /** @type {Taskbook[]} */
  const tasks = [];
  for (const { view, spec: { kind, ...choice } } of board.panels) {
    if (kind === "log") logs.push((view.book = new Logbook(choice)));
    if (kind === "tasks") view.book = tasks[0] ??= new Taskbook(clock);
  }
  return { logs, tasks };
}

/**
 * @param {Notices} notices
 * @param {import("./preferences.js").Preferences} preferences
 * @param {import("./clock.js").ServerClock} clock
 */
function openNotices(notices, preferences, clock) {
  const list = /** @type {import("./elements/notice-list.js").NoticeList} */ (document.querySelector("notice-list"));
  const toasts = /** @type {import("./elements/notice-toasts.js").NoticeToasts} */ (document.querySelector("notice-toasts"));
  Object.assign(list, { book: notices, preferences, now: () => clock.now() });
  notices.onFresh = (notice) => {
    if (!list.alert(notice)) toasts.add(notice);
  };
  toasts.addEventListener("more", () => list.open(true));
  toasts.addEventListener("dismissed", (event) => {
    notices.read(/** @type {CustomEvent<import("./notices.js").Notice>} */ (event).detail);
    list.render();
  });
  list.addEventListener("opened", () => toasts.clear());
  return list;
}
