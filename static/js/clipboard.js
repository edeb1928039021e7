/**
 * Copy a text; where the browser forbids it (plain http), show it selected, ready for Ctrl+C.
 * @param {string} text
 * @param {HTMLElement} button that says how it went
 */
export async function copy(text, button) {
  try {
    if (!navigator.clipboard) throw new Error("no clipboard over plain http");
    await navigator.clipboard.writeText(text);
    confirm(button);
  } catch {
    offer(text);
  }
}

/** @param {HTMLElement} button */
function confirm(button) {
  const label = button.dataset["label"] ?? button.textContent ?? "";
  button.dataset["label"] = label;
  button.textContent = "Copied";
  setTimeout(() => {
    button.textContent = label;
  }, 1500);
}

/** @param {string} text */
function offer(text) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("copy-dialog"));
  const area = /** @type {HTMLTextAreaElement} */ (dialog.querySelector("textarea"));
  area.value = text;
  dialog.showModal();
  area.focus();
  area.select();
}
