import "./elements/connection-status.js";
import { Api, causeOf } from "./api.js";
import { ServerClock, SleepDetector } from "./clock.js";
import { format, formatAge, formatText, formatTick, NONE } from "./format.js";
import { Guard } from "./guard.js";
import { Preferences } from "./preferences.js";
import { problemsOf, Rates, sum } from "./program.js";
import { make, Rows, write } from "./rows.js";
import { Switches } from "./switches.js";

/**
 * @typedef {import("./answers.js").Status} Status
 * @typedef {{ root: HTMLElement, cells: HTMLElement[] }} Row
 * @typedef {[name: string, value: string, title?: string]} Fact
 */

/** Milliseconds between two questions. */
const INTERVAL = 2000;
/** Milliseconds for which an answer is true, counted from its question: two intervals and a second, as of a series. */
const PATIENCE = 2 * INTERVAL + 1000;
const TICK = 250;

/** @type {Record<string, string>} */
const GAPS = {
  retention: "Gaps: older than what is held", restart: "Gaps: from before a restart", slow: "Gaps: read too slowly",
  unknown_id: "Gaps: id that nobody gave", not_stored: "Gaps: could not be stored",
};
/** @type {Record<string, string>} */
const LIMITS = {
  streams: "Refused: streams in all", address: "Refused: streams of an address",
  principal: "Refused: streams of a principal", attempts: "Refused: attempts in a minute",
};

const find = (/** @type {string} */ choice) => /** @type {HTMLElement} */ (document.querySelector(choice));
const head = find("#status");
const api = new Api(head.dataset["root"] ?? "");
const clock = new ServerClock();
const sleep = new SleepDetector();
const preferences = new Preferences();
const guard = new Guard(find("#guard"), () => judge());
const rates = new Rates();
const word = /** @type {import("./elements/connection-status.js").ConnectionStatus} */ (find("connection-status"));
const panels = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".status .panel")]);

/** @type {Status | null} */
let shown = null;
/** When the question went out that `shown` answers, and how long its answer took, milliseconds. */
let asked = -Infinity;
let took = NaN;
/** @type {import("./connection.js").Cause | null} why the last question failed */
let cause = null;
let asking = false;
let next = 0;

/** @param {string} panel */
function table(panel, columns = 2) {
  const body = find(`#panel-${panel} tbody`);
  return new Rows(body, () => {
    const root = make("tr");
    const cells = Array.from({ length: columns }, () => make("td"));
    root.append(...cells);
    return /** @type {Row} */ ({ root, cells });
  });
}

const tables = { delivery: table("delivery"), published: table("published"), held: table("held"), disk: table("disk"), viewers: table("viewers", 3), collectors: table("collectors", 7) };

/**
 * @param {Rows<Row>} rows
 * @param {Fact[]} facts
 */
function list(rows, facts) {
  rows.take(facts.length).forEach(({ root, cells: [name, value] }, at) => {
    const [label, text, title = ""] = /** @type {Fact} */ (facts[at]);
    if (!name || !value) return;
    write(name, label);
    write(value, text);
    value.className = text === "0" ? "value nothing" : "value";
    root.title = title || label;
  });
}

/**
 * @param {string} panel
 * @param {import("./format.js").Formatted} figure
 * @param {string} also
 */
function tile(panel, { number, unit: symbol }, also) {
  const place = find(`#panel-${panel}`);
  write(/** @type {HTMLElement} */ (place.querySelector(".number")), number);
  write(/** @type {HTMLElement} */ (place.querySelector(".unit")), symbol);
  write(/** @type {HTMLElement} */ (place.querySelector(".also")), also);
}

const count = (/** @type {number} */ number) => number.toLocaleString("en-GB").replaceAll(",", "\u202f");
const whole = (/** @type {number} */ number) => ({ number: count(number), unit: "" });

/** @param {Status} status */
function show(status) {
  const growth = rates.growth();
  const rate = (/** @type {number | undefined} */ grown) => (growth && grown !== undefined ? grown / growth.seconds : null);
  const { log, process, storage } = status;
  tile("streams", whole(status.streams), `of ${count(status.users)} ${status.users === 1 ? "viewer" : "viewers"}`);
  tile("slowest", whole(status.slowest), "events behind the newest");
  tile("bytes", format(rate(growth?.bytes), "bytes/s"), `${formatText(status.bytes_sent, "bytes")} since the start`);
  tile("events", format(rate(growth?.events), "/s"), `${count(sum(status.published))} since the start`);
  tile("memory", format(process.resident_bytes, "bytes"), "of this process");
  tile("processor", format(process.cpu_ratio, "ratio"), `of a core · loop late by ${formatText(process.loop_lag, "seconds")}`);
  list(tables.delivery, [
    ["Streams begun behind an id", count(status.resumes)],
    ["Conflated events", count(status.conflated), "Events of metrics left out for streams that took them too slowly"],
    ...Object.entries(status.gaps).map(([reason, times]) => /** @type {Fact} */ ([GAPS[reason] ?? `Gaps: ${reason}`, count(times)])),
    ...Object.entries(status.streams_refused).map(([limit, times]) => /** @type {Fact} */ ([LIMITS[limit] ?? `Refused: ${limit}`, count(times)])),
    ["Cut off", count(status.streams_aborted), "Streams that took no bytes"],
  ]);
  list(tables.published, Object.entries(status.published).sort(([a], [b]) => (a < b ? -1 : 1)).map(([type, times]) => [type, count(times)]));
  list(tables.held, [
    ["Events", `${count(log.events)} of ${count(log.max_events)}`, "Events of the log, for viewers that come back; the setting log_events"],
    ["For at most", formatAge(log.max_age), "Age at which an event leaves the log; the setting log_age"],
    ["Series", `${count(status.series)} of ${count(status.max_series)}`, "The setting max_series"],
    ["Samples refused", count(status.refused), "They found no room: too many series"],
  ]);
  list(tables.disk, [
    ["Points and logs", formatText(storage.history_bytes, "bytes"), "history.db"],
    ["Tasks, notices, events", formatText(storage.state_bytes, "bytes"), "state.db"],
    ["Room on the disk", formatText(storage.free_bytes, "bytes")],
    ["Points and logs are", storage.trouble ? "△ not stored" : "stored", storage.trouble ?? ""],
    ["Events not stored", count(status.unstored), "They are in the log, and a restart loses them"],
  ]);
  viewers(status);
  collectors(status);
}

/** @param {Status} status */
function viewers({ viewers, users }) {
  const known = viewers.some(({ address }) => address !== undefined);
  find("#panel-viewers th.address").hidden = !known;
  tables.viewers.take(viewers.length).forEach(({ cells: [who, where, streams] }, at) => {
    const viewer = viewers[at];
    if (!viewer || !who || !where || !streams) return;
    write(who, viewer.principal);
    write(where, viewer.address ?? "");
    where.hidden = !known;
    write(streams, count(viewer.streams));
    streams.className = "value";
  });
  const more = known ? users - viewers.length : 0;
  write(find("#panel-viewers .more"), viewers.length ? (more > 0 ? `and ${count(more)} more` : "") : "Nobody looks at a board now.");
}

/** @param {Status} status */
function collectors({ collectors }) {
  const now = clock.now();
  tables.collectors.take(collectors.length).forEach(({ root, cells }, at) => {
    const one = collectors[at];
    if (!one) return;
    root.dataset["collector"] = one.state;
    const texts = [
      one.name, one.state, one.interval === null ? NONE : formatTick(one.interval, "seconds"), formatText(one.duration, "seconds"),
      one.last_success === null ? NONE : `${formatAge(now - one.last_success)} ago`, count(one.failures), one.error ?? "",
    ];
    const classes = ["name", "state", "value interval", "value run", "value last", "value failures", "reason"];
    cells.forEach((cell, column) => {
      if (!cell.className) {
        cell.className = classes[column] ?? "";
        if (column === 1) cell.append(make("i", "mark"), make("span"));
      }
      write(column === 1 ? /** @type {HTMLElement} */ (cell.lastElementChild) : cell, texts[column] ?? "");
    });
    root.title = one.error ?? "";
  });
}

/** Whether what is shown is the truth of now: else all of it is veiled, and what is at fault is named. */
function judge() {
  const now = clock.monotonic();
  const fresh = now - asked < PATIENCE;
  const state = shown === null ? "loading" : fresh ? "live" : "stale";
  for (const panel of panels) {
    if (panel.dataset["state"] !== state) panel.dataset["state"] = state;
    const [age, reason] = /** @type {NodeListOf<HTMLElement>} */ (panel.querySelectorAll(".veil span"));
    if (state === "stale" && age) write(age, `${formatAge((now - asked) / 1000)} old`);
    if (state === "stale" && reason) write(reason, panel.classList.contains("w-2") ? "" : (cause?.text ?? "no answer yet"));
  }
  guard.put(fresh ? asked + PATIENCE : Infinity, now);
  told(now, fresh);
  const verdict = find(".worst");
  const problems = shown && fresh ? problemsOf(shown, rates.growth()) : [];
  const severity = !shown || !fresh ? "unknown" : (problems[0]?.severity ?? "");
  if (verdict.dataset["severity"] !== severity) verdict.dataset["severity"] = severity;
  write(/** @type {HTMLElement} */ (verdict.querySelector(".mark")), { "": "●", warning: "△", critical: "▲", unknown: "○" }[severity]);
  const [first, ...others] = problems.map(({ text }) => text);
  const calm = severity === "unknown" ? "Not known" : "The dashboard itself runs well";
  write(/** @type {HTMLElement} */ (verdict.querySelector(".text")), first ? first + (others.length ? ` · ${others.length} more` : "") : calm);
  verdict.title = problems.map(({ text }) => text).join("\n");
  const up = find(".uptime");
  up.classList.toggle("stale", shown !== null && !fresh);
  write(/** @type {HTMLElement} */ (up.querySelector("b")), shown ? formatAge(fresh ? clock.now() - shown.started_at : shown.server_time - shown.started_at) : NONE);
  write(find("#clock"), clock.known ? `${preferences.clock?.(clock.now() * 1000)} ${preferences.zoneName}` : "");
}

/**
 * @param {number} now
 * @param {boolean} fresh
 */
function told(now, fresh) {
  const wait = `next try in ${Math.max(0, Math.ceil((next - now) / 1000))} s`;
  if (cause?.kind === "denied") word.show({ word: "denied", detail: cause.text, action: "retry" });
  else if (cause) word.show({ word: "offline", detail: `${asking ? "trying now" : wait} · ${cause.text}`, action: "retry" });
  else if (shown === null) word.show({ word: "connecting", detail: "", action: "" });
  else if (!fresh) word.show({ word: "stale", detail: "no answer yet", action: "" });
  else if (shown.version !== head.dataset["version"]) word.show({ word: "outdated", detail: `version ${shown.version} is out`, action: "reload" });
  else word.show({ word: "live", detail: `every ${INTERVAL / 1000} s · ${Math.round(took)} ms`, action: "" });
}

/** The status, and when the question went out and its answer came. */
async function timed() {
  const sent = clock.monotonic();
  const status = await api.status();
  return { status, sent, received: clock.monotonic() };
}

async function ask() {
  if (asking) return;
  asking = true;
  try {
    const { status, sent, received } = await (shown || cause ? timed() : api.timedStatus(clock.monotonic));
    clock.bracket(status.server_time, sent, received);
    [shown, asked, took, cause] = [status, sent, received - sent, null];
    rates.take(status, received);
    show(status);
  } catch (error) {
    cause = causeOf(error);
  } finally {
    asking = false;
    next = clock.monotonic() + INTERVAL;
    judge();
  }
}

setInterval(() => {
  const slept = sleep.slept();
  if (slept) {
    asked -= slept;
    next = 0;
    rates.clear();
  }
  judge();
  if (clock.monotonic() >= next) void ask();
}, TICK);
const wake = () => void ask();
for (const type of ["online", "pageshow"]) addEventListener(type, wake);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) wake();
});
document.addEventListener("freeze", () => document.documentElement.classList.add("frozen"));
document.addEventListener("resume", () => {
  judge();
  document.documentElement.classList.remove("frozen");
  wake();
});
word.addEventListener("retry", wake);
word.addEventListener("reload", () => location.reload());
new Switches(preferences);
preferences.listeners.add(judge);
