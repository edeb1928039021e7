"""The stream that the overview opens: the address that the page itself asks for, in a real browser, and a recording.

A recording, and an event of 1.5 KB a second, are the feeds of those that we are compared with (`bench.replay`).
"""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
from playwright.sync_api import sync_playwright

from bench import replay
from bench.server import START_SECONDS, Server
from checks.machine import PROGRAMS

SECONDS = 20.0
RECORDED = 10
"""Seconds of the overview's stream that are recorded."""

EVENT_BYTES = 1500
"""Bytes of the fixed feed's `data`, about as many as our own event has."""

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


def fixed(path: Path) -> None:
    """Make the feed of one event of 1.5 KB at each full second."""
    head = f'{{"id":"{replay.MOMENT}-0","timestamp":{int(time.time())},"text":"'
    data = f'{head}{"x" * (EVENT_BYTES - len(head) - 2)}"}}'
    replay.save(path, 1, [(0, [f"id: {replay.MOMENT}-0\ndata: {data}\n\n"])])


def record(server: Server, path: Path) -> None:
    """Make a feed of what one viewer of the overview is sent: each write, at its time after a full second.

    What one read gives is one write, as it is to those who count them. Ids become those of their write.
    """
    parts = urlsplit(overview(server))
    writes: dict[int, bytes] = {}
    with socket.create_connection((parts.hostname or "", parts.port or 80), START_SECONDS) as sock:
        sock.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        begin, rest = int(time.time()) + 2, b""
        while received := sock.recv(1 << 18):
            rest, offset = rest + received, int((time.time() - begin) * 1000)
            if not rest.endswith(b"\n\n\r\n"):
                continue
            if offset >= RECORDED * 1000:
                break
            if offset >= 0:
                writes[offset] = writes.get(offset, b"") + rest
            rest = b""
        else:
            raise ConnectionError("the server closed the stream")
    replay.save(path, RECORDED, [(offset, _frames(raw.decode())) for offset, raw in writes.items()])


def _frames(text: str) -> list[str]:
    """Return the frames of a write, whose ids are of its moment."""
    frames = []
    for number, found in enumerate(replay.FIELDS.finditer(text)):
        frame = found[0]
        frames.append(frame.replace(found["id"], f"{replay.MOMENT}-{number}") if found["id"] else frame)
    return frames
