"""The stream that the overview opens: the address that the page itself asks for, in a real browser."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import msgspec
from playwright.sync_api import sync_playwright

from bench.server import Server
from checks.machine import PROGRAMS

SECONDS = 20.0
BOARD = re.compile(r'<script[^>]*\bid="board"[^>]*>(.*?)</script>', re.DOTALL)


class Panel(msgspec.Struct):
    """What a panel says of the data that it needs."""

    series: list[str] = []


class Board(msgspec.Struct):
    """What a page says of its panels."""

    panels: list[Panel]


def overview(server: Server) -> str:
    """Return the address of the overview's stream, without a place to begin at.

    Where there is no Chromium it is made of the board alone, without what the page adds for its line of health.
    """
    chromium = PROGRAMS["chromium"].find()
    if chromium is None:
        return _of_board(server)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = browser.new_page()
            page.add_init_script("delete globalThis.SharedWorker")  # what a worker asks for is not told here
            with page.expect_request(lambda request: _streams(request.url), timeout=SECONDS * 1000) as asked:
                page.goto(server.url)
            query = parse_qs(urlsplit(asked.value.url).query)
        finally:
            browser.close()
    return server.stream(query["types"][0].split(","), query["match"])


def _streams(url: str) -> bool:
    """Tell whether an address is that of the stream itself, not of a poll of it."""
    return "/api/v1/events?" in url and "wait=" not in url


def _of_board(server: Server) -> str:
    found = BOARD.search(server.get("/"))
    if found is None:
        raise ValueError("the page has no data block of its board")
    panels = msgspec.json.decode(found.group(1), type=Board).panels
    return server.stream(
        ["metrics", "processes", "system"], sorted({each for panel in panels for each in panel.series})
    )
