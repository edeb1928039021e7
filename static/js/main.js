import "./elements/connection-status.js";
import "./elements/health-line.js";
import { Api } from "./api.js";
import { Board } from "./board.js";
import { ServerClock, SleepDetector } from "./clock.js";
import { Crosshair } from "./crosshair.js";
import { Feed } from "./feed.js";
import { HiddenDevices } from "./hidden.js";
import { Lifecycle } from "./lifecycle.js";
import { News, typesOf } from "./news.js";
import { Preferences } from "./preferences.js";
import { write } from "./rows.js";
import { Store } from "./store.js";
import { learn } from "./selector.js";
import { BoardFile, Switches } from "./switches.js";
import { Zoom } from "./zoom.js";

/** Times a second that everything is judged by the clock. */
const TICK = 250;
/** Views that come with the newsroom, when the first picture is there. */
const LATE = new Set(["live-log", "live-tasks"]);
/** Milliseconds after which nothing more waits for the first picture. */
const PATIENCE = 5000;

// Each kind of view is a file named as its element; one that does not load fails its own panels only.
const views = [...document.querySelectorAll("[data-view]")].map(({ localName }) => localName);
const early = new Set(views.filter((name) => !LATE.has(name)));
await Promise.allSettled([...early].map((name) => import(`./elements/${name}.js`)));

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
const asked = !preferences.range || preferences.range === spec.range;
store.span(preferences.range ?? spec.range, asked ? history.range : undefined);

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
  onProcesses: (event) => board.processes(event),
  onChanged: (what) => {
    // What is explored is not in the file.
    if (!exploring) void file.changed(what);
  },
  onFault: (fault) => file.fault(fault),
  onState: () => judge(),
});
board.feed = feed;
const crosshair = new Crosshair(board, find("panels"), find("moment"));
const lifecycle = new Lifecycle(feed, board);
const sleep = new SleepDetector();
const time = find("clock");
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
  if (clock.monotonic() > openAt && feed.connection.phase === "open" && due()) void open();
  const text = clock.known ? `${preferences.clock?.(clock.now() * 1000)} ${preferences.zoneName}` : "";
  write(time, text);
}

/** Whether the first picture is there, or something further is looked for. */
function due() {
  const seen = board.late.some(({ id }) => (document.getElementById(`panel-${id}`)?.getBoundingClientRect().top ?? Infinity) < innerHeight);
  return seen || feed.truth.latencies.length > 1 || clock.monotonic() > PATIENCE;
}

async function open() {
  openAt = Infinity;
  void feed.complete();
  const room = await import("./newsroom.js").catch(() => null);
  // A server that has just gone away is asked again when it is back.
  if (room) room.openNews({ news, board, zoom, crosshair, preferences });
  else openAt = clock.monotonic() + PATIENCE;
}

new Switches(preferences, spec.range);
preferences.listeners.add(() => {
  const range = preferences.range ?? spec.range;
  board.restyle();
  if (range === store.wanted) return;
  store.span(range);
  void feed.load().catch(() => feed.connection.wake());
});
const zoom = new Zoom(board, () => crosshair.clear());
if (exploring) void import("./explore.js").then(({ Explore }) => new Explore({ spec, board, feed, api }));
setInterval(tick, TICK);
setInterval(() => {
  board.sweep();
  if (feed.loaded && store.fit()) void feed.load().catch(() => feed.connection.wake());
  void feed.learn();
  void feed.complete();
  news.retry();
  hidden.update();
}, 5000);
void feed.begin();
