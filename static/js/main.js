import "./elements/connection-status.js";
import "./elements/health-line.js";
import { Api } from "./api.js";
import { Board } from "./board.js";
import { Chronicle } from "./chronicle.js";
import { ServerClock, SleepDetector } from "./clock.js";
import { Crosshair } from "./crosshair.js";
import { Feed } from "./feed.js";
import { HiddenDevices } from "./hidden.js";
import { Lifecycle } from "./lifecycle.js";
import { openNews } from "./newsroom.js";
import { Preferences } from "./preferences.js";
import { write } from "./rows.js";
import { Store } from "./store.js";
import { BoardFile, Switches } from "./switches.js";
import { Zoom } from "./zoom.js";

/** Times a second that everything is judged by the clock. */
const TICK = 250;

// Each kind of view is a file named as its element; one that does not load fails its own panels only.
const views = [...document.querySelectorAll("[data-view]")].map(({ localName }) => localName);
await Promise.allSettled([...new Set(views)].map((name) => import(`./elements/${name}.js`)));

const find = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const spec = /** @type {import("./protocol.js").BoardSpec} */ (JSON.parse(find("board").textContent ?? ""));
const preferences = new Preferences();
const clock = new ServerClock();
const store = new Store(clock);
const api = new Api(spec.root_path);
const health = /** @type {import("./elements/health-line.js").HealthLine} */ (document.querySelector("health-line"));
health.instance = spec.instance;
const status = /** @type {import("./elements/connection-status.js").ConnectionStatus} */ (document.querySelector("connection-status"));
const { history } = spec;
const asked = !preferences.range || preferences.range === spec.range;
store.span(preferences.range ?? spec.range, asked ? history.range : undefined);

const chronicle = new Chronicle(() => clock.now());
const board = new Board({ spec, root: find("panels"), health, store, clock, preferences, guard: find("guard"), chronicle });
const strip = /** @type {import("./elements/system-strip.js").SystemStrip} */ (document.querySelector("system-strip"));
const { news, tell } = openNews({ api, spec, board, clock, preferences, chronicle, strip });
const hidden = new HiddenDevices(board, store);
const file = new BoardFile(api, spec, find("fault"));
const feed = new Feed({
  api, store, clock, news, selectors: history.selectors, version: spec.version, first: asked ? history.url : null,
  onLines: (lines, taken) => {
    board.changed(lines, taken);
    hidden.changed(lines);
  },
  onProcesses: (event) => board.processes(event),
  onChanged: (what) => void file.changed(what),
  onFault: (fault) => file.fault(fault),
  onState: () => judge(),
});
board.feed = feed;
const crosshair = new Crosshair(board, find("panels"), find("moment"));
strip.addEventListener("moment", (event) => crosshair.at(/** @type {CustomEvent} */ (event).detail?.time ?? null));
const lifecycle = new Lifecycle(feed, board);
const sleep = new SleepDetector();
const time = find("clock");

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
  const text = clock.known ? `${preferences.clock?.(clock.now() * 1000)} ${preferences.zoneName}` : "";
  write(time, text);
}

new Switches(preferences, spec.range);
preferences.listeners.add(() => {
  const range = preferences.range ?? spec.range;
  board.restyle();
  tell();
  if (range === store.wanted) return;
  store.span(range);
  void feed.load().catch(() => feed.connection.wake());
});
new Zoom(board, () => crosshair.clear());
setInterval(tick, TICK);
setInterval(() => {
  board.sweep();
  if (feed.loaded && store.fit()) void feed.load().catch(() => feed.connection.wake());
  void feed.learn();
  news.retry();
  hidden.update();
}, 5000);
void feed.begin();
