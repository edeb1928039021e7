// A classic script that blocks the first paint on purpose: the chosen theme must be known before anything is drawn.
(() => {
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be denied; the system's wish then stands.
  }
})();
