/** How long nobody must have touched the page before it renews itself. */
const UNTOUCHED = 60_000;
/** Renewals are spread over this time, so that a thousand pages do not come at once. */
const SPREAD = 20_000;

/** What a browser does to a tab: hides, freezes, caches and wakes it; and what a new version of the server asks of it. */
export class Lifecycle {
  /**
   * @param {import("./feed.js").Feed} feed
   * @param {import("./board.js").Board} board
   */
  constructor(feed, board) {
    this.feed = feed;
    this.board = board;
    this.touched = -Infinity;
    const wake = () => feed.connection.wake();
    const touch = () => {
      this.touched = feed.clock.monotonic();
    };
    const { documentElement: root } = document;
    addEventListener("online", wake);
    addEventListener("pagehide", () => feed.connection.stop());
    addEventListener("pageshow", (event) => {
      if (event.persisted) wake();
    });
    // A frozen tab is veiled before it freezes, so that whatever is shown of it later is veiled already.
    document.addEventListener("freeze", () => root.classList.add("frozen"));
    document.addEventListener("resume", () => {
      wake();
      board.flush();
      root.classList.remove("frozen");
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) wake();
    });
    for (const type of ["pointerdown", "keydown", "wheel"]) addEventListener(type, touch, { passive: true });
    document.querySelector("connection-status")?.addEventListener("retry", wake);
    document.querySelector("connection-status")?.addEventListener("reload", () => location.reload());
  }

  /** @param {number} milliseconds that the machine slept */
  slept(milliseconds) {
    this.feed.store.age(milliseconds);
    for (const { view } of this.board.panels) {
      if ("age" in view) /** @type {import("./elements/live-processes.js").LiveProcesses} */ (view).age(milliseconds);
    }
    this.feed.truth.newestBorn -= milliseconds;
    this.feed.truth.newestAt -= milliseconds;
    this.feed.truth.heardAt -= milliseconds;
    this.board.flush();
    this.feed.connection.wake();
  }

  /**
   * Reload a page that is older than its server, once for each version, and not under someone's hands.
   * @param {number} now
   */
  renew(now) {
    const { truth } = this.feed;
    if (truth.serverVersion === truth.version || renewed() === truth.serverVersion || now - this.touched < UNTOUCHED) {
      truth.reloadAt = Infinity;
      return;
    }
    if (truth.reloadAt === Infinity) truth.reloadAt = now + 5000 + Math.random() * SPREAD;
    if (now < truth.reloadAt) return;
    remember(truth.serverVersion);
    location.reload();
  }
}

/** The version for which this tab was renewed last; a page that comes out old again is not renewed for ever. */
function renewed() {
  try {
    return sessionStorage.getItem("renewed");
  } catch {
    return null;
  }
}

/** @param {string} version */
function remember(version) {
  try {
    sessionStorage.setItem("renewed", version);
  } catch {
    // Without storage the page may renew itself more than once, at most every few seconds.
  }
}
