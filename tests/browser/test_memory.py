"""A page that is open for weeks: neither its memory nor its document grows."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from playwright.async_api import CDPSession, Page

from tests.browser.conftest import OpenGlass
from tests.browser.glass import Glass, board, collectors
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-memory")]

COUNT = """(hasten) => {
    const views = [...document.querySelectorAll("live-chart")];
    window.updates = 0;
    for (const view of views) {
        const { render } = view;
        view.render = (...parts) => {
            if (view === views[0]) window.updates++;
            if (hasten) view.drawn.end = -Infinity;
            render.apply(view, parts);
        };
    }
}"""
"""Counts the updates of the first chart, of which there is one a second; hastened, each event is one, and is drawn."""

MEGABYTE = 1024 * 1024


async def used(session: CDPSession, page: Page) -> tuple[int, Counter[str]]:
    """Return the bytes of the heap after a forced collection, and how many nodes each part of the page has.

    Of the collections of a second the least counts, for the feed and the compiler go on meanwhile. A text that is all
    its element has is not counted: it is there or not, as there is something to say.
    """
    heaps = []
    for _ in range(25):
        await page.evaluate("new Promise((done) => setTimeout(done, 40))")
        await session.send("HeapProfiler.collectGarbage")
        heaps.append(int((await session.send("Runtime.getHeapUsage"))["usedSize"]))
    nodes = await page.evaluate(
        """(() => {
            const walker = document.createTreeWalker(document, NodeFilter.SHOW_ALL);
            const counts = {};
            while (walker.nextNode()) {
                const node = walker.currentNode;
                if (node.nodeType === Node.TEXT_NODE && node.parentNode.childNodes.length === 1) continue;
                const element = node.closest ? node : node.parentElement;
                const part = element?.closest(".panel, system-strip, notice-list, health-line");
                const name = part ? part.id || part.localName : "elsewhere";
                counts[name] = (counts[name] ?? 0) + 1;
            }
            return counts;
        })()"""
    )
    return min(heaps), Counter(nodes)


async def feed(server: Server, stop: asyncio.Event) -> None:
    """Push samples of eight series, each a little later than the last, as fast as the page draws them."""
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        while not stop.is_set():
            now = time.time()
            samples = [
                {"series": f'fast{{n="{n}"}}', "value": 50 + 40 * math.sin(now + n), "interval": 0.1} for n in range(8)
            ]
            await client.post("/api/v1/samples", json=samples)
            await asyncio.sleep(0.01)


async def grown(
    glass: Glass, *, hasten: bool, timeout: float, first: int = 400, last: int = 2400
) -> tuple[int, dict[str, int]]:
    """Return by how many bytes, and each part by how many nodes, the page grows from one update to a later one."""
    session = await glass.page.context.new_cdp_session(glass.page)
    await glass.page.evaluate(COUNT, hasten)
    await glass.until(f"updates >= {first}", timeout=timeout)
    heap, nodes = await used(session, glass.page)
    await glass.until(f"updates >= {last}", timeout=timeout)
    later_heap, later_nodes = await used(session, glass.page)
    later_nodes.subtract(nodes)
    return later_heap - heap, dict(later_nodes)


UPDATES = [pytest.param(100, 250, id="short"), pytest.param(400, 2400, id="thousands", marks=pytest.mark.long)]


@pytest.mark.parametrize(("first", "last"), UPDATES)
async def test_hundreds_of_updates(first: int, last: int, open_glass: OpenGlass) -> None:
    """From update 400 to 2,400, or fewer, the heap grows by 1 MB at most and the document not at all; hastened."""
    config = "flush_interval = 0.001\n" + board("fast", "fast", legend="{n}")
    async with running_server(config=config) as server:
        stop = asyncio.Event()
        feeding = asyncio.create_task(feed(server, stop))
        glass = await open_glass()
        await glass.open(f"{server.url}/boards/fast")
        await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))
        heap, nodes = await grown(glass, hasten=True, timeout=120, first=first, last=last)
        stop.set()
        await feeding
    nodes.pop("system-strip")  # what the program says of itself has a bound of its own, for which the next test looks
    assert heap <= MEGABYTE
    assert {part: count for part, count in nodes.items() if count} == {}


LATE_BLOOMER = """
from dashboard.collectors import Family, Sample

families = [Family("{0}", "gauge", "", "Fails at first.")]
runs = 0


def collect():
    global runs
    runs += 1
    if runs < 8:
        raise RuntimeError("not yet")
    yield Sample("{0}", runs)
"""
"""A collector that makes two system events; so many of them fill what shows such to its bounds."""


async def fill(server: Server, glass: Glass) -> None:
    """Bring what shows happenings to the most rows it ever has; from then on each that comes takes the place of one."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        lines = [{"message": f"line {number}"} for number in range(1000)]
        assert (await client.post("/api/v1/logs", json=lines)).status_code == 200
    await glass.until("document.querySelectorAll('system-strip li').length === 50", timeout=60)


@pytest.mark.long
@pytest.mark.timeout(3000)
async def test_forty_minutes(tmp_path: Path, open_glass: OpenGlass) -> None:
    """The same with the overview as it is, once a second, and its lists full."""
    bloomers = {name: LATE_BLOOMER.format(name) for name in (f"bloomer{number}" for number in range(30))}
    # Other tests that run beside this one make network devices, which a page shows and keeps.
    config = 'ignore_networks = "lo|near[0-9]+"\n' + collectors(tmp_path, **bloomers)
    async with running_server(config=config) as server:
        glass = await open_glass()
        await glass.open(server.url)
        await glass.panels_when(lambda panels: panels["cpu-modes"].state == "live")
        await fill(server, glass)
        heap, nodes = await grown(glass, hasten=False, timeout=2500)
    assert heap <= MEGABYTE
    assert {part: count for part, count in nodes.items() if count} == {}
