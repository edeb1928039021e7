import "./plain.js";
import { copy } from "./clipboard.js";

const root = location.pathname.replace(/\/add\/?$/, "");
for (const place of document.querySelectorAll("[data-origin]")) place.textContent = location.origin + root;

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", () => {
    const text = button.parentElement?.querySelector("code")?.textContent ?? "";
    void copy(text, /** @type {HTMLElement} */ (button));
  });
}
