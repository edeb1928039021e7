"""No old number is ever shown bare: a collector that hangs, a tab that freezes, a page whose scripts are blocked."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from itertools import combinations, groupby
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, CDPSession

from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, RECORDER, Frame, Glass, bare_and_old, board, collectors, frames, until
from tests.browser.ordinary import frozen, ordinary_context
from tests.browser.pictures import STRIP, drawn, pictures, red
from tests.browser.proxy import proxying
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-staleness")]

ALARM = """
[[board.panel]]
id = "alarm"
title = "Alarm"
kind = "stat"
series = ["alarm_level"]
width = 4
thresholds = [{above = 0.5, severity = "critical"}]
"""
"""A pushed value that is red: a picture in which anything is red shows it bare."""

BLOCKED = """
import os
from contextlib import suppress
from dashboard.collectors import Family, Sample

families = [Family("{name}", "gauge", "", "Hangs while there is a gate.")]


def collect():
    with suppress(FileNotFoundError):
        os.close(os.open("{gate}", os.O_RDONLY))
    yield Sample("{name}", 5.0)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with a beacon and an alarm."""
    home = tmp_path_factory.mktemp("staleness")
    config = collectors(home, beacon=BEACON) + board("beacon", "beacon", kinds=("stat", "line", "bar")) + ALARM
    async with running_server(config=config) as running:
        yield running


LATE = 0.6
"""Seconds by which a way is slow on which all is live nevertheless."""

LATENCY = r"Number(/^live (\d+) ms$/.exec(document.querySelector('connection-status').title)?.[1])"
"""What the indicator says of the way from sample to screen, in milliseconds; NaN where it says nothing of the kind."""


async def ring(server: Server) -> None:
    """Push the alarm: for three seconds it is true."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        sample = {"series": "alarm_level", "value": 1, "interval": 1}
        assert (await client.post("/api/v1/samples", json=sample)).status_code == 200


async def alarmed(glass: Glass, server: Server) -> None:
    """Open the beacon's board, with everything live and the alarm ringing."""
    await glass.open(f"{server.url}/boards/beacon")

    async def rings() -> bool:
        # Again and again, for on a busy machine it may have ended before it is looked at.
        await ring(server)
        return all(panel.state == "live" for panel in (await glass.panels()).values())

    await until(rings)


async def pictured(browser: Browser, server: Server, taken: list[tuple[float, str]]) -> None:
    """Ring the alarm until a picture shows it; the page is drawn anew each second."""

    async def shown() -> bool:
        await ring(server)
        seen = len(taken)
        await until(lambda: len(taken) > seen)
        return any(count for _, count, _ in await red(browser, taken[-1:]))

    await until(shown)


async def fresh(glass: Glass) -> None:
    """Wait until the beacon is live again."""
    await glass.status("live")
    await glass.panels_when(lambda panels: all(panels[name].state == "live" for name in panels if name != "alarm"))


@contextmanager
def renderers_stopped(pids: list[int]) -> Iterator[None]:
    """Stop processes, as a machine does that sleeps or is short of memory; that of a closed page may end by itself."""
    try:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def renderers(browser: Browser) -> list[int]:
    """Return the process ids of everything that runs pages."""
    session: CDPSession = await browser.new_browser_cdp_session()
    processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    await session.detach()
    return [int(process["id"]) for process in processes if process["type"] == "renderer"]


def after(seen: list[Frame], moment: float) -> list[Frame]:
    """Return the frames painted after a moment."""
    return [frame for frame in seen if frame.now > moment]


@pytest.mark.fault
async def test_one_collector_hangs(tmp_path: Path, open_glass: OpenGlass) -> None:
    """Only the panels of the collector that hangs are veiled, with its name; they come back when it does."""
    gate = tmp_path / "gate"
    files = {"beacon": BEACON, "stuck": BLOCKED.format(name="stuck_level", gate=gate)}
    boards = board("beacon", "beacon", kinds=("stat", "line")) + board("stuck", "stuck_level").partition("\n\n")[2]
    async with running_server(config=collectors(tmp_path, **files) + boards) as server:
        glass = await open_glass(recorded=True)
        await glass.open(f"{server.url}/boards/beacon")
        await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))
        os.mkfifo(gate)
        hung = time.time()
        await glass.panels_when(
            lambda panels: all(
                panel.state == "stale" and panel.veil.endswith("· collector stuck")
                for name, panel in panels.items()
                if name.startswith("stuck")
            )
        )
        await glass.status("live")
        # Where all stood still for a while, the page says so, and the whole of it is covered; else it is live.
        seen = [
            frame for frame in after(await frames(glass.page), hung) if frame.status == "live" and not frame.guarded
        ]
        assert {frame.states["beacon-stat"] for frame in seen} == {"live"}
        assert all(
            state == "stale"
            for frame in after(seen, hung + 4.1)
            for name, state in frame.states.items()
            if name.startswith("stuck")
        )
        os.close(os.open(gate, os.O_RDWR | os.O_NONBLOCK))
        with gate.open("r+b", buffering=0):
            gate.unlink()
        await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()), timeout=40)
        assert bare_and_old(await frames(glass.page)) == []


FREEZES = [pytest.param(6.0, id="short"), pytest.param(120.0, id="long", marks=pytest.mark.long)]


@pytest.mark.parametrize("seconds", FREEZES)
@pytest.mark.fault
async def test_frozen_tab(seconds: float, server: Server, chromium: Browser) -> None:
    """A tab that the browser froze is veiled before and after; its first bare number is a new one."""
    async with ordinary_context() as context:
        page = await context.new_page()
        await page.add_init_script(path=RECORDER)
        await page.add_init_script("addEventListener('freeze', () => { window.froze = recorded.unix(); }, true)")
        glass = Glass(page)
        await alarmed(glass, server)
        async with pictures(glass) as taken:
            async with frozen(page):
                await asyncio.sleep(seconds)  # the length of the freeze is what is tested
            await fresh(glass)
        froze = await page.evaluate("window.froze")
        seen = await frames(page)
    thawed = next(frame.now for frame in seen if frame.now > froze + 1)
    assert thawed > froze + seconds - 0.5, "it was not frozen"
    assert bare_and_old(seen) == []
    assert [(at - froze, box) for at, count, box in await red(chromium, taken) if count and at > froze + 3] == []
    assert glass.faults == []


@pytest.mark.parametrize("seconds", FREEZES)
@pytest.mark.fault
async def test_stopped_tab(seconds: float, server: Server, chromium: Browser, open_glass: OpenGlass) -> None:
    """A tab whose process stood still draws nothing old when it goes on.

    A process that is stopped in the midst of drawing delivers that picture when it goes on: once more what has stood on
    the screen all the while. So a picture is judged by the clock that is drawn in it, not by when it arrives.
    """
    glass = await open_glass(recorded=True, scripts=(STRIP,))
    await alarmed(glass, server)
    async with pictures(glass) as taken:
        await pictured(chromium, server, taken)
        with renderers_stopped(await renderers(chromium)):
            stopped = time.time()
            await asyncio.sleep(seconds)  # the length of the standstill is what is tested
            went_on = time.time()
        await fresh(glass)
        await until(lambda: sum(at > went_on for at, _ in taken) > 2)  # the first may show what stood there before
        began = await glass.page.evaluate("window.stripBegan")
    seen = await frames(glass.page)
    assert any(frame.now > stopped + seconds for frame in seen)
    assert bare_and_old(seen) == []
    times = await drawn(chromium, began, taken)
    counts = [count for _, count, _ in await red(chromium, taken)]
    assert any(counts) and max(times) + 0.25 > went_on  # as far as the strip tells
    assert [at - stopped for at, count in zip(times, counts, strict=True) if count and at > stopped + 0.5] == []


async def test_the_guard_never_waits_for_a_frame(server: Server, open_glass: OpenGlass) -> None:
    """It is put off by the clock: one that began with the next frame would cover too late when that is held up."""
    glass = await open_glass()
    await alarmed(glass, server)
    waited = await glass.page.evaluate(
        """(async () => {
            const all = () => [...document.querySelectorAll(".guard")].flatMap((guard) => guard.getAnimations());
            const seen = [];
            const puts = new Set();
            for (const end = performance.now() + 9000; puts.size < 4 && performance.now() < end; ) {
                for (const one of all()) puts.add(one) && seen.push(one.startTime);
                await new Promise((done) => setTimeout(done));
            }
            return [puts.size, seen.filter((time) => time === null).length];
        })()"""
    )
    assert waited[0] > 2 and waited[1] == 0, waited


async def test_blocked_scripts(server: Server, chromium: Browser, open_glass: OpenGlass) -> None:
    """While no script can run, the compositor itself covers the page, and in time."""
    glass = await open_glass()
    await alarmed(glass, server)
    async with pictures(glass) as taken:
        await pictured(chromium, server, taken)
        began = time.time()
        await glass.page.evaluate("((begun) => { while (performance.now() - begun < 7500); })(performance.now())")
        await fresh(glass)
    counted = await red(chromium, taken)
    assert any(count for at, count, _ in counted if at < began + 2)
    assert [(at - began, box) for at, count, box in counted if count and at > began + 3] == []
    meanwhile = [count for at, count, _ in counted if began < at < began + 7]  # soon, when the newest was old already
    assert meanwhile and meanwhile[-1] == 0, "not covered while the scripts were blocked"


@pytest.mark.parametrize("minutes", [10, -10])
async def test_browser_clock(minutes: int, server: Server, open_glass: OpenGlass) -> None:
    """A browser whose clock is wrong shows the server's time, a small latency, and veils nothing."""
    shift = f"""(() => {{
        const Real = Date;
        const shift = {minutes * 60_000};
        globalThis.Date = class extends Real {{
            constructor(...parts) {{ super(...(parts.length ? parts : [Real.now() + shift])); }}
            static now() {{ return Real.now() + shift; }}
        }};
    }})()"""
    glass = await open_glass(recorded=True, scripts=(shift,))
    await alarmed(glass, server)
    assert abs(await glass.page.evaluate("Date.now() / 1000 - recorded.unix()") - minutes * 60) < 5
    since = time.time()

    async def live_for_three_seconds() -> bool:
        """Tell whether nothing was veiled for so long; a machine that stands still meanwhile has it begin anew."""
        nonlocal since
        seen = after(await frames(glass.page), since)
        for frame in seen:
            states = {state for name, state in frame.states.items() if name != "alarm"}
            if states != {"live"} or frame.status != "live":
                since = frame.now
        return bool(seen) and seen[-1].now > since + 3

    await until(live_for_three_seconds)
    assert bare_and_old(await frames(glass.page)) == []
    await glass.until(f"{LATENCY} >= 0 && {LATENCY} < 1000 * {LATE}")
    line = "document.querySelector('[data-panel=beacon-line] [data-view]').traces[0].line"
    await glass.until(f"Math.abs({line}.lastTime - recorded.unix()) < 3")


async def test_a_slow_way(server: Server, open_glass: OpenGlass) -> None:
    """The latency has what the way adds; until the stream speaks it is connecting, far behind it is catching up."""
    async with proxying(server.port) as proxy:
        proxy.delay = LATE
        glass = await open_glass(recorded=True)
        await glass.open(f"{proxy.url}/boards/beacon")
        told = await glass.until(
            f"""{LATENCY} >= 1000 * {LATE} && {LATENCY} < 1000 * {LATE} + 1000 && [
                ...recorded.frames, {{ status: document.querySelector("connection-status").dataset.state }},
            ].map(({{ status }}) => status)"""
        )
        words = [word for word, _ in groupby(filter(None, told))]
        assert words[0] == "connecting" and words[-1] == "live" and set(words[1:-1]) <= {"live", "catching up"}, words
        proxy.delay = 3.5
        await glass.until(r"/^catching up \d+\ss behind/.test(document.querySelector('connection-status').title)")
        await glass.panels_when(lambda panels: panels["beacon-line"].veil.endswith("stream: catching up"))
        assert bare_and_old(await frames(glass.page)) == []


STATES = ["connecting", "live", "catching up", "stale", "offline", "denied", "outdated"]

SHOW = """(states) => states.map((word, at) => {
    // A copy, for the page goes on to tell what is true of it.
    const copy = document.querySelector("connection-status").cloneNode(true);
    document.body.append(copy);
    copy.show({ word, detail: "", action: "" });
    copy.style.cssText = `position: fixed; z-index: 99; top: 0; left: ${16 * at}px; padding: 0; border: 0`;
    return copy.innerText.trim();
})"""

INK = """async ([picture, count]) => {
    const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
    pen.drawImage(image, 0, 0);
    const { data } = pen.getImageData(0, 0, image.width, image.height);
    const inked = (x, y) => Number(Math.min(...data.slice(4 * (y * image.width + x)).slice(0, 3)) < 160);
    return Array.from({ length: count }, (_, place) =>
        Array.from({ length: 12 * image.height }, (_, at) => inked(16 * place + at % 12, Math.floor(at / 12))));
}"""
"""Where something is drawn in each shape, whatever its colour."""


async def test_each_state_has_a_word_and_a_shape_of_its_own(server: Server, open_glass: OpenGlass) -> None:
    """Without its colour, too, each is told from each other."""
    glass = await open_glass(color_scheme="light")
    await glass.open(f"{server.url}/boards/beacon")
    assert await glass.page.evaluate(SHOW, STATES) == STATES
    clip = {"x": 0, "y": 0, "width": 16 * len(STATES), "height": 32}
    picture = base64.b64encode(await glass.page.screenshot(clip=clip)).decode()
    shapes = await glass.page.evaluate(INK, [picture, len(STATES)])
    assert all(sum(shape) > 20 for shape in shapes), shapes
    for (one, first), (other, second) in combinations(zip(STATES, shapes, strict=True), 2):
        different = sum(a != b for a, b in zip(first, second, strict=True))
        assert different > 20, (one, other, different)
