/**
 * One panel over the whole page, and back.
 *
 * @typedef {import("./board.js").Board} Board
 * @typedef {import("./panel.js").Panel} Panel
 */
export class Zoom {
  /**
   * @param {Board} board
   * @param {() => void} moved called when nothing is any longer where the pointer saw it
   */
  constructor(board, moved) {
    this.board = board;
    this.moved = moved;
    for (const panel of board.panels) this.admit(panel);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && board.zoomed && !document.querySelector("dialog[open]")) this.close();
    });
  }

  /**
   * Let a panel be shown over the whole page; at once, when the address asks for it.
   * @param {Panel} panel
   */
  admit(panel) {
    const { element } = panel;
    const button = element.querySelector("button.expand");
    button?.addEventListener("click", () => this.toggle(panel));
    element.querySelector(".plot")?.addEventListener("click", (event) => {
      if (/** @type {PointerEvent} */ (event).pointerType !== "touch") this.toggle(panel);
    });
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target === element) this.toggle(panel);
    });
    if (panel.spec.id === decodeURIComponent(location.hash.slice(1))) this.open(panel);
  }

  /** @param {Panel} panel */
  toggle(panel) {
    if (this.board.zoomed === panel) this.close();
    else this.open(panel);
  }

  /** @param {Panel} panel */
  open(panel) {
    this.#set(panel, true);
    history.replaceState(null, "", `#${encodeURIComponent(panel.spec.id)}`);
    panel.element.focus();
  }

  close() {
    const panel = this.board.zoomed;
    if (!panel) return;
    this.#set(panel, false);
    history.replaceState(null, "", location.pathname + location.search);
    panel.element.focus();
  }

  /**
   * @param {Panel} panel
   * @param {boolean} on
   */
  #set(panel, on) {
    const { board } = this;
    if (board.zoomed && board.zoomed !== panel) board.zoomed.element.classList.remove("full");
    board.zoomed = on ? panel : null;
    panel.element.classList.toggle("full", on);
    document.documentElement.classList.toggle("zoomed", on);
    for (const other of board.panels) other.element.inert = on && other !== panel;
    const button = panel.element.querySelector("button.expand");
    button?.setAttribute("aria-label", on ? "Back to the board (Esc)" : "Full screen (Enter)");
    this.moved();
    board.flush();
  }
}
