import { copy } from "./clipboard.js";

/** Show what to write into a proxy that spoils the stream. */
export function advise() {
  const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById("proxy-dialog"));
  if (!dialog || dialog.open) return;
  for (const button of dialog.querySelectorAll("button[data-copy]")) {
    const text = button.parentElement?.querySelector("code")?.textContent ?? "";
    /** @type {HTMLElement} */ (button).onclick = () => void copy(text, /** @type {HTMLElement} */ (button));
  }
  dialog.showModal();
}
