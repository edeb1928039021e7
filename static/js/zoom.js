/**
 * One panel over the whole page, and back.
 *
 * @typedef {import("./board.js").Board} Board
 * @typedef {import("./panel.js").Panel} Panel
 */

/** What does something of its own when it is pressed. */
const CONTROLS = "a, button, input, select, textarea, summary, label, [aria-sort], .line[data-kind=line]";
/** Pixels that a pointer may move between down and up, and still press. */
const SLACK = 5;

export class Zoom {
  /**
   * @param {Board} board
   * @param {() => void} moved called when nothing is any longer where the pointer saw it
   */
  constructor(board, moved) {
    this.board = board;
    this.moved = moved;
    /** Where the pointer went down, and how far the board was scrolled. */
    this.down = { x: 0, y: 0 };
    this.top = 0;
    this.head = /** @type {HTMLElement} */ (document.querySelector("health-line"));
    for (const panel of board.panels) this.admit(panel);
    for (const { id } of board.late) {
      // Pressed before it is there, it is opened when it is: by then the address asks for it.
      const early = () => board.panels.some(({ spec }) => spec.id === id) || this.#address(id);
      document.querySelector(`#panel-${CSS.escape(id)} button.expand`)?.addEventListener("click", early, { once: true });
    }
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && board.zoomed && !document.querySelector("dialog[open]")) this.close();
    });
    document.addEventListener("pointerdown", ({ clientX: x, clientY: y }) => (this.down = { x, y }));
    addEventListener("popstate", () => this.#set(board.panels.find((panel) => this.#named(panel)) ?? null));
    const bar = document.getElementById("past");
    const measure = new ResizeObserver(() => {
      const { style } = document.documentElement;
      style.setProperty("--line", `${this.head.offsetHeight}px`);
      style.setProperty("--above", `${this.head.offsetHeight + (bar?.offsetHeight ?? 0)}px`);
    });
    for (const part of [this.head, bar]) if (part) measure.observe(part);
  }

  /**
   * Let a panel be shown over the whole page; at once, when the address asks for it.
   * @param {Panel} panel
   */
  admit(panel) {
    const { element } = panel;
    element.querySelector("button.expand")?.addEventListener("click", () => this.toggle(panel));
    element.addEventListener("click", (event) => {
      if (this.#isPress(event)) this.toggle(panel);
    });
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target === element) this.toggle(panel);
    });
    if (this.#named(panel)) this.#set(panel);
  }

  /** @param {Panel} panel */
  toggle(panel) {
    if (this.board.zoomed === panel) this.close();
    else this.open(panel);
  }

  /** @param {Panel} panel */
  open(panel) {
    this.#address(panel.spec.id);
    this.#set(panel);
  }

  /** @param {string} id of a panel, for which the address asks from now on */
  #address(id) {
    history.pushState({ ...history.state, zoomed: true }, "", addressOf(id));
  }

  close() {
    if (!this.board.zoomed) return;
    // Where the address itself asked for the panel, back would lead away from the board.
    if (history.state?.zoomed) return history.back();
    history.replaceState(history.state, "", location.pathname + location.search);
    this.#set(null);
  }

  /** @param {Panel} panel that the address may ask for */
  #named({ spec }) {
    return location.hash === addressOf(spec.id);
  }

  /**
   * Tell whether a panel was pressed and nothing in it: no control, no text that was selected, no second press of a
   * double one; a finger on a chart asks for the values there.
   * @param {MouseEvent} event
   */
  #isPress(event) {
    const target = /** @type {Element} */ (event.target);
    const { pointerType } = /** @type {PointerEvent} */ (event);
    const still = Math.hypot(event.clientX - this.down.x, event.clientY - this.down.y) <= SLACK;
    if (!still || event.detail > 1 || target.closest(CONTROLS) || getSelection()?.toString()) return false;
    return pointerType !== "touch" || !target.closest(".plot");
  }

  /** @param {Panel | null} panel the only one that is shown; null: all are */
  #set(panel) {
    const { board } = this;
    const last = board.zoomed;
    if (panel === last) return;
    if (!last) document.documentElement.style.setProperty("--scrolled", `${-(this.top = scrollY)}px`);
    board.zoomed = panel;
    for (const one of [last, panel]) {
      const on = one === panel;
      const button = /** @type {HTMLElement | null | undefined} */ (one?.element.querySelector("button.expand"));
      one?.element.classList.toggle("full", on);
      button?.setAttribute("aria-label", on ? "Close (Esc)" : "Full screen (Enter)");
      if (button) button.tabIndex = on ? 0 : -1;
    }
    document.documentElement.classList.toggle("zoomed", panel !== null);
    for (const other of board.panels) other.element.inert = panel !== null && other !== panel;
    for (const covered of document.querySelectorAll(".top, .strip, .finder, .chosen")) /** @type {HTMLElement} */ (covered).inert = panel !== null;
    (panel ?? last)?.element.focus({ preventScroll: true });
    const target = panel ? null : document.getElementById(location.hash.slice(1));
    if (target) target.scrollIntoView();
    else if (!panel) scrollTo(0, this.top);
    this.moved();
    board.flush();
  }
}

/** @param {string} id of a panel */
function addressOf(id) {
  return `#${encodeURIComponent(id)}`;
}
