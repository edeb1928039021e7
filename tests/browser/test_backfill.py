"""What a page missed is filled point by point: its charts have what the API has, and where that has nothing, a hole."""

from __future__ import annotations

import asyncio
import math
import time
from pathlib import Path

import httpx
import pytest

from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, Glass, bare_and_old, board, collectors, frames, until
from tests.browser.proxy import proxying
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-backfill")]

LINE = "beacon-line"
TRACE = f"document.querySelector('[data-panel={LINE}] [data-view]').traces?.[0]?.line"
SHORT_LOG = "log_events = 16\nlog_age = 1\n"

Points = dict[float, tuple[float, float, float]]


async def held(glass: Glass) -> Points:
    """Return what the chart holds by time: mean, minimum, maximum."""
    found = await glass.page.evaluate(
        f"""Array.from({{ length: {TRACE}.length }}, (_, at) => at).filter((at) => !Number.isNaN({TRACE}.meanAt(at)))
            .map((at) => [{TRACE}.timeAt(at), {TRACE}.meanAt(at), {TRACE}.lowAt(at), {TRACE}.highAt(at)])"""
    )
    return {at: tuple(values) for at, *values in found}


async def answered(server: Server, start: float, end: float, step: int) -> Points:
    """Return what the API has of the beacon by time, mean, minimum and maximum of each bucket."""
    query: dict[str, str | float] = {"match": "beacon", "start": start, "end": end, "step": step}
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        (line,) = (await client.get("/api/v1/query_range", params=query)).json()["result"]
    return {at: (mean, low, high) for at, mean, low, high in line["points"] if mean is not None}


async def same(glass: Glass, server: Server, start: float, end: float, step: int, killed: float = -math.inf) -> None:
    """Wait until the chart has the very points that the API has of these seconds, in whole buckets, and no others.

    Only of what came before the server was killed the chart may have more, for the last moments were not on disk yet.
    """
    first, last = (start // step + 1) * step, end // step * step

    async def equal() -> bool:
        truth = await answered(server, first, last, step)
        points = {at: values for at, values in (await held(glass)).items() if first <= at < last}
        assert len(truth) >= 5
        whole = truth.keys() <= points.keys() and all(at <= killed for at in points.keys() - truth.keys())
        return whole and all(points[at] == pytest.approx(truth[at], abs=0.06) for at in truth)

    await until(equal, timeout=30)


@pytest.mark.long
@pytest.mark.parametrize(("range", "step"), [("60s", 1), ("15m", 5)])
@pytest.mark.parametrize("log", ["", SHORT_LOG], ids=["the log has it", "the log has it no more"])
async def test_thirty_seconds_without_a_stream(
    range: str, step: int, log: str, tmp_path: Path, open_glass: OpenGlass
) -> None:
    """After 30 s without a stream the chart is as if there had been one: every bucket is that of the API."""
    config = log + collectors(tmp_path, beacon=BEACON) + board("beacon", "beacon", kinds=("stat", "line"))
    async with running_server(config=config) as server, proxying(server.port) as proxy:
        glass = await open_glass(recorded=True)
        await glass.open(f"{proxy.url}/boards/beacon?range={range}")
        await glass.until(f"{TRACE}?.length > 2", timeout=30)
        began = time.time()
        proxy.answer = 502
        proxy.cut()
        await glass.until(f"recorded.unix() > {began + 30}", timeout=40)
        proxy.answer = None
        await glass.status("live", timeout=40)
        back = time.time()
        await glass.until(f"{TRACE}.lastTime >= {back + 2 * step}", timeout=30)
        await same(glass, server, began - 2 * step, back + step, step)
        await glass.fills(LINE)
        assert bare_and_old(await frames(glass.page)) == []


@pytest.mark.long
@pytest.mark.fault
async def test_what_is_nowhere_is_a_hole(tmp_path: Path, open_glass: OpenGlass) -> None:
    """What was collected by nobody stays hatched, just as long as it was; around it every point is that of the API."""
    config = collectors(tmp_path, beacon=BEACON) + board("beacon", "beacon", range="15m", kinds=("stat", "line"))
    async with running_server(config=config) as server:
        glass = await open_glass()
        await glass.open(f"{server.url}/boards/beacon?range=5m")
        await glass.until(f"{TRACE}?.length > 4", timeout=30)
        began = time.time()
        server.kill()
        await glass.until(f"performance.timeOrigin + performance.now() > {1000 * (began + 12)}", timeout=30)
        await asyncio.to_thread(server.start)
        back = time.time()
        await glass.status("live", timeout=40)
        await glass.until(f"{TRACE}.lastTime >= {back + 5}", timeout=30)
        await same(glass, server, began - 4, back + 4, 1, killed=began)
        holes = [(hole["from"], hole["to"]) for hole in await glass.holes(LINE)]
        assert any(began - 3 < start < began + 3 and back - 3 < end < back + 3 for start, end in holes), holes
        # The same time as a past one: what the monitor itself did not see is a band, by the API's word.
        await glass.page.goto(f"{server.url}/boards/beacon?from={began - 3}&to={back + 4}")
        await glass.until(f"document.querySelector('[data-panel={LINE}] [data-view]').unknown.length === 1")
        (span,) = await glass.page.evaluate(f"document.querySelector('[data-panel={LINE}] [data-view]').unknown")
        assert began - 3 < span["from"] < began + 1 and back - 1 < span["to"] < back + 3, span
