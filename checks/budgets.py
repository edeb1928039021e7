"""The budgets: what a file, a start, the memory, the page and the list of dependencies may cost."""

from __future__ import annotations

import os
import time
import tomllib
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from playwright.sync_api import Request, sync_playwright

from checks.machine import PROGRAMS
from tests.serving import Server, running_server

ROOT = Path(__file__).parent.parent
SOURCES = ("bench", "checks", "dashboard", "static", "templates", "tests")
SUFFIXES = frozenset({".css", ".html", ".js", ".py"})
RUNS = 3
SETTLED = 3.0
"""Seconds that a server or a page runs before it is measured."""


@dataclass(frozen=True)
class Budget:
    """One figure and its limit, in `unit`; `detail` says where it comes from. No figure: it could not be measured."""

    name: str
    figure: float | None
    limit: float
    unit: str = ""
    detail: str = ""

    @property
    def kept(self) -> bool:
        """Tell whether the figure is within the limit; what could not be measured counts only with `REQUIRE_ALL=1`."""
        if self.figure is None:
            return os.environ.get("REQUIRE_ALL") != "1"
        return self.figure <= self.limit

    def __str__(self) -> str:
        figure = "?" if self.figure is None else f"{self.figure:.4g} {self.unit}".strip()
        limit = f"{self.limit:g} {self.unit}".strip()
        return f"{self.name:<28}{figure:>10}  of {limit:<8}{'' if self.kept else 'OVER  '}{self.detail}".rstrip()


def measured() -> list[Budget]:
    """Measure all of them; takes some ten seconds, and starts servers on free ports of loopback."""
    budgets = [longest_file(), dependencies()]
    with ExitStack() as stack:
        starts, servers = [], []
        for _ in range(RUNS):
            server = stack.enter_context(running_server())
            starts.append(_first_page(server))
            servers.append(server)
        time.sleep(SETTLED)
        memory = [_resident(server.pid) for server in servers]
        budgets.append(Budget("start to first served page", median(starts), 2.0, "s", f"median of {RUNS}"))
        budgets.append(Budget("resident after start", median(memory) / 1e6, 55, "MB", f"median of {RUNS}"))
        budgets.append(page(servers[0].url))
    return budgets


def longest_file() -> Budget:
    """Count the lines of the longest source file."""
    files = [
        file
        for folder in SOURCES
        for file in (ROOT / folder).rglob("*")
        if file.suffix in SUFFIXES and not {"vendor", "built"} & {*file.parts}
    ]
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    longest = max(lines, key=lambda file: lines[file])
    over = [file for file in files if lines[file] > 400] or [longest]
    detail = ", ".join(str(file.relative_to(ROOT)) for file in sorted(over, key=lambda file: -lines[file]))
    return Budget("lines of the longest file", lines[longest], 400, detail=f"{detail}; {sum(lines.values())} in all")


def dependencies() -> Budget:
    """Count the runtime dependencies."""
    names = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    return Budget("runtime dependencies", len(names), 10)


def _first_page(server: Server) -> float:
    """Return the seconds from the making of the process to the last byte of its first page."""
    with urllib.request.urlopen(server.url, timeout=10) as response:
        response.read()
    return time.monotonic() - server.started_at


def _resident(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    import psutil

    return int(psutil.Process(pid).memory_info().rss)


def page(url: str) -> Budget:
    """Count the bytes, compressed and with headers, that a browser takes for `/` until it is live; not the stream."""
    chromium = PROGRAMS["chromium"]
    path = chromium.find()
    name, limit = "page and all that it loads", 200.0
    if path is None:
        return Budget(name, None, limit, "KB", f"no Chromium; this brings it: {chromium.mend}")
    finished: list[Request] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.on("requestfinished", lambda request: finished.append(request))
        tab.goto(url, wait_until="load")
        tab.wait_for_timeout(SETTLED * 1000)
        sizes = {request.url.removeprefix(url): _bytes(request) for request in list(finished)}
        browser.close()
    largest = sorted(sizes, key=lambda address: -sizes[address])[:3]
    detail = ", ".join(f"{address} {sizes[address] / 1000:.1f}" for address in largest)
    return Budget(name, sum(sizes.values()) / 1000, limit, "KB", f"{len(sizes)} files; {detail}")


def _bytes(request: Request) -> int:
    sizes = request.sizes()
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]
