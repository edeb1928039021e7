import { formatAge, formatText } from "../format.js";
import { amountText, fraction, leftText, timeLeft } from "../progress.js";
import { make, Rows, tellNone, write } from "../rows.js";
import { allowance, EARLY } from "../staleness.js";
import { endOf, RECENT } from "../taskbook.js";
import { NO_PANEL } from "../protocol.js";

/**
 * @typedef {import("../protocol.js").Task} Task
 * @typedef {import("../taskbook.js").Known} Known
 * @typedef {import("../panel.js").Moment} Moment
 * @typedef {{ root: HTMLElement, word: HTMLElement, title: HTMLElement, figure: HTMLElement, bar: HTMLElement, fill: HTMLElement,
 *   amount: HTMLElement, times: HTMLElement, message: HTMLElement, output: HTMLElement }} Row
 */

/** Rows in the document at most, and lines of output of a task that failed. */
const MOST = 40;
const OUTPUT = 8;
const WORDS = { running: "▶ running", completed: "✓ completed", failed: "✕ failed", lost: "? lost" };

/** Long work: what runs, how far it is and how long it will take; what ended, and how. */
export class LiveTasks extends HTMLElement {
  moving = true;
  strict = false;
  spec = NO_PANEL;
  /** @type {import("../taskbook.js").Taskbook | undefined} */
  book;
  unfolded = false;

  connectedCallback() {
    this.more = /** @type {HTMLElement} */ (this.querySelector(".more"));
    this.fold = /** @type {HTMLElement} */ (this.querySelector("[data-fold]"));
    this.rows = new Rows(/** @type {HTMLElement} */ (this.querySelector("ul")), makeRow);
    this.fold.addEventListener("click", () => {
      this.unfolded = !this.unfolded;
      if (this.moment) this.render([], this.moment);
    });
  }

  /**
   * What runs, each by its interval; where nothing runs, the stream: it would tell.
   * @param {Moment} moment
   * @returns {import("../panel.js").Subject[]}
   */
  subjects({ heard }) {
    if (!this.book?.settled || heard.born === -Infinity) return [];
    const running = [...this.book.tasks.values()].filter(({ task }) => task.state === "running");
    return running.length ? running.map(({ task, born }) => ({ born, deadline: deadline(task, born), source: task.source, interval: task.interval })) : [heard];
  }

  /** @param {number} milliseconds */
  age(milliseconds) {
    this.book?.age(milliseconds);
  }

  /**
   * @param {unknown} _
   * @param {Moment} moment
   */
  render(_, moment) {
    const { book, rows, more, fold } = this;
    if (!book || !rows || !more || !fold) return;
    this.moment = moment;
    const ranked = book.ranked();
    const old = ranked.filter(({ task, born }) => task.state !== "running" && moment.now - born > RECENT);
    const listed = this.unfolded ? ranked : ranked.filter((known) => !old.includes(known));
    const shown = listed.slice(0, MOST);
    rows.take(shown.length).forEach((row, at) => draw(row, /** @type {Known} */ (shown[at]), moment));
    write(more, listed.length > MOST ? `and ${listed.length - MOST} more` : "");
    fold.hidden = !old.length;
    const words = `${old.length} that ended earlier`;
    write(fold, old.length ? (this.unfolded ? `Fold away ${words}` : `Show ${words}`) : "");
    fold.setAttribute("aria-expanded", String(this.unfolded));
    tellNone(this, listed.length > 0, book.known);
  }
}

/**
 * @param {Row} row
 * @param {Known} known
 * @param {Moment} moment
 */
function draw(row, { task, born }, { now, present, preferences }) {
  const { root, word, title, figure, bar, fill, amount, times, message, output } = row;
  const running = task.state === "running";
  const age = Math.max(0, (now - born) / 1000);
  const part = fraction(task);
  const stale = running && now >= deadline(task, born);
  if (root.dataset["task"] !== task.state) root.dataset["task"] = task.state;
  root.classList.toggle("stale", stale);
  write(word, WORDS[task.state]);
  write(title, task.title || task.task);
  title.title = `${task.title || task.task}\n${task.task} · ${task.source}`;
  write(figure, part === null || task.state === "completed" ? "" : formatText(part, "ratio"));
  bar.hidden = task.state === "completed";
  bar.classList.toggle("unknown", part === null);
  if (part === null) bar.removeAttribute("aria-valuenow");
  else bar.setAttribute("aria-valuenow", String(Math.round(part * 100)));
  bar.setAttribute("aria-label", `Progress of ${task.title || task.task}`);
  fill.style.transform = `scaleX(${part ?? 1})`;
  write(amount, amountText(running ? task : { ...task, rate: undefined }));
  const when = `${preferences.clock?.(endOf(task) * 1000)} ${preferences.zoneName}`;
  write(times, running ? runningTimes(task, age, stale) : endedTimes(task, present));
  times.title = running ? times.textContent ?? "" : `${times.textContent}\n${when}`;
  const why = reasonOf(task);
  write(message, why);
  message.title = why;
  write(output, task.state === "failed" || task.state === "lost" ? (task.output ?? []).slice(-OUTPUT).join("\n") : "");
}

/**
 * @param {Task} task
 * @param {number} age seconds
 * @param {boolean} stale
 */
function runningTimes(task, age, stale) {
  if (stale) return `not heard of for ${formatAge(age)}`;
  return `${formatAge(task.timestamp - task.started_at + age)} · ${leftText(timeLeft(task, age))}`;
}

/**
 * @param {Task} task
 * @param {number} now the server's time, seconds
 */
function endedTimes(task, now) {
  const took = formatAge(endOf(task) - task.started_at);
  const ago = `${formatAge(Math.max(0, now - endOf(task)))} ago`;
  return task.state === "lost" ? `given up ${ago}` : `took ${took} · ${ago}`;
}

/**
 * Why it ended, or where it stands.
 * @param {Task} task
 */
function reasonOf({ state, message = "", exit_code: code, interval }) {
  if (state === "lost") {
    return ["nothing was heard for 3 intervals of " + formatAge(interval), message && `last: ${message}`].filter(Boolean).join(" · ");
  }
  return [state === "failed" && code != null ? `exit code ${code}` : "", message].filter(Boolean).join(" · ");
}

/**
 * @param {Task} task
 * @param {number} born
 */
function deadline(task, born) {
  return born + (allowance(task.interval) - EARLY) * 1000;
}

/** @returns {Row} */
function makeRow() {
  const root = make("li", "task");
  const [word, title, figure] = [make("span", "word"), make("span", "title"), make("span", "figure")];
  const [bar, fill] = [make("span", "track"), make("i")];
  const [message, facts, amount, times] = [make("span", "message"), make("span", "facts"), make("span", "amount"), make("span", "times")];
  const output = make("pre", "output");
  bar.setAttribute("role", "progressbar");
  bar.append(fill);
  output.tabIndex = 0;
  facts.append(amount, times);
  root.append(word, title, figure, bar, message, facts, output);
  return { root, word, title, figure, bar, fill, amount, times, message, output };
}

customElements.define("live-tasks", LiveTasks);
