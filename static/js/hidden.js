import { Selector } from "./selector.js";
import { MOST } from "./store.js";

/** Says on panels how many devices were left out as noise, and how many series the page does not keep: nothing is hidden in secret. */
export class HiddenDevices {
  static SELECTOR = "dashboard_collector_hidden_devices";

  /**
   * @param {import("./board.js").Board} board
   * @param {import("./store.js").Store} store
   */
  constructor(board, store) {
    this.board = board;
    this.store = store;
    this.selector = new Selector(HiddenDevices.SELECTOR);
  }

  /**
   * @param {import("./line.js").Line[]} lines that changed
   */
  changed(lines) {
    if (lines.some(({ series }) => series.name === HiddenDevices.SELECTOR)) this.update();
  }

  update() {
    /** @type {Map<string, number>} hidden devices by source */
    const hidden = new Map();
    for (const line of this.store.lines.values()) {
      if (!this.selector.matches(line.series)) continue;
      const count = Number.isNaN(line.value) ? Math.round(line.meanAt(line.length - 1)) : line.value;
      const { instance, collector } = line.series.labels;
      if (count > 0) hidden.set(`${instance}/${collector}`, count);
    }
    for (const { lines, left, note, spec } of this.board.panels) {
      const [first] = lines;
      const several = [...lines].every((line) => line.source === first?.source);
      const count = first && several && spec.kind !== "stat" ? hidden.get(first.source) : undefined;
      if (!note) continue;
      const text = [count ? `${count} hidden` : "", left ? `${left.toLocaleString("en")} series not kept` : ""].filter(Boolean).join(" · ");
      if (note.textContent !== text) note.textContent = text;
      const noise = count ? "Devices that are only noise are left out; the settings that begin with ignore_ say which. " : "";
      note.title = noise + (left ? `A page keeps ${MOST.toLocaleString("en")} series.` : "");
    }
  }
}
