/**
 * @typedef {"system" | "light" | "dark"} Theme
 * @typedef {"browser" | "utc"} Zone
 */

/** What this reader chose; kept in the browser, if it lets us. */
export class Preferences {
  /**
   * Milliseconds by which the clock that is shown is ahead of UTC at a time, which is in milliseconds, too.
   * @type {(time: number) => number}
   */
  offset = (time) => (this.zone === "utc" ? 0 : -60_000 * new Date(time).getTimezoneOffset());

  constructor() {
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    /** @type {Theme} */
    this.theme = /** @type {Theme} */ (read("theme") ?? "system");
    /** @type {Zone} */
    this.zone = /** @type {Zone} */ (read("zone") ?? "browser");
    this.#formats();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#changed());
  }

  /** @param {Theme} theme */
  setTheme(theme) {
    this.theme = theme;
    write("theme", theme === "system" ? null : theme);
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    this.#changed();
  }

  /** @param {Zone} zone */
  setZone(zone) {
    this.zone = zone;
    write("zone", zone);
    this.#formats();
    this.#changed();
  }

  #formats() {
    const timeZone = this.zone === "utc" ? "UTC" : undefined;
    const minutes = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone });
    const seconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone });
    /** @param {number} time milliseconds */
    this.clock = (time) => seconds.format(time);
    const days = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone });
    /** @param {number} time milliseconds */
    this.day = (time) => days.format(time);
    /** Name of the zone in which times are shown. */
    this.zoneName = this.zone === "utc" ? "UTC" : zoneName();
    const dates = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone });
    /**
     * What stands below an axis: the time, or with the first moment of a day its date.
     * @param {number} time milliseconds
     */
    this.tick = (time) => (time % 60_000 ? seconds : (time + this.offset(time)) % 86_400_000 ? minutes : dates).format(time);
  }

  #changed() {
    for (const listener of this.listeners) listener();
  }
}

function zoneName() {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts();
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "local";
}

/** @param {string} key */
function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string | null} value
 */
function write(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
