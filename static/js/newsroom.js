import "./elements/notice-list.js";
import "./elements/notice-toasts.js";
import "./elements/system-strip.js";
import { Logbook } from "./logbook.js";
import { News, typesOf } from "./news.js";
import { Notices } from "./notices.js";
import { Taskbook } from "./taskbook.js";

/**
 * Give each part of the page that tells what happens its book, and the books their news.
 * @param {object} options
 * @param {import("./api.js").Api} options.api
 * @param {import("./protocol.js").BoardSpec} options.spec
 * @param {import("./board.js").Board} options.board
 * @param {import("./clock.js").ServerClock} options.clock
 * @param {import("./preferences.js").Preferences} options.preferences
 * @param {import("./chronicle.js").Chronicle} options.chronicle
 * @param {import("./elements/system-strip.js").SystemStrip} options.strip
 */
export function openNews({ api, spec, board, clock, preferences, chronicle, strip }) {
  const { logs, tasks } = panelBooks(board, clock);
  const notices = new Notices(() => localStorage);
  const list = openNotices(notices, preferences, clock);
  const tell = () => {
    strip.render(chronicle.recent(), preferences, clock.now());
    list.render();
  };
  const news = new News({
    api,
    types: typesOf(spec.panels),
    books: { log: logs, task: tasks, notification: [notices], system: [chronicle] },
    onNews: (type) => {
      if (type === "log") board.told("log");
      else if (type === "task") board.told("tasks");
      else tell();
    },
  });
  return { news, tell };
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
