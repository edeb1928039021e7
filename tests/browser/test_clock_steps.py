"""The server's wall clock is set by an hour, either way: nothing that is live is veiled, and ids still grow."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Route

from tests.browser.arrivals import NOTE_ARRIVALS, frames_in_time
from tests.browser.conftest import OpenGlass
from tests.needs import need
from tests.serving import Server, running_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser-boards")]

PANELS = {"cpu", "memory", "network", "cpu-modes", "memory-states", "network-io", "cores", "disk-io"}
"""Those of every machine whose samples come once a second."""

SLOWER = {"processes", "disk", "filesystems", "load"}
"""Those whose samples come every two or five seconds."""

HIGH = {"viewport": {"width": 1440, "height": 5500}}


def order(id: str) -> tuple[int, int]:
    """Return an event's id as numbers that can be compared."""
    time, _, sequence = id.partition("-")
    return int(time), int(sequence)


def faked(offset: Path) -> dict[str, str]:
    """Return the environment of a program whose wall clock is off by what a file says."""
    return {
        "LD_PRELOAD": str(need("faketime")),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


async def told_time(server: Server, hours: int) -> float:
    """Return what time the server says it is, which must be so many hours off."""
    before = time.time()
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        told = float((await client.get("/api/v1/status")).json()["server_time"])
    assert before - 1 < told - hours * 3600 < time.time() + 1
    return told


async def late(route: Route) -> None:
    """Answer seconds later, as a busy server may: no panel waits for that."""
    await asyncio.sleep(4)
    await route.continue_()


@pytest.mark.parametrize(
    ("hours", "seconds"),
    [(-1, 5), (1, 5), pytest.param(-1, 25, marks=pytest.mark.long), pytest.param(1, 25, marks=pytest.mark.long)],
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
        glass = await open_glass(recorded=True, scripts=(NOTE_ARRIVALS,), timezone_id="UTC", **HIGH)
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
        seen = await frames_in_time(glass, began, stepped + seconds, status="live")
        server_time = await told_time(server, hours)
        states = {name: {frame.states[name] for frame in seen} for name in seen[0].states}
        # An optional panel of what this machine does not have is never more than empty.
        assert {name: found for name, found in states.items() if not found <= {"live", "empty", "loading"}} == {}
        assert {name for name, found in states.items() if found == {"live"}} >= PANELS | SLOWER
        assert not any(frame.guarded for frame in seen)
        assert {frame.status for frame in seen} <= {"live", "catching up"}
        ids = [order(id) for id, _ in json.loads(await glass.page.evaluate("JSON.stringify(ids)"))]
        assert ids == sorted(set(ids))
        points = (await glass.points("cpu-modes")).values()
        for line in points:
            times = [at for at, _ in line if at is not None]
            assert times == sorted(set(times))
            assert abs(times[-1] - server_time) < 10
        # Both of one moment: between two looks a second, a minute or the hour may turn.
        text, now = await glass.page.evaluate("[document.getElementById('clock').innerText, Date.now() / 1000]")
        hour, minute, second = (int(part) for part in text.split()[0].split(":"))
        off = hour * 3600 + minute * 60 + second - (now + hours * 3600)
        assert abs((off + 43_200) % 86_400 - 43_200) < 10


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
        await told_time(server, hours)
        traces = "document.querySelector('[data-panel=cpu-modes] live-chart').traces"
        newest = f"Math.max(...{traces}.map(({{ line }}) => line.lastTime))"
        await glass.until(f"Math.abs({newest} - Date.now() / 1000 - {hours * 3600}) < 10")
