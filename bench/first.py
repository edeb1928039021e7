"""How long a visitor waits for the first complete chart, and how much is loaded for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import click
from playwright.sync_api import Browser, sync_playwright

from bench import table
from bench.server import serving
from checks.machine import PROGRAMS

WATCH = """(() => {
    window.seen = { shift: 0, chart: 0 };
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) seen.shift += entry.value; })
        .observe({ type: "layout-shift", buffered: true });
    const complete = (view) => view.chart && view.traces.length && view.traces.every(({ line }) => line.value >= 0)
        && view.closest(".panel").dataset.state === "live" && view.querySelector(".legend .value")?.textContent;
    window.arrived = new Promise((resolve) => {
        const look = () => {
            if ([...document.querySelectorAll("live-chart")].some(complete)) resolve(seen.chart = performance.now());
            else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    });
})()"""
"""Notes the first frame in which a chart is there with its lines, legend and values, and what moved."""
LOADED = """() => performance.getEntriesByType("resource")
    .reduce((sum, entry) => sum + entry.transferSize, performance.getEntriesByType("navigation")[0].transferSize)"""
SETTLED = 1.5
"""Seconds that a new window is open before the visit: a visitor's browser has been started, too."""
VIEWS = {"1440 x 900": (1440, 900), "390 x 844": (390, 844)}


def run(visits: int, command: Sequence[str]) -> None:
    """Open the overview as a new visitor so many times at each size, and print the medians."""
    chromium = PROGRAMS["chromium"].find()
    if chromium is None:
        raise click.ClickException(f"Chromium is missing: {PROGRAMS['chromium'].mend}")
    rows = []
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        serving(Path(folder), "") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        _visit(browser, server.url, (1440, 900))  # the first one of all pays for the browser's own start
        for name, size in VIEWS.items():
            seen = [_visit(browser, server.url, size) for _ in range(visits)]
            times = sorted(one["chart"] for one in seen)
            rows.append(
                [
                    name,
                    f"{table.number(times[0])} / {table.number(median(times))} / {table.number(times[-1])}",
                    table.number(median(one["loaded"] for one in seen) / 1000),
                    table.number(max(one["shift"] for one in seen)),
                ]
            )
        browser.close()
    notes = (
        "From navigation on loopback to the frame with a complete chart; each visit by a browser without a cache, in a "
        f"window that was opened {SETTLED:g} s before: the browser's own start is over.",
    )
    columns = ("page", "first complete chart, ms: least / median / most", "KB loaded, with headers", "layout shift")
    table.show(columns, rows, command, notes)


def _visit(browser: Browser, url: str, size: tuple[int, int]) -> dict[str, Any]:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    page.add_init_script(WATCH)
    page.wait_for_timeout(SETTLED * 1000)
    page.goto(url)
    page.evaluate("() => arrived")
    seen: dict[str, Any] = page.evaluate("seen")
    seen["loaded"] = page.evaluate(LOADED)
    context.close()
    return seen
