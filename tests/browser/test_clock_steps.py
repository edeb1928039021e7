"""The server's wall clock is set by an hour, either way: nothing that is live is veiled, and ids still grow."""

from __future__ import annotations

import asyncio
import json
import math
import time
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Route

from tests.browser.conftest import OpenGlass
from tests.browser.glass import allowed, frames
from tests.needs import need
from tests.serving import running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-boards")]

PANELS = {"cpu", "memory", "network", "cpu-modes", "memory-states", "network-io", "cores", "disk-io"}
"""Those of every machine whose samples come once a second."""

SLOWER = {"processes", "disk", "filesystems", "load"}
"""Those whose samples come every two or five seconds."""

NOTE_IDS = """(() => {
    window.ids = [];
    window.arrived = [];
    const types = ["metrics", "processes", "system"];
    const note = (event) => {
        if (!types.includes(event?.type)) return;
        const { id, type, timestamp, source, interval } = event;
        ids.push([id, timestamp]);
        const wrong = Math.round((timestamp - recorded.unix()) / 3600) * 3600;
        if (interval) arrived.push([recorded.unix(), source, timestamp - wrong, interval]);
    };
    window.SharedWorker = class extends SharedWorker {
        constructor(...parts) {
            super(...parts);
            this.port.addEventListener("message", ({ data }) => note(data.event));
        }
    };
    window.EventSource = class extends EventSource {
        constructor(...parts) {
            super(...parts);
            for (const type of types) this.addEventListener(type, ({ data }) => note(JSON.parse(data)));
        }
    };
})()"""
"""Of either way that events take to a page."""


def order(id: str) -> tuple[int, int]:
    """Return an event's id as numbers that can be compared."""
    time, _, sequence = id.partition("-")
    return int(time), int(sequence)


def in_time(arrived: list[tuple[float, str, float, float]], now: float) -> bool:
    """Tell whether no source's newest sample was near its end; on a busy machine some truly are late.

    After a hole of over two intervals a counter has no rate yet, so that sample is not counted.
    """
    taken: dict[str, float] = {}
    newest: dict[str, float] = {}
    for at, source, true, interval in arrived:
        if at <= now:
            if true - taken.get(source, -math.inf) < 2 * interval + 0.1 or source not in newest:
                newest[source] = true + allowed(interval)
            taken[source] = true
    return now < min(newest.values()) - 0.6


def faked(offset: Path) -> dict[str, str]:
    """Return the environment of a program whose wall clock is off by what a file says."""
    return {
        "LD_PRELOAD": str(need("faketime")),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


async def late(route: Route) -> None:
    """Answer seconds later, as a busy server may: no panel waits for that."""
    await asyncio.sleep(4)
    await route.continue_()


@pytest.mark.parametrize(
    ("hours", "seconds"),
    [(-1, 5), pytest.param(-1, 25, marks=pytest.mark.long), pytest.param(1, 25, marks=pytest.mark.long)],
)
async def test_clock_is_set(hours: int, seconds: float, tmp_path: Path, open_glass: OpenGlass) -> None:
    """All panels stay live through the step, points stand at the new time, and each id is above the last.

    Whatever is sampled every 5 s would be veiled 11 s after a step that it was not told of, so the long form waits for
    that, too.
    """
    offset = tmp_path / "offset"
    offset.write_text("+0")
    # In a thread that sleeps, the library's sleep may fail at the end, which is not the program's fault.
    async with running_server(env=faked(offset), tracebacks=True) as server:
        glass = await open_glass(recorded=True, scripts=(NOTE_IDS,), viewport={"width": 1440, "height": 5500})
        await glass.open(server.url)
        await glass.panels_when(
            lambda panels: (
                all(panels[name].state == "live" for name in PANELS | SLOWER)
                and not any(panel.state in ("loading", "paused") for panel in panels.values())
            )
        )
        await glass.page.route("**/api/v1/status", late)
        began = time.time()
        await glass.until(f"recorded.unix() > {began + 3}")
        offset.write_text(f"{hours * 3600:+}")
        stepped = time.time()
        await glass.until(f"ids.some(([, at]) => Math.abs(at - {stepped + hours * 3600}) < 60)")
        await glass.until(f"recorded.unix() > {stepped + seconds}", timeout=seconds + 10)
        async with httpx.AsyncClient(base_url=server.url) as client:
            server_time = (await client.get("/api/v1/status")).json()["server_time"]
        assert abs(server_time - time.time() - hours * 3600) < 5
        seen = [frame for frame in await frames(glass.page) if frame.now > began]
        arrived = await glass.page.evaluate("arrived")
        seen = [frame for frame in seen if in_time(arrived, frame.now)]
        assert any(stepped + 2 < frame.now for frame in seen)
        states = {name: {frame.states[name] for frame in seen} for name in seen[0].states}
        # An optional panel of what this machine does not have is never more than empty.
        assert {name: found for name, found in states.items() if not found <= {"live", "empty", "loading"}} == {}
        assert {name for name, found in states.items() if found == {"live"}} >= PANELS | SLOWER
        assert not any(frame.guarded for frame in seen)
        assert {frame.status for frame in seen} <= {"live", "catching up"}
        assert seen[-1].status == "live"
        ids = [order(id) for id, _ in json.loads(await glass.page.evaluate("JSON.stringify(ids)"))]
        assert ids == sorted(set(ids))
        points = (await glass.points("cpu-modes")).values()
        for line in points:
            times = [at for at, _ in line if at is not None]
            assert times == sorted(set(times))
            assert abs(times[-1] - server_time) < 10
        text = (await glass.page.locator("#clock").inner_text()).split()[0]
        assert text[:2] == time.strftime("%H", time.gmtime(server_time))


@pytest.mark.long
@pytest.mark.parametrize("hours", [1, -1])
async def test_clock_is_set_while_the_server_is_away(hours: int, tmp_path: Path, open_glass: OpenGlass) -> None:
    """Nobody tells of it; the page finds it out by itself, and what it draws then stands at the new time."""
    offset = tmp_path / "offset"
    offset.write_text("+0")
    async with running_server(env=faked(offset), tracebacks=True) as server:
        glass = await open_glass()
        await glass.open(server.url)
        await glass.panels_when(lambda panels: panels["cpu-modes"].state == "live")
        server.kill()
        await glass.status("offline")
        offset.write_text(f"{hours * 3600:+}")
        await asyncio.to_thread(server.start)
        await glass.status("live", timeout=45)  # the longer it was away, the longer the page waits between two tries
        await glass.panels_when(lambda panels: all(panels[name].state == "live" for name in PANELS))
        async with httpx.AsyncClient(base_url=server.url) as client:
            server_time = (await client.get("/api/v1/status")).json()["server_time"]
        assert abs(server_time - time.time() - hours * 3600) < 5
        traces = "document.querySelector('[data-panel=cpu-modes] live-chart').traces"
        newest = f"Math.max(...{traces}.map(({{ line }}) => line.lastTime))"
        await glass.until(f"Math.abs({newest} - {server_time}) < 10")
