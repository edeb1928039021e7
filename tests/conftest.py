"""Fixtures of the whole suite, and its closing list of what could not run."""

from __future__ import annotations

import os
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator
from functools import cache
from pathlib import Path
from typing import Any

import certifi
import hypothesis
import pytest
from playwright.async_api import Browser

from tests import interpreters
from tests.browsing import open_browser
from tests.needs import MISSING
from tests.needs import need as need_program
from tests.serving import Server, running_server

# A machine with other work to do makes single examples slow, which says nothing about the program.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], database=None
)
hypothesis.settings.load_profile("suite")

# An HTTP client reads the certificates of all the world's authorities when it is made, for 40 ms. No test asks one of
# them for anything: they are read once.
_AUTHORITIES = os.environ.get("SSL_CERT_FILE") or certifi.where()
_make_context = ssl.create_default_context
_of_all_authorities = cache(lambda: _make_context(cafile=_AUTHORITIES))


def _context(*args: Any, **named: Any) -> ssl.SSLContext:
    every = not args and named == {"cafile": _AUTHORITIES}
    return _of_all_authorities() if every else _make_context(*args, **named)


ssl.create_default_context = _context


@pytest.fixture
def need() -> Callable[[str], Path]:
    """`need("chromium")` is the program's path; a test on a machine without it is listed at the end."""
    return need_program


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A real server with its default settings, on a port of its own."""
    async with running_server() as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium; `await browser.new_page()` opens a tab."""
    async with open_browser() as opened:
        yield opened


@pytest.fixture(params=interpreters.versions())
def interpreter(request: pytest.FixtureRequest) -> Path:
    """Each supported Python on this machine in turn, with the project installed."""
    return interpreters.installed(request.param)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let what a test logged be sent from worker to worker: half a character cannot be."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what could not run, each with the line that mends it."""
    missing: Counter[str] = Counter()
    for outcome in ("skipped", "failed", "error"):
        for report in terminalreporter.stats.get(outcome, []):
            text = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
            for line in text.splitlines():
                if MISSING in line:
                    missing[line.partition(MISSING)[2]] += 1
                    break
    if missing:
        terminalreporter.section("could not run")
        for reason, count in sorted(missing.items()):
            terminalreporter.line(f"{count} test{'s' if count > 1 else ''}: {reason}")
