"""The page outlives its server, its proxy and its network, and says so meanwhile."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, Glass, bare_and_old, board, collectors, frames, until
from tests.browser.proxy import Proxy, proxying
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-reconnect")]

LINE = "beacon-line"
VIEW = f"document.querySelector('[data-panel={LINE}] [data-view]')"


@pytest_asyncio.fixture(loop_scope="module")
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with a beacon and its board."""
    async with running_server(config=collectors(tmp_path, beacon=BEACON) + board("beacon", "beacon")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def proxy(server: Server) -> AsyncIterator[Proxy]:
    """A proxy before the server."""
    async with proxying(server.port) as running:
        yield running


async def live(glass: Glass, url: str) -> None:
    """Open the beacon's board and wait until each of its panels is live with a few points."""
    await glass.open(f"{url}/boards/beacon")
    await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))


async def all_live(glass: Glass) -> None:
    await glass.status("live")
    await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))


async def requests(proxy: Proxy, count: int) -> None:
    """Wait until the proxy has seen so many requests for the stream."""
    await until(lambda: len(proxy.streams) >= count, timeout=30)


def whole(points: dict[str, list[list[float | None]]], start: float, end: float) -> None:
    """Assert that every second from `start` to `end` is there, once, and nothing else."""
    for series, line in points.items():
        times = [time for time, _ in line if time is not None and start <= time <= end]
        assert times == [float(second) for second in range(math.ceil(start), math.floor(end) + 1)], series
        assert all(mean is not None for time, mean in line if time is not None and start <= time <= end), series


HOLLOW = """({ traces: [{ line }], coverage: { holes } }) => holes.length === 1
    && Array.from({ length: line.length }, (_, at) => at).every((at) =>
        line.timeAt(at) < holes[0].from || line.timeAt(at) >= holes[0].to || Number.isNaN(line.meanAt(at)))"""
"""Whether a chart of one line shows one hole, and no point of the line is in it."""


@pytest.mark.fault
async def test_killed_and_back(server: Server, open_glass: OpenGlass) -> None:
    """After `kill -9` it is offline with a countdown; back again it is live, the outage hatched and no line across."""
    glass = await open_glass(recorded=True)
    await live(glass, server.url)
    await glass.until(f"document.querySelector('[data-panel={LINE}] [data-view]').traces[0].line.length > 3")
    killed = time.time()
    server.kill()
    assert "next try in" in await glass.status("offline", timeout=4)
    await glass.panels_when(
        lambda found: all(panel.state == "stale" and "is not reachable" in panel.veil for panel in found.values())
    )
    await asyncio.to_thread(server.start)
    back = time.time()
    await all_live(glass)
    await glass.until(f"document.querySelector('[data-panel={LINE}] [data-view]').coverage.holes.length")
    # What came before the page was back is filled in a moment later, and drawn when the chart moves on next.
    await glass.until(f"({HOLLOW})(document.querySelector('[data-panel={LINE}] [data-view]'))")
    (hole,) = await glass.holes(LINE)
    assert killed - 2 < hole["from"] < hole["to"] < back + 3
    (line,) = (await glass.points(LINE)).values()
    times = [at for at, _ in line if at is not None]
    assert times == sorted(set(times))
    colours = await glass.until(
        """((view) => {
            const [hole] = view.coverage.holes;
            if (!hole || hole.to > view.moment.end - 2) return null;
            const { chart } = view;
            const ratio = chart.currentDevicePixelRatio;
            const [left, right] = [hole.from, hole.to].map((time) => chart.scales.x.getPixelForValue(time * 1000));
            const { top, bottom } = chart.chartArea;
            const { data } = chart.ctx.getImageData((left + 4) * ratio, top * ratio,
                (right - left - 8) * ratio, (bottom - top) * ratio);
            const read = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
            const near = (hex, at) => [1, 3, 5].every((digit, channel) =>
                Math.abs(parseInt(hex.slice(digit, digit + 2), 16) - data[at + channel]) < 24);
            const count = { hatch: 0, line: 0, pixels: data.length / 4 };
            for (let at = 0; at < data.length; at += 4) {
                if (data[at + 3] < 128) continue;
                if (near(read("--hatch"), at)) count.hatch++;
                if (near(view.traces[0].colour, at)) count.line++;
            }
            return count;
        })(document.querySelector('[data-panel="beacon-line"] [data-view]'))"""
    )
    assert colours["hatch"] > colours["pixels"] / 20
    assert colours["line"] == 0
    assert bare_and_old(await frames(glass.page)) == []


@pytest.mark.fault
async def test_stopped_server(server: Server, open_glass: OpenGlass) -> None:
    """A server that hangs is told within 2 intervals + 1 s, its fault within two heartbeats, its return at once."""
    glass = await open_glass(recorded=True)
    await live(glass, server.url)
    server.stop()
    stopped = time.time()
    await glass.panels_when(
        lambda found: all(panel.state == "stale" and "server: " in panel.veil for panel in found.values()), timeout=10
    )
    assert time.time() - stopped < 10
    seen = await frames(glass.page)
    late = [frame for frame in seen if frame.now > stopped + 3]
    assert late and all(set(frame.states.values()) == {"stale"} and frame.status != "live" for frame in late)
    gone_on = time.time()
    server.cont()
    await all_live(glass)
    await glass.until(f"{VIEW}.unknown.some(({{ from, to }}) => from < {stopped} && to > {gone_on})")
    assert bare_and_old(await frames(glass.page)) == []


async def test_one_bad_answer_is_not_the_end(proxy: Proxy, open_glass: OpenGlass) -> None:
    """A proxy that says 502 for a while delays the page, no more: the first try comes within 1 s, then ever later."""
    glass = await open_glass(recorded=True)
    await live(glass, proxy.url)
    began = time.time()
    proxy.answer = 502
    proxy.cut()
    broken = time.monotonic()
    await glass.status("offline")
    assert "the server answers 502" in await glass.until(
        "((text) => text.includes('502') && text)(document.querySelector('connection-status').title)"
    )
    await requests(proxy, 4)
    tries = [seen.at for seen in proxy.streams if seen.status == 502]
    assert tries[0] - broken < 1
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert all(0.85 * 0.9 * 2**n <= wait <= 0.9 * 2 ** (n + 1) + 0.3 for n, wait in enumerate(waits)), waits
    proxy.answer = None
    await all_live(glass)
    resumed = [seen for seen in proxy.streams if not seen.status][-1]
    assert int(resumed.query["after"][0].split("-")[0]) / 1000 == pytest.approx(began, abs=2.5)
    end = time.time()
    await glass.until(f"document.querySelector('[data-panel={LINE}] [data-view]').traces[0].line.lastTime >= {end}")
    whole(await glass.points(LINE), began - 1, end)
    await glass.fills(LINE)
    assert bare_and_old(await frames(glass.page)) == []


async def test_denied(proxy: Proxy, open_glass: OpenGlass) -> None:
    """A 401 is `denied`, which is no outage, and ends by itself when access is given again."""
    glass = await open_glass(recorded=True)
    await live(glass, proxy.url)
    proxy.answer = 401
    proxy.cut()
    assert "sign-in is needed" in await glass.status("denied")
    await glass.panels_when(lambda panels: all(panel.state == "stale" for panel in panels.values()), timeout=4)
    proxy.answer = None
    await all_live(glass)
    assert bare_and_old(await frames(glass.page)) == []


@pytest.mark.parametrize("what", ["online", "visible"])
async def test_reconnects_at_once(what: str, proxy: Proxy, open_glass: OpenGlass) -> None:
    """When the network is back, or the tab is shown again, nobody waits for the end of the back-off."""
    glass = await open_glass()
    await live(glass, proxy.url)
    proxy.answer = 502
    proxy.cut()
    await requests(proxy, 4)
    proxy.answer = None
    before = len(proxy.streams)
    if what == "online":
        await glass.page.context.set_offline(True)
    woken = time.monotonic()
    if what == "online":
        await glass.page.context.set_offline(False)
    else:
        await glass.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await glass.status("live", timeout=1.5)
    assert proxy.streams[before].at - woken < 0.5


@pytest.mark.fault
async def test_silence(proxy: Proxy, open_glass: OpenGlass) -> None:
    """Where no byte comes for two heartbeats the page connects anew, whatever TCP believes, and says why."""
    glass = await open_glass(recorded=True)
    await live(glass, proxy.url)
    proxy.hold()
    silent = time.monotonic()
    before = len(proxy.streams)
    await glass.panels_when(
        lambda found: all(panel.state == "stale" and "nothing" in panel.veil for panel in found.values()), timeout=5
    )
    assert "no sample for" in await glass.status("stale", timeout=2)
    assert "silent" in await glass.status("offline", timeout=11)
    await requests(proxy, before + 1)
    assert proxy.streams[-1].at - silent < 12
    proxy.release()
    await all_live(glass)
    assert bare_and_old(await frames(glass.page)) == []


async def test_gap_is_filled(tmp_path: Path, open_glass: OpenGlass) -> None:
    """What has left the log comes from the server's memory: no hole, and no point twice."""
    config = "log_events = 16\nlog_age = 1\n" + collectors(tmp_path, beacon=BEACON) + board("beacon", "beacon")
    async with running_server(config=config) as server, proxying(server.port) as proxy:
        glass = await open_glass(recorded=True)
        await live(glass, proxy.url)
        began = time.time()
        proxy.answer = 502
        proxy.cut()
        await glass.until(f"recorded.unix() > {began + 3.5}")
        proxy.answer = None
        await all_live(glass)
        end = time.time()
        await glass.until(f"document.querySelector('[data-panel={LINE}] [data-view]').traces[0].line.lastTime >= {end}")
        whole(await glass.points(LINE), began - 1, end)
        await glass.fills(LINE)
        assert bare_and_old(await frames(glass.page)) == []


VERSION = """
import os, pathlib
import dashboard
dashboard.__version__ = pathlib.Path(os.environ["VERSION_FILE"]).read_text()
"""


@pytest.mark.fault
async def test_new_version(tmp_path: Path, open_glass: OpenGlass) -> None:
    """A page that is older than its server says so, keeps showing what is true, and is new after a reload."""
    (tmp_path / "sitecustomize.py").write_text(VERSION)
    version = tmp_path / "version"
    version.write_text("77.1")
    config = collectors(tmp_path, beacon=BEACON) + board("beacon", "beacon")
    env = {"PYTHONPATH": str(tmp_path), "VERSION_FILE": str(version)}
    async with running_server(config=config, env=env) as server:
        glass = await open_glass()
        await live(glass, server.url)
        version.write_text("77.2")
        server.terminate()
        await asyncio.to_thread(server.start)
        assert "version 77.2 is out" in await glass.status("outdated")
        await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))
        await glass.page.locator("connection-status button").click()
        await all_live(glass)


@pytest.mark.fault
async def test_farewell(server: Server, open_glass: OpenGlass) -> None:
    """A server that ends well says why, and the page says it on."""
    glass = await open_glass()
    await live(glass, server.url)
    await asyncio.to_thread(server.terminate)
    assert "shutting down" in await glass.status("offline", timeout=4) or "not reachable" in await glass.says()
    await asyncio.to_thread(server.start)
    await all_live(glass)
