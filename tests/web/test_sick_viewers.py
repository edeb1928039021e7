"""Five hundred that keep up, beside one that stalls, one at 2 KB/s and one that vanished without a word."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles

import httpx
import psutil
import pytest

from tests.serving import Server, running_server
from tests.web.afar import afar
from tests.web.test_slow_viewers import QUERY, Reader
from tests.web.test_stream import streams
from tests.web.test_stream_ends import MIB, stalled
from tests.web.test_writers import LOOKS_ON
from tests.web.wire import RawStream

pytestmark = pytest.mark.long

HEALTHY = 500
EVENTS = 4  # a second, each of about 2 KB
STALL = 30.0  # the default of `stall_timeout`
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


async def the_sick_are_gone(client: httpx.AsyncClient, deadline: float) -> None:
    """Return when the healthy and the slow one are all there are; it is not asked so often that they would feel it."""
    while await streams(client) != HEALTHY + 1:
        assert time.monotonic() < deadline, "who takes nothing is still there"
        await asyncio.sleep(0.5)


async def play(server: Server, client: httpx.AsyncClient, cut: Callable[[], None]) -> None:
    process = psutil.Process(server.pid)
    pump = Pump(client, process)
    async with asyncio.timeout(8 * STALL), asyncio.TaskGroup() as tasks:
        healthy = [Healthy(await RawStream.open(server, QUERY)) for _ in range(HEALTHY)]
        for viewer in healthy:
            tasks.create_task(viewer.run())
        await pump.run(15)
        alone = [late for viewer in healthy for late in viewer.late]

        before = (await client.get("/api/v1/status")).json()
        stuck = await stalled(server, client, "stuffing")  # of which the healthy ones see nothing
        calm = process.memory_info().rss
        closed = time.monotonic()
        cut()
        slow = Reader(2000)
        reading = tasks.create_task(slow.run(server, b'"The last one"'))
        await slow.begun.wait()
        begun = pump.pushes
        heard = [len(viewer.late) for viewer in healthy]
        pump.most = 0

        left = tasks.create_task(the_sick_are_gone(client, closed + STALL + 1))
        await pump.run(STALL + 10)
        await left
        beside = [late for viewer, at in zip(healthy, heard, strict=True) for late in viewer.late[at:]]
        await pump.tell("The last one")
        await reading
    stuck.drop()
    status = (await client.get("/api/v1/status")).json()

    assert status["streams_aborted"] - before["streams_aborted"] == 2
    assert pump.most < calm + 6 * MIB
    usual, with_the_sick = (quantiles(lateness, n=100)[98] for lateness in (alone, beside))
    print(f"p99 of {HEALTHY} healthy viewers: {usual:.3f} s alone, {with_the_sick:.3f} s beside the sick")
    assert with_the_sick < 2 * usual + 0.1
    for viewer in healthy:
        assert len(viewer.late) == pump.pushes and viewer.gaps == 0
    assert [event["title"] for event in slow.events(b"notification")] == pump.notices[
        -len(slow.events(b"notification")) :
    ]
    assert len(slow.events(b"notification")) >= (pump.pushes - begun) // (5 * EVENTS) + 1
    skipped = sum(int(str(gap["skipped"])) for gap in slow.events(b"gap"))
    assert {gap["reason"] for gap in slow.events(b"gap")} == {"slow"}
    assert len(slow.events(b"metrics")) + skipped == pump.pushes - begun
    assert status["conflated"] - before["conflated"] >= skipped
