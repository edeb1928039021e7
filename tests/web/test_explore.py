"""The page that shows any series, and panels as TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest
from quart import typing

from dashboard.boards import load_boards, read_boards
from dashboard.config import Settings
from dashboard.model import Batch
from dashboard.runtime import running
from dashboard.settings_file import SettingsFile
from dashboard.web.app import create_app

GOOD = ("system_load_1m", 'up{job="a&b <c>"}')
BAD = 'up{job="'


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[typing.TestClientProtocol]:
    """What asks an application that runs without a network and without collectors."""
    async with running(Settings(data_dir=tmp_path), load_boards(None), None) as runtime:
        yield create_app(runtime).test_client()


async def get(asking: typing.TestClientProtocol, path: str, *query: tuple[str, str]) -> tuple[int, str]:
    answer = await asking.get(
        f"{path}?{urlencode(query)}" if query else path, headers={"Host": "localhost", "Accept": "text/html"}
    )
    return answer.status_code, await answer.get_data(as_text=True)


async def test_the_address_says_what_is_shown_and_what_in_it_is_no_selector(asking: typing.TestClientProtocol) -> None:
    status, page = await get(asking, "/explore", *(("match", text) for text in (*GOOD, BAD)), ("stack", "1"))
    assert status == 200
    data = re.search(r'<script type="application/json" id="board">(.*?)</script>', page)
    assert data is not None
    board = msgspec.json.decode(data[1])
    first, *others, values = board["panels"]
    assert tuple(first["series"]) == tuple(values["series"]) == GOOD and first["kind"] == "area"
    assert [panel["series"] for panel in others] == [[], [], []]
    refused = re.search(r'<p class="refused" role="alert"><code>(.*?)</code> <span>(.*?)</span>', page)
    assert refused is not None and unescape(refused[1]) == BAD and "at character 4" in refused[2]
    assert "<c>" not in page


async def test_series_of_a_time_that_is_past_are_shown_as_they_were(tmp_path: Path) -> None:
    """The page asks for the time that its address says, in steps that fit, and is answered from what is stored."""
    async with running(Settings(data_dir=tmp_path), load_boards(None), None) as runtime:
        three = runtime.clock.wall() // 60 * 60 - 7_200
        for at in range(0, 600, 2):
            runtime.pipeline.accept(Batch("h/x", three + at, 2.0, {"instance": "h"}, {"shop_orders_waiting": at % 10}))
        asking = create_app(runtime).test_client()
        span = (("from", f"{three}"), ("to", f"{three + 300}"))
        status, page = await get(asking, "/explore", ("match", "shop_orders_waiting"), *span)
        data = re.search(r'<script type="application/json" id="board">(.*?)</script>', page)
        assert status == 200 and data is not None
        history = msgspec.json.decode(data[1])["history"]
        assert (history["start"], history["end"], history["range"], history["step"]) == (three, three + 300, 300, 1)
        _, answer = await get(asking, history["url"])
        (line,) = msgspec.json.decode(answer)["result"]
        found = [(at, mean) for at, mean, _, _ in line["points"] if mean is not None]
        assert found == [(three + at, at % 10) for at in range(0, 300, 2)]
        # A time without an offset is no time: the page says so, and shows its own.
        status, page = await get(asking, "/explore", ("from", "2026-11-22T03:00:00"), ("to", "2026-11-22T04:00:00Z"))
        data = re.search(r'<script type="application/json" id="board">(.*?)</script>', page)
        assert status == 200 and data is not None and msgspec.json.decode(data[1])["history"]["start"] is None


async def test_what_the_boards_show_is_offered_to_begin_with(asking: typing.TestClientProtocol) -> None:
    _, page = await get(asking, "/explore")
    links = [unescape(link) for link in re.findall(r'<a href="(/explore\?match=[^"]+)"', page)]
    (overview,) = load_boards(None)
    charts = [panel for panel in overview.panels if panel.kind in ("line", "area")]
    assert links and len(links) == min(12, len(charts))
    status, first = await get(asking, links[0])
    assert status == 200 and 'data-charts="1"' in first and 'data-charts="0"' in page


async def test_a_panel_is_given_as_a_board_takes_it(asking: typing.TestClientProtocol) -> None:
    query = [*(("match", text) for text in GOOD), ("title", 'What "a" does\n'), ("kind", "area"), ("stack", "1")]
    status, text = await get(asking, "/explore.toml", *query)
    assert status == 200
    (board,) = read_boards(SettingsFile.parse(Path("made"), f'[[board]]\nname = "made"\n\n{text}'.encode()))
    (panel,) = board.panels
    assert panel.series == GOOD and panel.kind == "area" and panel.stack and panel.title == 'What "a" does\n'
    assert (await get(asking, "/explore.toml", ("match", BAD)))[0] == 400
    assert (await get(asking, "/explore.toml"))[0] == 400


async def test_one_panel_of_a_board_is_given_alone(asking: typing.TestClientProtocol) -> None:
    (overview,) = load_boards(None)
    wanted = overview.panels[3]
    _, text = await get(asking, "/boards/overview.toml", ("panel", wanted.id))
    (table,) = tomllib.loads(text)["board"]["panel"]
    assert table["title"] == wanted.title and tuple(table["series"]) == wanted.series
    assert (await get(asking, "/boards/overview.toml", ("panel", "nothing")))[0] == 404
