"""No old number is ever shown bare: a collector that hangs, a tab that freezes, a page whose scripts are blocked."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import combinations, groupby
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, CDPSession

from tests.browser.conftest import OpenGlass
from tests.browser.glass import BEACON, RECORDER, Frame, Glass, bare_and_old, board, collectors, frames, until
from tests.browser.ordinary import frozen, ordinary_context
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
from pathlib import Path
from dashboard.collectors import Family, Sample

families = [Family("{name}", "gauge", "", "Hangs while there is a gate.")]


def collect():
    if Path("{gate}").exists():
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


async def alarmed(glass: Glass, server: Server) -> None:
    """Open the beacon's board, with everything live and the alarm ringing."""
    await glass.open(f"{server.url}/boards/beacon")
    async with httpx.AsyncClient(base_url=server.url) as client:
        sample = {"series": "alarm_level", "value": 1, "interval": 1}
        assert (await client.post("/api/v1/samples", json=sample)).status_code == 200
    await glass.panels_when(lambda panels: all(panel.state == "live" for panel in panels.values()))


async def fresh(glass: Glass) -> None:
    """Wait until the beacon is live again."""
    await glass.status("live")
    await glass.panels_when(lambda panels: all(panels[name].state == "live" for name in panels if name != "alarm"))


@asynccontextmanager
async def pictures(glass: Glass) -> AsyncIterator[list[tuple[float, str]]]:
    """Collect every picture that the compositor puts out: its time, and itself as base64."""
    session = await glass.page.context.new_cdp_session(glass.page)
    taken: list[tuple[float, str]] = []
    tasks: set[asyncio.Task[object]] = set()

    def take(frame: dict[str, object]) -> None:
        metadata = frame["metadata"]
        assert isinstance(metadata, dict)
        taken.append((float(metadata["timestamp"]), str(frame["data"])))
        task = asyncio.ensure_future(session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]}))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    session.on("Page.screencastFrame", take)
    await session.send("Page.startScreencast", {"format": "png", "everyNthFrame": 1})
    yield taken
    await session.send("Page.stopScreencast")
    await asyncio.gather(*tasks)


STRIP = """addEventListener("DOMContentLoaded", () => {
    const strip = document.createElement("div");
    strip.style.cssText = "position: fixed; top: 0; left: 0; width: 4px; height: 4px; background: blue; z-index: 99";
    document.documentElement.append(strip);
    const across = [{ transform: "translateX(0)" }, { transform: "translateX(1000px)" }];
    const animation = strip.animate(across, { duration: 250_000, fill: "both" });
    animation.ready.then(() => { window.stripBegan = (performance.timeOrigin + animation.startTime) / 1000; });
})"""
"""A clock that the compositor itself draws: its place in a picture, 4 pixels a second, tells when that was drawn."""

STRIP_AT = """async (picture) => {
    const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const pen = new OffscreenCanvas(image.width, 1).getContext("2d");
    pen.drawImage(image, 0, -1);
    const { data } = pen.getImageData(0, 0, image.width, 1);
    return Array.from({ length: image.width }, (_, at) => at).findIndex(
        (at) => data[4 * at + 2] > 200 && data[4 * at] < 80 && data[4 * at + 1] < 80);
}"""

RED = """async (picture) => {
    const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes]));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const head = Math.round(image.height / 9);
    const { data } = pen.getImageData(0, head, image.width, image.height - head);
    let red = 0;
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let at = 0; at < data.length; at += 4) {
        if (!(data[at] > 150 && data[at + 1] < 80 && data[at + 2] < 80)) continue;
        red++;
        const [x, y] = [(at / 4) % image.width, head + Math.floor(at / 4 / image.width)];
        box.splice(0, 4, Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y));
    }
    return [red, red ? box : []];
}"""


async def red(browser: Browser, taken: list[tuple[float, str]]) -> list[tuple[float, int, list[int]]]:
    """Count the red pixels of each picture, below the line that may say in red how busy this machine is.

    Return its time, how many there are, and the box that holds them.
    """
    page = await browser.new_page()
    try:
        return [(at, *await page.evaluate(RED, picture)) for at, picture in taken]
    finally:
        await page.close()


async def drawn(browser: Browser, began: float, taken: list[tuple[float, str]]) -> list[float]:
    """Return when each picture was drawn, to a quarter of a second, by the strip in it."""
    page = await browser.new_page()
    try:
        places = [await page.evaluate(STRIP_AT, picture) for _, picture in taken]
    finally:
        await page.close()
    assert -1 not in places, "a picture without the strip"
    return [began + place / 4 for place in places]


@contextmanager
def renderers_stopped(pids: list[int]) -> Iterator[None]:
    """Stop processes, as a machine does that sleeps or is short of memory."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
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
        seen = after(await frames(glass.page), hung + 4.1)
        assert {frame.states["beacon-stat"] for frame in await frames(glass.page) if frame.now > hung} == {"live"}
        assert all(
            state == "stale" for frame in seen for name, state in frame.states.items() if name.startswith("stuck")
        )
        assert "live" in await glass.says()
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
            const guard = document.getElementById("guard");
            const seen = [];
            const puts = new Set();
            for (const end = performance.now() + 9000; puts.size < 4 && performance.now() < end; ) {
                for (const one of guard.getAnimations()) puts.add(one) && seen.push(one.startTime);
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
    began = time.time()
    await glass.until(f"recorded.unix() > {began + 3}")
    assert abs(await glass.page.evaluate("Date.now()") / 1000 - time.time() - minutes * 60) < 5
    seen = after(await frames(glass.page), began)
    states = {state for frame in seen for name, state in frame.states.items() if name != "alarm"}
    assert states == {"live"}
    assert {frame.status for frame in seen} == {"live"}
    assert bare_and_old(seen) == []
    await glass.until(f"{LATENCY} >= 0 && {LATENCY} < 1000 * {LATE}")
    ((*_, last),) = (await glass.points("beacon-line")).values()
    assert last[0] is not None and abs(last[0] - time.time()) < 3


async def test_a_slow_way(server: Server, open_glass: OpenGlass) -> None:
    """The latency has what the way adds; until the stream speaks it is connecting, far behind it is catching up."""
    async with proxying(server.port) as proxy:
        proxy.delay = LATE
        glass = await open_glass(recorded=True)
        await glass.open(f"{proxy.url}/boards/beacon")
        await glass.until(f"{LATENCY} >= 1000 * {LATE} && {LATENCY} < 1000 * {LATE} + 1000")
        words = [word for word, _ in groupby(frame.status for frame in await frames(glass.page) if frame.status)]
        assert words[0] == "connecting" and words[-1] == "live" and set(words[1:-1]) <= {"live", "catching up"}, words
        proxy.delay = 3.5
        assert re.search(r"^catching up \d+\ss behind", await glass.status("catching up"))
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
