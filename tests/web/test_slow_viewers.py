"""One that reads slowly and one that stalls, beside those that keep up: nobody waits for another."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import psutil
import pytest

from tests.serving import Server, running_server
from tests.web.conftest import WRITERS
from tests.web.test_stream_ends import MIB, stalled
from tests.web.wire import DEADLINE

QUERY = "?types=metrics,notification&match=filler"
FRAME = re.compile(rb"event: (\w+)\n(?:retry: [0-9]+\n)?data: ([^\n]*)\n\n")
SECONDS = 6.0
PUSHES = 10  # a second, each of about 10 KB
PATIENCE = 6.0  # more than the kernel waits between two probes of such a window


class Reader:
    """A viewer that reads so many bytes a second at most, and no more than its own buffer ahead."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._bytes = bytearray()
        self.begun = asyncio.Event()
        """Something has come: whatever happens from now on it is to be told of."""

    async def run(self, server: Server, until: bytes) -> None:
        """Read up to and with the event that holds `until`."""
        loop = asyncio.get_running_loop()
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096 if self._rate < MIB else MIB)
            sock.setblocking(False)
            await loop.sock_connect(sock, ("127.0.0.1", server.port))
            await loop.sock_sendall(sock, f"GET /api/v1/events{QUERY} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            began = time.monotonic()
            while until not in self._bytes[-65536:] or not self._bytes.endswith(b"\n\n\r\n"):
                received = await loop.sock_recv(sock, 2048 if self._rate < MIB else MIB)
                assert received, "the stream has ended"
                self._bytes += received
                self.begun.set()
                await asyncio.sleep(began + len(self._bytes) / self._rate - time.monotonic())

    def events(self, type: bytes) -> list[dict[str, object]]:
        """Return what came of a type."""
        whole = re.sub(rb"\r\n[0-9a-f]+\r\n", b"", b"\r\n" + bytes(self._bytes).partition(b"\r\n\r\n")[2])
        return [json.loads(data) for event, data in FRAME.findall(whole) if event == type]


@pytest.mark.fault
async def test_a_slow_viewer_has_every_kept_event_and_is_told_what_was_skipped(fast_first: str) -> None:
    """It reads a fifth of what there is; those beside it have all of it, and memory does not grow with either."""
    config = fast_first + "interval = 60\nheartbeat_interval = 0.5\n"
    async with running_server(config=config) as server, httpx.AsyncClient(base_url=server.url) as client:
        stuck = await stalled(server, client)
        before = (await client.get("/api/v1/status")).json()
        slow, healthy = Reader(20_000), [Reader(1e9) for _ in range(10)]
        async with asyncio.timeout(SECONDS + 2 * DEADLINE), asyncio.TaskGroup() as reading:
            for reader in (slow, *healthy):
                reading.create_task(reader.run(server, b'"The last one"'))
            while (await client.get("/api/v1/status")).json()["streams"] < 12:
                pass  # they are still connecting
            memory = psutil.Process(server.pid).memory_info().rss

            async def left_out() -> bool:
                status = (await client.get("/api/v1/status")).json()
                return counted(status, before)[0] > 0

            # On a machine that is slow itself it may keep up for longer.
            pushes, notices, most = await pump(client, psutil.Process(server.pid), enough=left_out)
        stuck.drop()
        status = (await client.get("/api/v1/status")).json()
    assert most < memory + 12 * MIB
    for reader in healthy:
        assert len(reader.events(b"metrics")) == pushes and reader.events(b"gap") == []
    assert [event["title"] for event in slow.events(b"notification")] == notices
    gaps = slow.events(b"gap")
    assert gaps and {gap["reason"] for gap in gaps} == {"slow"}
    skipped = sum(int(str(gap["skipped"])) for gap in gaps)
    assert len(slow.events(b"metrics")) + skipped == pushes
    assert counted(status, before) == (skipped, len(gaps))  # for the one that is stuck nothing is read at all


def counted(status: dict[str, Any], before: dict[str, Any]) -> tuple[int, int]:
    """Return how many events the server says it left out since, and how many gaps it told to who is slow."""
    return status["conflated"] - before["conflated"], status["gaps"].get("slow", 0) - before["gaps"].get("slow", 0)


async def always() -> bool:
    return True


async def pump(
    client: httpx.AsyncClient,
    process: psutil.Process,
    seconds: float = SECONDS,
    enough: Callable[[], Awaitable[bool]] = always,
) -> tuple[int, list[str], int]:
    """Push metrics and notices for a while, and until it was `enough`.

    Return how many, which, and the most memory that the server had.
    """
    pushes, notices, most = 0, [], 0
    began = time.monotonic()
    while time.monotonic() - began < seconds or not await enough():
        samples = [{"series": f'filler{{n="{n}",text="{"y" * 900}"}}', "value": pushes} for n in range(10)]
        await client.post("/api/v1/samples", json=samples)
        pushes += 1
        if pushes % PUSHES == 0:
            notices.append(f"Notice {pushes}")
            await client.post("/api/v1/notifications", json={"title": notices[-1]})
        most = max(most, process.memory_info().rss)
        await asyncio.sleep(began + pushes / PUSHES - time.monotonic())
    notices.append("The last one")
    await client.post("/api/v1/notifications", json={"title": notices[-1]})
    return pushes, notices, most


@pytest.mark.fault
@pytest.mark.long
async def test_a_viewer_that_reads_ever_so_slowly_is_not_cut_off() -> None:
    """It takes some bytes all the time, less than a segment at a time, for longer than one may take none."""
    await asyncio.gather(*map(read_ever_so_slowly, WRITERS.values()))


async def read_ever_so_slowly(writer: str) -> None:
    config = f"{writer}interval = 60\nstall_timeout = {PATIENCE}\n"
    async with running_server(config=config) as server, httpx.AsyncClient(base_url=server.url) as client:
        slow = Reader(2000)
        reading = asyncio.create_task(slow.run(server, b"never"))
        await pump(client, psutil.Process(server.pid), 2.5 * PATIENCE)
        status = (await client.get("/api/v1/status")).json()
        assert not reading.done() and (status["streams"], status["streams_aborted"]) == (1, 0)
        reading.cancel()
