import { copy } from "./clipboard.js";

/**
 * @typedef {import("./preferences.js").Preferences} Preferences
 * @typedef {import("./preferences.js").Theme} Theme
 */

const THEMES = /** @type {Theme[]} */ (["system", "light", "dark"]);

/** The switches of the head: time zone, theme. */
export class Switches {
  /** @param {Preferences} preferences */
  constructor(preferences) {
    this.preferences = preferences;
    this.zone = /** @type {HTMLButtonElement | null} */ (document.querySelector("[data-switch=zone]"));
    this.theme = /** @type {HTMLButtonElement | null} */ (document.querySelector("[data-switch=theme]"));
    this.zone?.addEventListener("click", () => preferences.setZone(preferences.zone === "utc" ? "browser" : "utc"));
    this.theme?.addEventListener("click", () => {
      preferences.setTheme(THEMES[(THEMES.indexOf(preferences.theme) + 1) % THEMES.length] ?? "system");
    });
    preferences.listeners.add(() => this.#show());
    this.#show();
    this.#fold();
  }

  /** Where there is little room, the switches are behind one button. */
  #fold() {
    const fold = /** @type {HTMLButtonElement} */ (document.querySelector("button.fold"));
    const set = (/** @type {boolean} */ open) => fold.setAttribute("aria-expanded", String(open));
    fold.addEventListener("click", () => set(fold.ariaExpanded !== "true"));
    document.addEventListener("pointerdown", ({ target }) => {
      if (target instanceof Element && !target.closest(".fold, .switches")) set(false);
    });
    document.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" || fold.ariaExpanded !== "true") return;
      set(false);
      fold.focus();
    });
  }

  #show() {
    const { preferences } = this;
    if (this.zone) {
      this.zone.textContent = preferences.zone === "utc" ? "UTC" : `Browser time (${preferences.zoneName})`;
      this.zone.title = preferences.zone === "utc" ? "Show the browser's time" : "Show UTC";
    }
    if (this.theme) {
      this.theme.dataset["theme"] = preferences.theme;
      this.theme.textContent = { system: "System theme", light: "Light", dark: "Dark" }[preferences.theme];
    }
  }
}

/** Milliseconds after which a server that was away is asked again for the board. */
const AGAIN = 5000;

/** The file that the board is written in: copying it, its faults, and its changes. */
export class BoardFile {
  /**
   * @param {import("./api.js").Api} api
   * @param {import("./protocol.js").BoardSpec} spec
   * @param {HTMLElement} banner that tells of a fault
   * @param {HTMLElement} gone the one that tells that the board is no longer there
   * @param {import("./elements/health-line.js").HealthLine} health
   */
  constructor(api, spec, banner, gone, health) {
    this.api = api;
    this.spec = spec;
    this.banner = banner;
    this.gone = gone;
    this.health = health;
    this.fault(spec.fault);
    const button = /** @type {HTMLButtonElement | null} */ (document.querySelector("[data-copy-board]"));
    button?.addEventListener("click", async () => {
      const response = await api.get(`/boards/${encodeURIComponent(spec.name)}.toml`);
      await copy(await response.text(), button);
    });
  }

  /** @param {string | null} text what is wrong with the settings; the board shown is the last good one */
  fault(text) {
    this.banner.hidden = !text;
    this.health.fault = Boolean(text);
    const place = /** @type {HTMLElement} */ (this.banner.querySelector("code"));
    place.textContent = text ?? "";
  }

  /**
   * Boards were saved: take the new one, or say what is wrong with it.
   * @param {string} what
   */
  async changed(what) {
    if (what !== "boards") return;
    const answer = await fetch(location.pathname + location.search).catch(() => null);
    if (!answer) {
      setTimeout(() => void this.changed(what), AGAIN);
      return;
    }
    if (answer.ok || answer.status === 404) this.gone.hidden = answer.ok;
    const page = await answer.text();
    const data = new DOMParser().parseFromString(page, "text/html").getElementById("board")?.textContent;
    if (!data) return;
    /** @type {import("./protocol.js").BoardSpec} */
    const fresh = JSON.parse(data);
    this.fault(fresh.fault);
    const content = (/** @type {import("./protocol.js").BoardSpec} */ board) => JSON.stringify([board.title, board.range, board.panels]);
    if (content(fresh) !== content(this.spec)) location.reload();
  }
}
