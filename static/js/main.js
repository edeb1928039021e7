import "./elements/connection-status.js";
import "./elements/health-line.js";
import { Api } from "./api.js";
import { Board } from "./board.js";
import { ServerClock, SleepDetector } from "./clock.js";
import { Crosshair } from "./crosshair.js";
import { Drag } from "./drag.js";
import { Feed } from "./feed.js";
import { HiddenDevices } from "./hidden.js";
import { Lifecycle } from "./lifecycle.js";
import { News, typesOf } from "./news.js";
import { Preferences } from "./preferences.js";
import { write } from "./rows.js";
import { Store } from "./store.js";
import { learn } from "./selector.js";
import { spanOf } from "./span.js";
import { BoardFile, Switches } from "./switches.js";
import { TimeBar } from "./timebar.js";
import { same } from "./timeframe.js";
import { Zoom } from "./zoom.js";

/** Times a second that everything is judged by the clock. */
const TICK = 250;
/** Views that come with the newsroom, when the first picture is there. */
const LATE = new Set(["live-log", "live-tasks"]);
/** Milliseconds after which nothing more waits for the first picture. */
const PATIENCE = 5000;

// Each kind of view is a file named as its element; one that does not load fails its own panels only. Where modules are
// joined all are there already, which an address that is not written out keeps so.
const views = [...document.querySelectorAll("[data-view]")].map(({ localName }) => localName);
const early = new Set(views.filter((name) => !LATE.has(name) && !customElements.get(name)));
await Promise.allSettled([...early].map((name) => import(new URL(`./elements/${name}.js`, import.meta.url).href)));

const find = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const spec = /** @type {import("./protocol.js").BoardSpec} */ (JSON.parse(find("board").textContent ?? ""));
const preferences = new Preferences();
const clock = new ServerClock();
const store = new Store(clock);
store.home = spec.instance;
const api = new Api(spec.root_path);
const health = /** @type {import("./elements/health-line.js").HealthLine} */ (document.querySelector("health-line"));
health.instance = spec.instance;
const status = /** @type {import("./elements/connection-status.js").ConnectionStatus} */ (document.querySelector("connection-status"));
const { history } = spec;
const exploring = document.getElementById("finder") !== null;
await learn(history.selectors).catch(() => {});
const bar = new TimeBar({
  range: spec.range,
  longest: history.longest,
  preferences,
  now: () => (clock.known ? clock.now() : Date.now() / 1000),
  onFrame: (frame) => {
    crosshair.clear();
    // How long a sample takes to the screen is told of those that are shown.
    feed.truth.latencies = [];
    void feed.backfill.show(spanOf(frame, !same(frame, bar.home)));
  },
});
const { wanted, start: from, end: to } = history;
const asked = same(bar.frame, from === null || to === null ? { kind: "live", range: wanted } : { kind: "past", from, to });
store.show(spanOf(bar.frame, !same(bar.frame, bar.home), asked ? history.range : undefined));

const board = new Board({ spec, root: find("panels"), health, store, clock, preferences, guard: find("guard") });
const news = new News(api, typesOf(spec.panels));
const hidden = new HiddenDevices(board, store);
const file = new BoardFile(api, spec, find("fault"), find("gone"), health);
const feed = new Feed({
  api, store, clock, news, selectors: history.selectors, version: spec.version,
  first: asked ? history.url : null, later: history.later,
  onLines: (lines, taken) => {
    board.changed(lines, taken);
    hidden.changed(lines);
  },
  onShown: (fault) => bar.shown(fault, store.incomplete),
  onProcesses: (event) => board.processes(event),
  onChanged: (what) => {
    // What is explored is not in the file.
    if (!exploring) void file.changed(what);
    tools?.changed(what);
  },
  onFault: (fault) => file.fault(fault),
  onState: () => judge(),
});
board.feed = feed;
const crosshair = new Crosshair(board, find("panels"), find("moment"));
const lifecycle = new Lifecycle(feed, board);
const sleep = new SleepDetector();
const time = find("clock");
/** @type {import("./toolroom.js").Tools | null} what there is besides the first picture */
let tools = null;
/** When what tells of happenings may be asked for, `performance.now()`; Infinity: it was. */
let openAt = 0;

/** Bring all that tells how true the page is up to the present second. */
function judge() {
  const now = clock.monotonic();
  lifecycle.renew(now);
  status.show(feed.truth.status(now));
  board.judge();
}

function tick() {
  const slept = sleep.slept();
  if (slept) lifecycle.slept(slept);
  feed.watch();
  judge();
  crosshair.refresh();
  bar.tick();
  tools?.tick();
  if (clock.monotonic() > openAt && feed.connection.phase === "open" && due()) void open();
  const text = clock.known ? `${preferences.clock?.(clock.now() * 1000)} ${preferences.zoneName}` : "";
  write(time, text);
}

/** Whether the first picture is there, or something further is looked for. */
function due() {
  const seen = board.late.some(({ id }) => (document.getElementById(`panel-${id}`)?.getBoundingClientRect().top ?? Infinity) < innerHeight);
  return seen || ((exploring || store.span.past) && feed.loaded) || feed.truth.latencies.length > 1 || clock.monotonic() > PATIENCE;
}

async function open() {
  openAt = Infinity;
  void feed.backfill.complete().catch(() => {});
  const rooms = await import("./rooms.js").catch(() => null);
  // A server that has just gone away is asked again when it is back.
  if (!rooms) openAt = clock.monotonic() + PATIENCE;
  rooms?.openNews({ news, board, zoom, crosshair, preferences });
  tools ??= (await rooms?.openTools({ api, board, feed, spec, exploring })) ?? null;
}

new Switches(preferences);
preferences.listeners.add(() => board.restyle());
const zoom = new Zoom(board, () => crosshair.clear());
new Drag(board, find("panels"), crosshair, (frame) => bar.choose(frame));
if (exploring) void import("./rooms.js").then(({ Explore }) => new Explore({ spec, board, feed, api }));
setInterval(tick, TICK);
setInterval(() => {
  board.sweep();
  void feed.backfill.renew();
  void feed.learn();
  news.retry();
  hidden.update();
}, 5000);
void feed.begin();
