"""All tabs of a browser share one stream; whatever comes of the one that brings it, each tab stays live."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext

from tests.browser.arrivals import NOTE_ARRIVALS, in_time
from tests.browser.glass import BEACON, RECORDER, Glass, Shown, bare_and_old, board, collectors, frames, until
from tests.browser.proxy import Proxy, proxying
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-sharing")]

MISSING = "delete window.SharedWorker"

MUTE = """window.SharedWorker = class extends EventTarget {
    port = new MessageChannel().port1;
    constructor() {
        super();
        window.asked ??= performance.now();
    }
};
window.EventSource = class extends EventSource {
    constructor(...parts) {
        super(...parts);
        window.alone ??= performance.now();
    }
}"""
"""A worker that never answers; when it was asked, and when the page went on alone."""

FAILING = """window.SharedWorker = class extends EventTarget {
    constructor() {
        super();
        this.port = new MessageChannel().port1;
        setTimeout(() => this.dispatchEvent(new Event("error")));
    }
}"""
"""What a page in a frame of another site gets."""

REFUSED = """window.SharedWorker = class {
    constructor() {
        throw new DOMException("not here", "SecurityError");
    }
}"""


@pytest_asyncio.fixture(loop_scope="module")
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with a beacon and two boards that show different series."""
    boards = board("beacon", "beacon") + board("load", "system_load_*", kinds=("stat", "line"))
    async with running_server(config=collectors(tmp_path, beacon=BEACON) + boards) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """One browser as its user has it: all its pages share what pages can share."""
    found = await chromium.new_context(viewport={"width": 1440, "height": 900})
    yield found
    await found.close()


async def tab(context: BrowserContext, url: str, *scripts: str, recorded: bool = False) -> Glass:
    """Open a tab and wait until it is live."""
    page = await context.new_page()
    for script in scripts:
        await page.add_init_script(script)
    if recorded:
        await page.add_init_script(path=RECORDER)
    glass = Glass(page)
    await glass.open(url)
    await glass.panels_when(is_live)
    return glass


def is_live(panels: Mapping[str, Shown]) -> bool:
    """Tell whether what has something to show and is in sight is live."""
    states = {panel.state for panel in panels.values()}
    return "live" in states and "stale" not in states


async def streams(server: Server) -> int:
    """Return how many streams the server has."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        return int((await client.get("/api/v1/status")).json()["streams"])


async def streams_are(server: Server, count: int, timeout: float = 20.0) -> None:
    """Wait until the server has so many streams."""

    async def right() -> bool:
        return await streams(server) == count

    await until(right, timeout)


async def all_live(tabs: list[Glass]) -> None:
    for glass in tabs:
        await glass.panels_when(is_live)
        assert glass.faults == []


async def newest(glass: Glass) -> float:
    """Return the time of the newest sample that a tab has."""
    found = await glass.page.evaluate(
        "Math.max(...document.querySelector('live-chart').traces.map(({ line }) => line.time))"
    )
    return float(found)


@pytest.mark.parametrize("count", [5, pytest.param(10, marks=pytest.mark.long)])
async def test_many_tabs(count: int, server: Server, context: BrowserContext) -> None:
    """Ten tabs, or fewer, are one stream, all live; closing some harms none, closing all ends it."""
    tabs = [await tab(context, f"{server.url}/boards/{'beacon' if at % 3 else 'load'}") for at in range(count)]
    await streams_are(server, 1)
    await all_live(tabs)
    for glass in (tabs.pop(0), tabs.pop(count // 2 - 1), tabs.pop()):
        await glass.page.close()
    closed = time.time()
    for glass in tabs:
        await until(lambda glass=glass: _is_newer(glass, closed))  # type: ignore[misc]
    await streams_are(server, 1)
    await all_live(tabs)
    for glass in tabs:
        await glass.page.close()
    await streams_are(server, 0)


async def _is_newer(glass: Glass, moment: float) -> bool:
    return await newest(glass) > moment


async def test_widening_loses_nothing(server: Server, context: BrowserContext) -> None:
    """A tab that wants more makes the stream begin anew: the others have each event exactly once, in order."""
    old = await tab(context, f"{server.url}/boards/beacon", NOTE_ARRIVALS, recorded=True)
    for name in ("load", "beacon", "overview", "load"):
        await (await tab(context, f"{server.url}/boards/{name}")).page.close()
    young = await tab(context, f"{server.url}/boards/load", NOTE_ARRIVALS, recorded=True)
    end = time.time()
    await until(lambda: _is_newer(old, end))
    for glass, match in ((old, "beacon"), (young, "system_load_*")):
        ids: list[str] = await glass.page.evaluate("ids.map(([id]) => id)")
        assert ids == sorted(set(ids), key=order)
        async with httpx.AsyncClient(base_url=server.url) as client:
            query = {"wait": "0", "after": ids[0], "types": "metrics,system", "match": match}
            logged = [
                event["id"]
                for event in (await client.get("/api/v1/events", params=query)).json()["events"][1:]
                if "id" in event
            ]
        assert [id for id in logged if order(id) <= order(ids[-1]) and id not in ids] == []
        assert len(logged) > 3 or match != "beacon"
    seen = await frames(old.page)
    live = next(at for at, frame in enumerate(seen) if frame.status == "live")
    # Where the machine brought the beacon late, that is what the page says.
    beacons = [one for one in await old.page.evaluate("arrived") if one[1].endswith("/beacon")]
    assert {frame.status for frame in seen[live:] if in_time(beacons, frame.now)} == {"live"}
    assert bare_and_old(seen) == []


def order(id: str) -> tuple[int, int]:
    """Return an event's id as numbers that can be compared."""
    moment, _, sequence = id.partition("-")
    return int(moment), int(sequence)


async def test_a_tab_sees_its_own_series_only(server: Server, context: BrowserContext) -> None:
    """What another tab asks for does not fill a tab's memory."""
    await tab(context, f"{server.url}/boards/overview")
    glass = await tab(context, f"{server.url}/boards/beacon")
    moment = time.time()
    await until(lambda: _is_newer(glass, moment))
    names = await glass.page.evaluate(
        """[...new Set([...document.querySelectorAll("[data-view]")].flatMap(
            (view) => (view.traces ?? []).map(({ line }) => line.series.name)))]"""
    )
    assert names == ["beacon"]


@pytest.mark.parametrize("script", [MISSING, REFUSED, FAILING], ids=["missing", "refused", "failing"])
async def test_nothing_to_share(script: str, server: Server, context: BrowserContext) -> None:
    """Where pages cannot share, each has a stream of its own, at once."""
    tabs = [await tab(context, f"{server.url}/boards/beacon", script) for _ in range(2)]
    await streams_are(server, 2)
    await all_live(tabs)


async def test_worker_that_never_answers(server: Server, context: BrowserContext) -> None:
    """A worker that does not answer within a second is absent, and the page is live soon after."""
    page = await context.new_page()
    await page.add_init_script(MUTE)
    glass = Glass(page)
    await page.goto(f"{server.url}/boards/beacon", wait_until="commit")
    await glass.status("live")
    # A second, and four for a machine that stands still or has no history yet.
    assert 950 < await glass.page.evaluate("alone - asked") < 5000
    await streams_are(server, 1)


@pytest.mark.long
async def test_worker_that_falls_silent(server: Server, context: BrowserContext) -> None:
    """A worker that hangs is noticed within two heartbeats, and replaced by a stream of the page's own."""
    hung = """(() => {
        const Real = SharedWorker;
        window.SharedWorker = class extends Real {
            constructor(...parts) {
                super(...parts);
                this.port.addEventListener("message", (event) => window.hung && event.stopImmediatePropagation());
            }
        };
    })()"""
    glass = await tab(context, f"{server.url}/boards/beacon", hung, recorded=True)
    await glass.page.evaluate("window.hung = true")
    fell = time.time()
    await glass.panels_when(lambda panels: all(panel.state == "stale" for panel in panels.values()))
    await glass.status("live", timeout=14)
    assert time.time() - fell < 13
    await all_live([glass])
    assert bare_and_old([frame for frame in await frames(glass.page) if frame.now > fell]) == []


async def test_outage(server: Server, context: BrowserContext) -> None:
    """When the stream breaks all tabs say so, one of them or another tries again, and all are live with it."""
    async with proxying(server.port) as proxy:
        tabs = [await tab(context, f"{proxy.url}/boards/beacon") for _ in range(4)]
        before = len(proxy.streams)
        proxy.answer = 502
        proxy.cut()
        for glass in tabs:
            await glass.status("offline")
        await until(lambda: len(proxy.streams) >= before + 2)
        proxy.answer = None
        await all_live(tabs)
        for glass in tabs:
            await glass.status("live")
        assert live_streams(proxy) == 1
        await streams_are(server, 1)


def live_streams(proxy: Proxy) -> int:
    """Return how many streams were asked for since the proxy passes requests on again."""
    tail = 0
    for seen in reversed(proxy.streams):
        if seen.status:
            break
        tail += 1
    return tail
