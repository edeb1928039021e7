"""Five hundred that keep up, beside one that stalls, one at 2 KB/s and one that vanished without a word."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles

import httpx
import psutil
import pytest

from tests.serving import Server, running_server
from tests.web.afar import afar
from tests.web.test_slow_viewers import QUERY, Reader, counted
from tests.web.test_stream import streams
from tests.web.test_stream_ends import MIB, stalled
from tests.web.test_writers import LOOKS_ON as GREETED
from tests.web.wire import RawStream

pytestmark = pytest.mark.long

HEALTHY = 500
EVENTS = 4  # a second, each of about 2 KB
STALL = 30.0  # the default of `stall_timeout`
LOOKS_ON = GREETED.replace("time.sleep(60)", "while stream.recv(65536):\n    pass")
WINDOW = 20  # events of which one 99th percentile is taken
SENT = re.compile(rb'"filler\{n=\\"0\\"[^}]*\}":([0-9.e+]+)')


class Healthy:
    """A viewer that reads all at once, and keeps of it only how many events there were and how late each was."""

    def __init__(self, stream: RawStream) -> None:
        self._stream = stream
        self.late: list[float] = []
        self.gaps = 0

    async def run(self) -> None:
        """Read up to the last notice."""
        while True:
            event = await self._stream.reader.readuntil(b"\n\n")
            found = SENT.search(event)
            if found:
                self.late.append(time.monotonic() - float(found[1]))
            self.gaps += b"event: gap" in event
            if b'"The last one"' in event:
                self._stream.drop()
                return


class Pump:
    """Pushes metrics, each with the moment at which it was sent, and now and then a notice."""

    def __init__(self, client: httpx.AsyncClient, process: psutil.Process) -> None:
        self._client, self._process = client, process
        self.pushes = 0
        self.notices: list[str] = []
        self.most = 0

    async def run(self, seconds: float) -> None:
        """Push for so long."""
        began, first = time.monotonic(), self.pushes
        while time.monotonic() - began < seconds:
            series = [f'filler{{n="{n}",text="{"y" * 900}"}}' for n in range(2)]
            now = time.monotonic()
            answer = await self._client.post("/api/v1/samples", json=[{"series": one, "value": now} for one in series])
            assert answer.status_code == 200
            self.pushes += 1
            if self.pushes % (5 * EVENTS) == 0:
                await self.tell(f"Notice {self.pushes}")
            self.most = max(self.most, self._process.memory_info().rss)
            await asyncio.sleep(began + (self.pushes - first) / EVENTS - time.monotonic())

    async def tell(self, title: str) -> None:
        """Send a notice."""
        self.notices.append(title)
        assert (await self._client.post("/api/v1/notifications", json={"title": title})).status_code == 200


@pytest.mark.fault
async def test_sick_viewers_harm_neither_the_healthy_nor_the_memory(need: Callable[[str], Path], writer: str) -> None:
    """The two that take nothing are gone when their time is up; the slow one has all that is kept, and true counts."""
    config = writer + "interval = 300\n"
    with (
        afar(need("ip")) as other,
        running_server("--host", "0.0.0.0", "--insecure", config=config) as server,
        other.started(sys.executable, "-c", LOOKS_ON, other.here, str(server.port)) as looking,
    ):
        assert looking.stdout is not None and b"200" in looking.stdout.readline()
        async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
            await play(server, client, other.cut)
        looking.kill()


async def the_sick_are_gone(client: httpx.AsyncClient, deadlines: Sequence[float]) -> None:
    """Return when none but the healthy and the slow one are there, and by each of these moments one more had gone.

    It is not asked so often that they would feel it.
    """
    while (left := await streams(client) - HEALTHY - 1) > 0:
        assert time.monotonic() < deadlines[-left], f"{left} who take nothing are still there"
        await asyncio.sleep(0.5)


def usual_p99(healthy: Sequence[Healthy], begin: int, end: int) -> float:
    """Return the middle one of the 99th percentiles of lateness, in seconds, of windows between two events."""
    windows = (slice(at, at + WINDOW) for at in range(begin, end - WINDOW + 1, WINDOW))
    return median(quantiles([late for one in healthy for late in one.late[window]], n=100)[98] for window in windows)


async def play(server: Server, client: httpx.AsyncClient, cut: Callable[[], None]) -> None:
    process = psutil.Process(server.pid)
    pump = Pump(client, process)
    async with asyncio.timeout(8 * STALL), asyncio.TaskGroup() as tasks:
        healthy = [Healthy(await RawStream.open(server, QUERY)) for _ in range(HEALTHY)]
        for viewer in healthy:
            tasks.create_task(viewer.run())
        await pump.run(5 + 8 * WINDOW / EVENTS)
        alone = usual_p99(healthy, 5 * EVENTS, pump.pushes)

        closed = time.monotonic()
        stuck = await stalled(server, client, "stuffing")  # of which the healthy ones see nothing
        calm = process.memory_info().rss
        vanished = time.monotonic()
        cut()
        before = (await client.get("/api/v1/status")).json()
        slow = Reader(2000)
        reading = tasks.create_task(slow.run(server, b'"The last one"'))
        await slow.begun.wait()
        begun = pump.pushes
        pump.most = 0

        left = tasks.create_task(the_sick_are_gone(client, [closed + STALL, vanished + STALL]))
        await pump.run(STALL + 10)
        await left
        beside = usual_p99(healthy, begun, pump.pushes)
        await pump.tell("The last one")
        await reading
    stuck.drop()
    status = (await client.get("/api/v1/status")).json()

    assert status["streams_aborted"] - before["streams_aborted"] == 2
    assert pump.most < calm + 6 * MIB
    print(f"p99 of {HEALTHY} healthy viewers: {alone * 1000:.1f} ms alone, {beside * 1000:.1f} ms beside the sick")
    assert beside < 1.25 * alone + 0.005
    for viewer in healthy:
        assert len(viewer.late) == pump.pushes and viewer.gaps == 0
    assert [event["title"] for event in slow.events(b"notification")] == pump.notices[
        -len(slow.events(b"notification")) :
    ]
    assert len(slow.events(b"notification")) >= (pump.pushes - begun) // (5 * EVENTS) + 1
    gaps = slow.events(b"gap")
    skipped = sum(int(str(gap["skipped"])) for gap in gaps)
    assert {gap["reason"] for gap in gaps} == {"slow"}
    assert len(slow.events(b"metrics")) + skipped == pump.pushes - begun
    assert counted(status, before) == (skipped, len(gaps))
