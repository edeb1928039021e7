// Writes down what every frame of this page shows, so that a test can ask of each: was an old number bare?
//
// A "beacon" is a series whose value is its own time: 10 + (Unix seconds modulo 89). So whatever text the page shows of it
// tells how old it is, whatever the page itself believes. The size of an element changes in each frame, so its
// ResizeObserver speaks after all scripts of the frame and after layout: what it sees is what is painted.
(() => {
  const NUMBERS = ".number, .legend .value, live-bars .value, live-table td.value:not(.age), live-heat .now";
  const COVERED = ["stale", "paused", "loading", "empty"];
  const MOST = 20_000;
  const unix = ((origin) => () => (origin + performance.now()) / 1000)(performance.timeOrigin);
  const frames = [];
  window.recorded = { frames, unix };

  // A frame that was begun before a standstill has the time of then; what covers it is the compositor's own clock, by what
  // it was given with an earlier frame.
  const given = new WeakSet();
  const covers = (guard) => {
    if (getComputedStyle(guard).opacity === "1") return true;
    return guard.getAnimations().some((one) => {
      const { startTime, effect } = one;
      const due = given.has(one) && startTime !== null && performance.now() >= startTime + effect.getTiming().delay;
      given.add(one);
      return due;
    });
  };

  const covered = (panel) => {
    if (!COVERED.includes(panel.dataset.state)) return false;
    const view = panel.querySelector("[data-view]");
    return getComputedStyle(panel.querySelector(".veil")).display !== "none" || getComputedStyle(view).visibility === "hidden";
  };

  const age = (element, now) => {
    const text = element.textContent;
    if (text.includes("ago") || element.closest(".stale") || !element.checkVisibility({ visibilityProperty: true })) return null;
    const match = /(?:highest )?([0-9]+\.[0-9]+)/.exec(text);
    if (!match || Number(match[1]) < 10) return null;
    const old = (((now - (Number(match[1]) - 10)) % 89) + 89) % 89;
    return old > 88 ? 0 : old;
  };

  function record() {
    const now = unix();
    const guarded = [...document.querySelectorAll(".guard")].filter(covers).length > 0;
    const states = {};
    let oldest = null;
    let where = "";
    for (const panel of document.querySelectorAll(".panel")) {
      states[panel.dataset.panel] = panel.dataset.state;
      if (guarded || covered(panel)) continue;
      for (const element of panel.querySelectorAll(NUMBERS)) {
        const old = age(element, now);
        if (old === null || old <= (oldest ?? -1)) continue;
        oldest = old;
        where = `${panel.dataset.panel}: ${element.textContent}`;
      }
    }
    const status = document.querySelector("connection-status")?.dataset.state ?? "";
    if (frames.length < MOST) frames.push({ now, guarded, states, oldest, where, status });
  }

  addEventListener("DOMContentLoaded", () => {
    const probe = document.createElement("i");
    probe.style.cssText = "position:fixed;left:0;top:0;height:1px;width:1px;visibility:hidden";
    document.documentElement.append(probe);
    new ResizeObserver(record).observe(probe);
    let wide = false;
    const next = () => {
      wide = !wide;
      probe.style.width = wide ? "2px" : "1px";
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  });
})();
