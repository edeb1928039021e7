"""A way too narrow for every tick: the page says so, stays the same meanwhile, and has everything in the end."""

from __future__ import annotations

import math
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, Frame, bare_and_old, board, collectors, frames, until
from tests.browser.proxy import proxying
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


def changes(seen: list[Frame], panel: str) -> int:
    """Return how often a panel changed between veiled and live."""
    return sum(before.states[panel] != after.states[panel] for before, after in pairwise(seen))


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
        began = time.time()
        proxy.rate = 8000
        await glass.until("/1 of [0-9]+ ticks/.test(document.querySelector('connection-status').title)", timeout=40)
        told = time.time()
        await glass.until(f"recorded.unix() > {told + 15}", timeout=20)
        seen = [frame for frame in await frames(glass.page) if frame.now > told + 5]
        assert changes(seen, "beacon-stat") <= 1
        assert len({frame.status for frame in seen}) <= 2
        proxy.rate = None
        await glass.status("live", timeout=20)
        end = time.time()
        line = "document.querySelector('[data-panel=beacon-line] [data-view]').traces[0].line"
        await glass.until(f"{line}.lastTime >= {end}", timeout=20)
        await glass.until("!document.querySelector('connection-status').title.includes('ticks')", timeout=20)
        seconds = {float(second) for second in range(math.ceil(began), math.floor(end) + 1)}

        async def whole() -> bool:
            (points,) = (await glass.points("beacon-line")).values()
            return seconds <= {at for at, mean in points if mean is not None}

        await until(whole, timeout=10)
        assert bare_and_old([frame for frame in await frames(glass.page) if frame.now < told]) == []
