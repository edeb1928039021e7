"""A way too narrow for every tick: the page says so, stays the same meanwhile, and has everything in the end."""

from __future__ import annotations

import math
import time
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, Frame, Glass, bare_and_old, board, collectors, frames, until
from tests.browser.proxy import Proxy, proxying
from tests.serving import running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-buffering")]

CROWD = """
import random
from dashboard.collectors import Family, Sample

families = [Family("crowd", "gauge", "", "Fills every tick.")]


def collect():
    for number in range(400):
        yield Sample("crowd", random.random(), {"member": f"number {number}"})
"""

TABLE = """
[[board.panel]]
id = "crowd"
title = "Crowd"
kind = "table"
series = ["crowd"]
"""

PANELS = ("beacon-stat", "beacon-line", "crowd")
TOLD = "/1 of [0-9]+ ticks/.test(document.querySelector('connection-status').title)"


def changes(seen: list[Frame]) -> dict[str, int]:
    """Return how often each panel changed between veiled and live, and how often the page's own word changed."""
    found = {panel: sum(one.states[panel] != other.states[panel] for one, other in pairwise(seen)) for panel in PANELS}
    return found | {"the page": sum(one.status != other.status for one, other in pairwise(seen))}


def fills(proxy: Proxy, since: float) -> int:
    """Return how often points were asked for since then (`time.monotonic()`)."""
    return sum(seen.path == "/api/v1/query_range" and seen.at > since for seen in proxy.seen)


async def times(glass: Glass) -> list[float]:
    """Return the seconds of which the chart has a point."""
    (points,) = (await glass.points("beacon-line")).values()
    return [at for at, mean in points if at is not None and mean is not None]


@pytest.mark.fault
@pytest.mark.long
async def test_one_tick_of_several(tmp_path: Path, open_glass: OpenGlass) -> None:
    """It is told which part is seen, nothing flickers, no old number is bare; afterwards every second is there."""
    config = (
        collectors(tmp_path, beacon=BEACON, crowd=CROWD) + board("beacon", "beacon", kinds=("stat", "line")) + TABLE
    )
    async with running_server(config=config) as server, proxying(server.port) as proxy:
        proxy.narrow = True
        glass = await open_glass(recorded=True)
        await glass.open(f"{proxy.url}/boards/beacon")
        await glass.panels_when(lambda panels: panels["beacon-stat"].state == "live")
        began, narrowed = time.time(), time.monotonic()
        proxy.rate = 8000
        await glass.until(TOLD, timeout=40)
        told = time.time()
        await glass.until(f"recorded.unix() > {told + 20}", timeout=40)

        spacing = max(later - earlier for earlier, later in pairwise(await times(glass)) if earlier >= began)
        assert spacing > 1.5
        seen = [frame for frame in await frames(glass.page) if frame.now > told + 5]
        assert max(changes(seen).values()) <= 1, changes(seen)
        assert fills(proxy, narrowed) == 0

        proxy.rate = None
        await glass.status("live", timeout=20)
        end = time.time()
        line = "document.querySelector('[data-panel=beacon-line] [data-view]').traces[0].line"
        await glass.until(f"{line}.lastTime >= {end}", timeout=20)
        await glass.until("!document.querySelector('connection-status').title.includes('ticks')", timeout=20)
        # Those of which the server has something: one that stood still has left some out.
        question: dict[str, str | int] = {
            "match": "beacon",
            "start": math.ceil(began),
            "end": math.floor(end) + 1,
            "step": 1,
        }
        async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
            (answer,) = (await client.get("/api/v1/query_range", params=question)).json()["result"]
        seconds = {float(at) for at, mean, *_ in answer["points"] if mean is not None}
        assert len(seconds) > 15

        async def whole() -> bool:
            return seconds <= set(await times(glass))

        await until(whole)
        await glass.until(f"{line}.lastTime >= {time.time() + 4}")
        assert fills(proxy, narrowed) == 1
        every = await frames(glass.page)
        assert bare_and_old([frame for frame in every if frame.now < told]) == []
        assert bare_and_old(every, spacing) == []
        assert max(changes([frame for frame in every if frame.now > told + 5]).values()) <= 5
