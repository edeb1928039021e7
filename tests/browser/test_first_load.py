"""What a visitor gets: at once, little, from this server alone, and it moves."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.conftest import OpenGlass
from tests.browser.glass import Glass, collectors, until
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-first-load")]

WATCH = """(() => {
    window.seen = { shift: 0, csp: [], chart: 0 };
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) seen.shift += entry.value; })
        .observe({ type: "layout-shift", buffered: true });
    addEventListener("securitypolicyviolation", ({ blockedURI }) => seen.csp.push(blockedURI));
    const complete = (view) => view.chart && view.traces.length && view.traces.every(({ line }) => line.value >= 0)
        && view.closest(".panel").dataset.state === "live" && view.querySelector(".legend .value")?.textContent;
    const look = () => {
        if ([...document.querySelectorAll("live-chart")].some(complete)) seen.chart = performance.now();
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})()"""
"""Notes what the browser itself knows, and the first frame in which a chart is there with lines, legend and values."""


SEAM = ["system_memory_usage_bytes", "system_cpu_mode_ratio"]

BOARD = """
[[board]]
name = "seam"
[[board.panel]]
id = "one"
title = "One"
kind = "area"
series = ["{}"]
[[board.panel]]
id = "two"
title = "Two"
kind = "line"
series = ["{}"]
""".format(*SEAM)

OLDEST_LINE = """Math.min(...[...document.querySelectorAll("live-chart")].flatMap(({ traces }) =>
    traces?.length ? traces.map(({ line }) => line.time) : [0]))"""
"""The time of the newest sample of that line of a page whose newest is the oldest."""


PATIENCE = 5
"""Seconds after which a page waits no longer for its first picture with what that does not need."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[Server]:
    """One server with the overview as everyone has it, and a small board."""
    async with running_server(config=BOARD) as running:
        yield running


async def fill_window(client: httpx.AsyncClient, known: list[dict[str, Any]]) -> None:
    """Push a past of a quarter of an hour, each second and a little different, for all these series.

    What is older than a minute is stored and not streamed.
    """
    random = Random(1)
    now = int(time.time())
    samples = []
    for entry in known:
        value = entry["value"]
        counter = entry["series"].partition("{")[0].endswith("_total")
        digits = 4 if value % 1 else 0
        spread = 0.2 if any(name in entry["series"] for name in ("cpu", "load", "pressure", "lag")) else 0.01
        for second in range(now - 890, now):
            if counter:
                value = max(0.0, entry["value"] - (now - second) * 1000 + random.randrange(1000))
            elif value:
                value = round(entry["value"] * random.uniform(1 - spread, 1 + spread), digits)
            samples.append({"series": entry["series"], "value": value, "timestamp": second + 0.5, "interval": 60})
    for at in range(0, len(samples), 10_000):
        answer = await client.post("/api/v1/samples", json=samples[at : at + 10_000])
        assert answer.json()["rejected"] == []


async def sampled(server: Server) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the newest value of each series of this machine that has a minute's worth, and the collectors' names."""
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        found: list[dict[str, Any]] = []

        async def latest() -> bool:
            found[:] = (await client.get("/api/v1/latest")).json()["result"]
            return len(found) >= 60

        await until(latest)
        states = (await client.get("/api/v1/status")).json()["collectors"]
        return found, [state["name"] for state in states]


async def test_at_once(server: Server, chromium: Browser) -> None:
    """The first complete chart comes by itself and nothing jumps; `python -m bench first` tells how soon."""
    for _ in range(2):
        context = await chromium.new_context(viewport={"width": 1440, "height": 900})
        page = await context.new_page()
        await page.add_init_script(WATCH)
        await page.goto(server.url)
        await page.locator("connection-status[data-state=live]").wait_for()
        await page.locator(".panel[data-state=live] live-chart canvas").first.wait_for()
        await until(lambda page=page: page.evaluate("seen.chart"))  # type: ignore[misc]
        assert await page.evaluate("seen.shift") < 0.02
        assert await page.evaluate("seen.csp") == []
        await context.close()


async def test_no_other_host(server: Server, open_glass: OpenGlass) -> None:
    """Every request goes to this server; the Content-Security-Policy finds nothing to forbid."""
    glass = await open_glass(scripts=(WATCH,))
    await glass.open(server.url)
    for path in ("/add", "/nowhere", "/"):
        await glass.page.goto(server.url + path)
        assert await glass.page.evaluate("seen.csp") == []
    hosts = {urlsplit(url).netloc for url in glass.requests if not url.startswith("data:")}
    assert hosts == {urlsplit(server.url).netloc}


async def test_every_panel_has_data(server: Server, open_glass: OpenGlass) -> None:
    """On the overview each panel is live, or says that this machine has no such thing."""
    glass = await open_glass(viewport={"width": 1440, "height": 4000})
    await glass.open(server.url)
    panels = await glass.panels_when(
        lambda found: all(panel.state == "live" or name in OPTIONAL for name, panel in found.items())
    )
    assert panels["cpu"].state == "live" and "%" in panels["cpu"].text
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        for title, name in (("swap", "system_swap_usage_bytes"), ("temperatures", "system_temperature_celsius")):

            async def right(title: str = title, name: str = name) -> bool:
                names = {entry["name"] for entry in (await client.get("/api/v1/series")).json()["result"]}
                panels = await glass.panels()
                return title not in panels or panels[title].state == ("live" if name in names else "empty")

            await until(right)


OPTIONAL = {"swap", "temperatures", "fans", "container-cpu", "container-memory", "pressure", "disk-io", "inodes"}
"""Panels of what not every machine has."""


async def test_charts_move(server: Server, open_glass: OpenGlass) -> None:
    """Second after second the newest point is a later one, further right stands what was, and pixels change."""
    glass = await open_glass()
    await glass.open(server.url)
    await glass.page.locator(".panel[data-state=live] live-chart canvas").first.wait_for()
    # One and the same chart, whether or not it is veiled for a moment.
    await glass.page.evaluate("window.view = document.querySelector('[data-state=live] live-chart')")
    look = """{ newest: view.traces[0].line.time, end: view.chart.scales.x.max, now: Date.now() / 1000,
        picture: view.chart.canvas.toDataURL() }"""
    first = await glass.page.evaluate(f"({look})")
    # A sample is known before the frame that draws it, and a chart is drawn when a whole pixel of time has passed.
    moved = f"seen.newest >= {first['newest'] + 2} && seen.end >= {first['end'] + 1000}"
    later = await glass.until(f"((seen) => {moved} && Math.abs(seen.newest - seen.now) < 3 && seen)({look})")
    assert later["picture"] != first["picture"]


async def test_past_and_present_join(server: Server, open_glass: OpenGlass) -> None:
    """From up to 30 s before a page was opened until 7 s after, it has each second that the server has, once.

    It is opened three times, each within another part of a second, for what is joined comes apart at the seam.
    """
    pages: list[tuple[Glass, float]] = []
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:

        async def recorded(start: float, end: float) -> dict[str, list[list[float]]]:
            """Return what the server has of these seconds, by series: `[time, mean]`."""
            query: dict[str, Any] = {"match": SEAM, "start": start, "end": end, "step": 1, "unknown": "empty"}
            found = (await client.get("/api/v1/query_range", params=query)).json()["result"]
            kept = {line["series"]: [point[:2] for point in line["points"] if point[1] is not None] for line in found}
            return {series: points for series, points in kept.items() if points}

        async def seconds() -> bool:
            known = await recorded(time.time() - 30, time.time())
            return len(known) >= len(SEAM) and min(map(len, known.values())) >= 5

        await until(seconds, timeout=20)
        for part in (0.0, 0.35, 0.7):
            glass = await open_glass()
            await until(lambda part=part: (time.time() - part) % 1 < 0.2)  # type: ignore[misc]
            pages.append((glass, time.time()))
            await glass.page.goto(f"{server.url}/boards/seam")
        for glass, opened in pages:
            await glass.until(f"{OLDEST_LINE} >= {opened + 8}", timeout=20)
            # So long that each end has samples, even if the machine had no time to take some.
            start, end = opened - 30, opened + 7
            truth = await recorded(start, end)
            drawn = await glass.points("one") | await glass.points("two")
            for series, points in truth.items():
                line = [[at, mean] for at, mean in drawn[series] if at is not None and start <= at <= end]
                expected = [point for point in points if start <= point[0] <= end]
                # What the machine had no time to take is on neither side.
                assert expected[0][0] < opened - 2 and expected[-1][0] > opened + 2
                assert [at for at, mean in line if mean is not None] == [at for at, _ in expected], series
                assert [mean for _, mean in line if mean is not None] == pytest.approx([mean for _, mean in expected])
            assert drawn.keys() >= truth.keys()


async def test_bytes(server: Server, chromium: Browser) -> None:
    """With the window full, all that the first view needs, but for the stream, is at most 200 KB on the wire."""
    known, names = await sampled(server)
    off = [f'[[collector]]\nname = "{name}"\nenabled = false\n' for name in names if name != "dashboard"]
    async with running_server(config="\n".join(off)) as filled:
        async with httpx.AsyncClient(base_url=filled.url, timeout=60) as client:
            await fill_window(client, [entry for entry in known if not entry["series"].startswith("dashboard_")])
        context = await chromium.new_context(viewport={"width": 1440, "height": 900})
        page = await context.new_page()
        await page.add_init_script(WATCH)
        session = await context.new_cdp_session(page)
        await session.send("Network.enable")
        sizes: dict[str, int] = {}
        urls: dict[str, str] = {}
        sent: dict[str, float] = {}

        def count(event: dict[str, Any]) -> None:
            sizes[event["requestId"]] = sizes.get(event["requestId"], 0) + event["encodedDataLength"]

        def note(event: dict[str, Any]) -> None:
            urls[event["requestId"]] = event["request"]["url"]
            sent[event["requestId"]] = event["timestamp"]

        session.on("Network.requestWillBeSent", note)
        session.on("Network.dataReceived", count)
        await page.goto(filled.url)
        await page.locator("connection-status[data-state=live]").wait_for()
        await page.locator(".panel[data-state=live] live-chart canvas").first.wait_for()
        await until(lambda: page.evaluate("seen.chart"))
        # What is asked for later the first view does not need: then, or after those seconds, the rest is begun with.
        last = min(sent.values()) + min(await page.evaluate("seen.chart") / 1000, PATIENCE)
        needed = {one for one, at in sent.items() if at <= last and "/api/v1/events" not in urls[one]}
        total = sum(size for one, size in sizes.items() if one in needed)
        await context.close()
    largest = sorted(((size, urls.get(one, "")[-60:]) for one, size in sizes.items()), reverse=True)[:6]
    assert 50_000 < total <= 200_000, largest


SLOW = """
import time
from dashboard.collectors import Family, Sample

families = [Family("slow", "gauge", "", "Takes its time.")]
interval = 3


def collect():
    time.sleep(1.6)
    yield Sample("slow", 1)
"""
"""A collector whose samples are old when they are sent."""

BADGES = """(() => {
    window.badges = [];
    const look = () => {
        const text = document.querySelector("connection-status .detail")?.textContent ?? "";
        if (text !== badges.at(-1)) badges.push(text);
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})()"""
"""Notes all that the indicator says."""


@pytest.mark.long
async def test_only_what_has_just_been_sent_tells_the_latency(open_glass: OpenGlass, tmp_path: Path) -> None:
    """What is read again at the start, and what a slow collector brings, is no latency."""
    panel = '[[board.panel]]\ntitle = "Slow"\nkind = "line"\nseries = ["slow", "system_memory_utilization_ratio"]\n'
    board = f'[[board]]\nname = "slow"\n{panel}'
    async with (
        running_server(config=collectors(tmp_path, slow=SLOW) + board) as running,
        httpx.AsyncClient(base_url=running.url, timeout=20) as client,
    ):

        async def recorded() -> bool:
            status = (await client.get("/api/v1/status")).json()
            return bool(status["server_time"] - status["started_at"] > 5)

        await until(recorded, timeout=20)
        glass = await open_glass(scripts=(BADGES,))
        await glass.open(running.url + "/boards/slow")
        # Long enough for two of the slow ones; a quiet machine says one and the same number all the while.
        await glass.until("performance.now() > 6000 && badges.some((text) => text.endsWith(' ms'))", timeout=20)
        said = [text for text in await glass.page.evaluate("badges") if text.endswith(" ms")]
        assert [text for text in said if int(text.removesuffix(" ms")) > 1400] == []
