"""What a page shows, as tests ask for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Page, TimeoutError

from tests.waiting import until

RECORDER = Path(__file__).with_name("recorder.js")

BEACON = """
import time
from dashboard.collectors import Family, Sample

families = [Family("beacon", "gauge", "", "Its own time: 10 + Unix seconds modulo 89.")]


def collect():
    yield Sample("beacon", 10 + time.time() % 89)
"""
"""A collector whose every value tells when it was taken; recorder.js reads it from the screen."""

KINDS = ("stat", "gauge", "line", "bar", "heat", "table")
"""Kinds of panels that show values of series as text."""


def board(name: str, series: str, *, range: str = "60s", legend: str = "", kinds: tuple[str, ...] = KINDS) -> str:
    """Return the TOML of a board with a panel of each kind, all of the same series."""
    head = f'[[board]]\nname = "{name}"\ntitle = "{name.title()}"\nrange = "{range}"\n'
    panels = [
        f'[[board.panel]]\nid = "{name}-{kind}"\ntitle = "{kind.title()} of {name}"\nkind = "{kind}"\n'
        f"series = ['{series}']\nlegend = \"{legend}\"\nwidth = 4\nmin = 0\nmax = 100\n"
        for kind in kinds
    ]
    return "\n".join([head, *panels])


def collectors(folder: Path, **files: str) -> str:
    """Write collectors into a folder of their own; return the setting that loads them."""
    home = folder / "collectors"
    home.mkdir(exist_ok=True)
    for name, text in files.items():
        (home / f"{name}.py").write_text(text, encoding="utf-8")
    return f'collectors_dir = "{home}"\n'


@dataclass(frozen=True)
class Shown:
    """One panel as it stands on the page."""

    state: str
    badge: str
    veil: str
    text: str


class Glass:
    """One page, watched."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        """Errors of the console, of scripts, and of the Content-Security-Policy."""
        self.requests: list[str] = []
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def _console(self, kind: str, text: str) -> None:
        # A failed load is what the outages of these tests are made of.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.faults.append(text)

    async def open(self, url: str, *, state: str = "live") -> None:
        """Go to an address and wait until the page is in a state."""
        await self.page.goto(url)
        await self.status(state)

    async def status(self, *words: str, timeout: float = 20.0) -> str:
        """Wait until the indicator says one of these words; return its whole text."""
        found = ", ".join(f'connection-status[data-state="{word}"]' for word in words)
        try:
            await self.page.locator(found).wait_for(timeout=timeout * 1000)
        except TimeoutError as error:
            raise AssertionError(f"not {' or '.join(words)} within {timeout:g} s: {await self.says()}") from error
        return await self.says()

    async def says(self) -> str:
        """Return the whole text of the indicator."""
        return str(await self.page.evaluate("document.querySelector('connection-status').title"))

    async def panels(self) -> dict[str, Shown]:
        """Return every panel that is shown, by its id."""
        found: dict[str, dict[str, str]] = await self.page.evaluate(
            """Object.fromEntries([...document.querySelectorAll(".panel")].filter((one) => one.checkVisibility())
                .map((panel) => [panel.dataset.panel, {
                state: panel.dataset.state,
                badge: panel.querySelector(".badge").textContent,
                veil: [...panel.querySelectorAll(".veil span")].map((part) => part.textContent).join(" · "),
                text: panel.querySelector("[data-view]").innerText,
            }]))"""
        )
        return {name: Shown(**panel) for name, panel in found.items()}

    async def panels_when(
        self, right: Callable[[Mapping[str, Shown]], bool], timeout: float = 20.0
    ) -> Mapping[str, Shown]:
        """Wait until the panels are as `right` wants them; return them. Raises AssertionError with what they were."""
        deadline = time.monotonic() + timeout
        while True:
            panels = await self.panels()
            if right(panels):
                return panels
            assert time.monotonic() < deadline, f"after {timeout} s: {summary(panels)}; {await self.says()}"
            await asyncio.sleep(0.05)

    async def until(self, expression: str, timeout: float = 20.0) -> Any:
        """Wait until an expression of JavaScript is true on the page; return its value."""
        deadline = time.monotonic() + timeout
        while True:
            value = await self.page.evaluate(expression)
            if value:
                return value
            assert time.monotonic() < deadline, f"not within {timeout} s: {expression}; {await self.says()}"
            await asyncio.sleep(0.05)

    async def points(self, panel: str) -> dict[str, list[list[float | None]]]:
        """Return what a chart holds of each of its series: `[time, mean]`, mean None in a hole."""
        found: dict[str, list[list[float | None]]] = await self.page.evaluate(
            """(panel) => Object.fromEntries(document.querySelector(`[data-panel="${panel}"] [data-view]`).traces.map(
                ({ line }) => [line.key, Array.from({ length: line.length }, (_, at) => {
                    const mean = line.meanAt(at);
                    return [line.timeAt(at), Number.isNaN(mean) ? null : mean];
                })]))""",
            panel,
        )
        return found

    async def holes(self, panel: str) -> list[dict[str, float]]:
        """Return the hatched holes of a chart, in Unix seconds."""
        found: list[dict[str, float]] = await self.page.evaluate(
            '(panel) => document.querySelector(`[data-panel="${panel}"] [data-view]`).coverage.holes', panel
        )
        return found

    async def fills(self, panel: str) -> None:
        """Wait until a chart has no hole: what has come is drawn with the next frame."""

        async def filled() -> bool:
            return not await self.holes(panel)

        await until(filled)


def summary(panels: Mapping[str, Shown]) -> str:
    """Return the panels' states in one line, with the reasons of those that are veiled."""
    return ", ".join(f"{name} {panel.state} {panel.badge or panel.veil}".strip(" ·") for name, panel in panels.items())


@dataclass(frozen=True)
class Frame:
    """One painted frame: its time, the panels' states, and the age of the oldest number that it shows bare."""

    now: float
    guarded: bool
    states: dict[str, str]
    oldest: float | None
    where: str
    status: str


async def frames(page: Page) -> list[Frame]:
    """Return every frame since the page was opened; it must have been opened with recorder.js."""
    return [Frame(**frame) for frame in await page.evaluate("window.recorded.frames")]


def allowed(interval: float) -> float:
    """Return how old a bare number may be, in seconds, and a tenth for the three digits that the screen shows."""
    return 2 * interval + 1 + 0.1


def bare_and_old(seen: list[Frame], interval: float = 1.0) -> list[Frame]:
    """Return the frames that show a number as if it were live which is not."""
    return [frame for frame in seen if frame.oldest is not None and frame.oldest > allowed(interval)]
