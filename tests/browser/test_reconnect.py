"""The page outlives its server, its proxy and its network, and says so meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Route

from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, Glass, allowed, bare_and_old, board, collectors, frames, until
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


async def whole(glass: Glass, url: str, start: float, end: float) -> None:
    """Wait until each second from `start` to `end` that the server has is there, once, with its value, and no other.

    A busy machine may let a tick of the beacon slip; so it is the server that tells which there were.
    """
    async with httpx.AsyncClient(base_url=url) as client:
        query: dict[str, str | float] = {"match": "beacon", "start": start - 5, "end": end + 5, "step": 1}
        (told,) = (await client.get("/api/v1/query_range", params=query)).json()["result"]
    truth = [[at, mean] for at, mean, *_ in told["points"] if mean is not None and start <= at <= end]
    assert len(truth) > (end - start) / 2

    async def there() -> bool:
        (line,) = (await glass.points(LINE)).values()
        holes = await glass.holes(LINE)
        shown = [[at, mean] for at, mean in line if at is not None and mean is not None and start <= at <= end]
        return [at for at, _ in shown] == [at for at, _ in truth] and (
            [mean for _, mean in shown] == pytest.approx([mean for _, mean in truth], abs=0.06)
            and not any(hole["from"] <= at < hole["to"] for hole in holes for at, _ in truth)
        )

    await until(there)


HOLLOW = """({ traces: [{ line }], coverage: { holes } }, from, to) => {
    const [hole, ...others] = holes.filter((one) => one.from < to && one.to > from);
    const known = Array.from({ length: line.length }, (_, at) => at).filter((at) => !Number.isNaN(line.meanAt(at)));
    const times = known.map((at) => line.timeAt(at));
    return hole && !others.length && !times.some((time) => time >= hole.from && time < hole.to) && { hole, times };
}"""
"""The one hole that a chart of one line shows of a time, in which is no point of the line, and all points."""

TOLD = """(() => {
    window.told = [];
    const note = () => {
        const found = [...document.querySelectorAll(".panel")].map((panel) =>
            [panel.dataset.panel, panel.dataset.state, panel.querySelector(".veil")?.textContent ?? ""].join(" "));
        for (const text of [document.querySelector("connection-status")?.title ?? "", ...found])
            if (!told.includes(text)) told.push(text);
    };
    addEventListener("DOMContentLoaded", () => new MutationObserver(note).observe(document.body,
        { subtree: true, childList: true, characterData: true, attributeFilter: ["title", "data-state"] }));
})()"""
"""Writes down all that the indicator and the veils ever say, for what is said in between may not be seen in time."""

DELAYS = """(() => {
    delete window.SharedWorker;
    window.delays = [];
    let failing = false;
    const Real = EventSource;
    window.EventSource = class extends Real {
        constructor(...parts) {
            super(...parts);
            this.addEventListener("error", () => { failing = true; });
        }
    };
    const later = window.setTimeout;
    window.setTimeout = (work, delay, ...parts) => {
        if (failing) delays.push(delay / 1000);
        failing = false;
        return later(work, delay, ...parts);
    };
})()"""
"""Writes down for how long the page itself means to wait after each failure, however late its machine lets it go on."""


@pytest.mark.fault
async def test_killed_and_back(server: Server, open_glass: OpenGlass) -> None:
    """After `kill -9` it is offline with a countdown; back again it is live, the outage hatched and no line across."""
    glass = await open_glass(recorded=True)
    await live(glass, server.url)
    await glass.until(f"document.querySelector('[data-panel={LINE}] [data-view]').traces[0].line.length > 3")
    killed = time.time()
    server.kill()
    await glass.until("/^offline next try in/.test(document.querySelector('connection-status').title)")
    await glass.panels_when(
        lambda found: all(panel.state == "stale" and "is not reachable" in panel.veil for panel in found.values())
    )
    begun = time.time()
    await asyncio.to_thread(server.start)
    await all_live(glass)
    # What came before the page was back is filled in a moment later, and drawn when the chart moves on next.
    shown = await glass.until(f"({HOLLOW})({VIEW}, {killed + 1}, {begun})")
    hole, known = shown["hole"], shown["times"]
    before = max(at for at in known if at < hole["from"])
    after = min(at for at in known if at >= hole["to"])
    assert before < killed + 1 and hole["from"] - before < 3
    assert begun - 1 < hole["to"] <= after < hole["to"] + 3
    (line,) = (await glass.points(LINE)).values()
    times = [at for at, _ in line if at is not None]
    assert times == sorted(set(times))
    colours = await glass.until(
        """((view, killed, begun) => {
            const hole = view.coverage.holes.find(({ from, to }) => from < begun && to > killed);
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
        })"""
        f"({VIEW}, {killed + 1}, {begun})"
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
        lambda found: all(panel.state == "stale" and "server: " in panel.veil for panel in found.values()),
        timeout=13,  # of which three seconds are for a machine that stands still
    )
    seen = await frames(glass.page)
    newest = await glass.page.evaluate(f"{VIEW}.traces[0].line.time")
    assert newest <= stopped
    late = [frame for frame in seen if frame.now > newest + allowed(1) and not frame.guarded]
    assert late and all(set(frame.states.values()) == {"stale"} and frame.status != "live" for frame in late)
    gone_on = time.time()
    server.cont()
    await all_live(glass)
    await glass.until(f"{VIEW}.unknown.some(({{ from, to }}) => from < {stopped} && to > {gone_on})")
    assert bare_and_old(await frames(glass.page)) == []


async def test_one_bad_answer_is_not_the_end(proxy: Proxy, open_glass: OpenGlass) -> None:
    """A proxy that says 502 for a while delays the page, no more: the first try comes within 1 s, then ever later."""
    glass = await open_glass(recorded=True, scripts=(DELAYS,))
    await live(glass, proxy.url)
    newest = await glass.page.evaluate(f"{VIEW}.traces[0].line.time")
    proxy.answer = 502
    proxy.cut()
    began = time.time()
    await glass.status("offline")
    assert "the server answers 502" in await glass.until(
        "((text) => text.includes('502') && text)(document.querySelector('connection-status').title)"
    )
    await requests(proxy, 4)
    waits = await glass.page.evaluate("delays")
    assert len(waits) > 2 and all(0.45 * 2**n <= wait <= 0.9 * 2**n for n, wait in enumerate(waits)), waits
    proxy.answer = None
    await all_live(glass)
    resumed = [seen for seen in proxy.streams if not seen.status][-1]
    assert newest <= int(resumed.query["after"][0].split("-")[0]) / 1000 <= began
    end = time.time()
    await glass.until(f"document.querySelector('[data-panel={LINE}] [data-view]').traces[0].line.lastTime >= {end}")
    await whole(glass, proxy.url, began - 1, end)
    assert bare_and_old(await frames(glass.page)) == []


async def test_denied(proxy: Proxy, open_glass: OpenGlass) -> None:
    """A 401 is `denied`, which is no outage, and ends by itself when access is given again."""
    glass = await open_glass(recorded=True)
    await live(glass, proxy.url)
    proxy.answer = 401
    proxy.cut()
    assert "sign-in is needed" in await glass.status("denied")
    await glass.panels_when(lambda panels: all(panel.state == "stale" for panel in panels.values()))
    proxy.answer = None
    await all_live(glass)
    assert bare_and_old(await frames(glass.page)) == []


WOKEN = """(() => {
    delete window.SharedWorker;
    window.sources = [];
    window.woken = [];
    const Real = EventSource;
    window.EventSource = class extends Real {
        constructor(...parts) {
            super(...parts);
            sources.push(this);
        }
    };
    const first = () => woken.push({ waiting: sources.at(-1).readyState === Real.CLOSED, opened: -sources.length });
    const last = () => { woken.at(-1).opened += sources.length; };
    for (const target of [window, document])
        for (const type of ["online", "visibilitychange"]) target.addEventListener(type, first);
    addEventListener("load", () => {
        for (const target of [window, document])
            for (const type of ["online", "visibilitychange"]) target.addEventListener(type, last);
    });
})()"""
"""Counts the streams that the page opens while it is told of something, and whether it waited for its next try then."""


@pytest.mark.parametrize("what", ["online", "visible"])
async def test_reconnects_at_once(what: str, proxy: Proxy, open_glass: OpenGlass) -> None:
    """When the network is back, or the tab is shown again, nobody waits for the end of the back-off."""
    glass = await open_glass(scripts=(WOKEN,))
    await live(glass, proxy.url)
    proxy.answer = 502
    proxy.cut()
    await requests(proxy, 4)

    async def woken() -> bool:
        """Tell the page; true when it was waiting then."""
        if what == "online":
            await glass.page.context.set_offline(True)
            await glass.page.context.set_offline(False)
        else:
            await glass.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        return bool(await glass.page.evaluate("woken.some(({ waiting }) => waiting)"))

    await until(woken)
    assert await glass.page.evaluate("woken.find(({ waiting }) => waiting).opened") == 1
    proxy.answer = None
    await glass.status("live")


@pytest.mark.fault
async def test_silence(proxy: Proxy, open_glass: OpenGlass) -> None:
    """Where no byte comes for two heartbeats the page connects anew, whatever TCP believes, and says why."""
    glass = await open_glass(recorded=True, scripts=(TOLD,))
    await live(glass, proxy.url)
    proxy.hold()
    silent = time.monotonic()
    before = len(proxy.streams)
    for name in await glass.panels():
        await glass.until(f"told.some((text) => /^{name} stale .*nothing/.test(text))")
    await glass.until("told.some((text) => /^stale no sample for /.test(text))")
    await glass.until("told.some((text) => /^offline .*silent/.test(text))")
    await requests(proxy, before + 1)
    # Two heartbeats and a first wait of a second, and three for a machine that stands still.
    assert proxy.streams[before].at - silent < 14
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
        await whole(glass, proxy.url, began - 1, end)
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
        await glass.page.keyboard.press("Shift")  # under someone's hands it does not renew itself
        version.write_text("77.2")
        server.terminate()
        await asyncio.to_thread(server.start)
        await glass.until("/^outdated version 77.2 is out/.test(document.querySelector('connection-status').title)")
        await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))
        await glass.page.locator("connection-status button").click()
        await all_live(glass)


@pytest.mark.fault
async def test_farewell(server: Server, open_glass: OpenGlass) -> None:
    """A server that ends well says why, and the page says it on."""
    glass = await open_glass()
    await live(glass, server.url)
    await asyncio.to_thread(server.terminate)
    await glass.until(
        "/^offline .*(shutting down|not reachable)/.test(document.querySelector('connection-status').title)"
    )
    await asyncio.to_thread(server.start)
    await all_live(glass)


async def test_a_history_that_cannot_be_had_at_first_is_asked_for_until_it_is(
    server: Server, open_glass: OpenGlass
) -> None:
    """The stream is live meanwhile, and the page says what is missing."""
    asked = 0

    async def refuse(route: Route) -> None:
        nonlocal asked
        asked += 1
        await (route.fulfill(status=502) if asked < 3 else route.continue_())

    async with httpx.AsyncClient(base_url=server.url) as client:

        async def recorded() -> bool:
            query: dict[str, str | int] = {"match": "beacon", "step": 1, "unknown": "empty"}
            found = (await client.get("/api/v1/query_range", params=query)).json()["result"]
            return sum(mean is not None for line in found for _, mean, *_ in line["points"]) > 3

        await until(recorded)
    glass = await open_glass(scripts=(TOLD,))
    await glass.page.route("**/api/v1/query_range*", refuse)
    opened = time.time()
    await glass.open(f"{server.url}/boards/beacon")
    await glass.until(f"{VIEW}.traces[0]?.line.timeAt(0) < {opened - 1}", timeout=30)
    assert asked >= 3
    body = "document.body.innerText.includes('could not be fetched')"
    await glass.until(f"!{body}")
