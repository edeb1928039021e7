import { advise } from "../advice.js";
import { brief } from "../brief.js";
import { write } from "../rows.js";

/**
 * @typedef {"connecting" | "live" | "catching up" | "stale" | "offline" | "denied" | "outdated"} StatusWord
 * @typedef {{ word: StatusWord, detail: string, action: "" | "retry" | "reload" | "mend" }} Status
 */

const ACTIONS = { "": "", retry: "Try now", reload: "Reload", mend: "Mend it" };

/** Whether what is on the page is live, told by shape, word and colour. */
export class ConnectionStatus extends HTMLElement {
  connectedCallback() {
    this.word = /** @type {HTMLElement} */ (this.querySelector(".word"));
    this.detail = /** @type {HTMLElement} */ (this.querySelector(".detail"));
    this.button = /** @type {HTMLButtonElement} */ (this.querySelector("button"));
    this.button.addEventListener("click", () => {
      if (this.action === "mend") advise();
      else this.dispatchEvent(new CustomEvent(this.action ?? ""));
    });
  }

  /** @param {Status} status */
  show({ word, detail, action }) {
    if (!this.word || !this.detail || !this.button) return;
    if (this.dataset["state"] !== word) this.dataset["state"] = word;
    write(this.word, word);
    write(this.detail, brief(detail));
    this.title = `${word} ${detail}`.trim();
    this.action = action;
    if (this.button.hidden !== !action) this.button.hidden = !action;
    write(this.button, ACTIONS[action]);
  }
}

customElements.define("connection-status", ConnectionStatus);
