"""The two ways to write streams: what the fast one relies on, and how both get rid of who takes no bytes."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from dashboard.config import Settings
from dashboard.runtime import running
from dashboard.web.app import create_app
from tests.serving import running_server
from tests.web.afar import afar
from tests.web.conftest import WRITERS
from tests.web.test_stream import streams
from tests.web.test_stream_ends import COUNTER, MIB, is_ready, none_is_open, stalled, steady_tasks, until
from tests.web.wire import DEADLINE, RawStream

IMPATIENT = "stall_timeout = 2\nheartbeat_interval = 0.5\n"
LOOKS_ON = """
import socket, sys, time
stream = socket.create_connection((sys.argv[1], int(sys.argv[2])))
stream.sendall(b"GET /api/v1/events HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n")
print(stream.recv(100), flush=True)
time.sleep(60)
"""
"""A viewer of the server at ADDRESS PORT, which says what it was sent first."""


@pytest.mark.parametrize(("writer", "tasks"), [("fast", 0), ("portable", 3)])
async def test_a_viewer_of_the_fast_writer_has_no_task(tmp_path: Path, writer: str, tasks: int) -> None:
    """Fails when Hypercorn, or asyncio, is changed so that a connection cannot be taken over any more."""
    (tmp_path / "tasks.py").write_text(COUNTER)
    config = f'{WRITERS[writer]}collectors_dir = "{tmp_path}"\ninterval = 0.5\n'
    async with running_server(config=config) as server, httpx.AsyncClient(base_url=server.url) as client:
        await until(partial(is_ready, client), DEADLINE)
        before = await steady_tasks(client)
        viewers = [await RawStream.open(server, "?types=metrics") for _ in range(20)]
        for viewer in viewers:
            await viewer.until(b"event: metrics")
        added = await steady_tasks(client) - before
        assert added >= 20 * tasks if tasks else added <= 3
        for viewer in viewers:
            await viewer.until(b"event: metrics")
            viewer.drop()
        await until(lambda: none_is_open(client), 1.0)


async def one_is_cut_off(client: httpx.AsyncClient, left: int) -> bool:
    """Tell whether so many streams are left, and one is counted as cut off; never are more."""
    status = (await client.get("/api/v1/status")).json()
    assert status["streams_aborted"] <= 1
    return bool(status["streams"] == left and status["streams_aborted"])


async def test_both_writers_send_the_same_head() -> None:
    """The fast one writes it itself."""
    heads = []
    for writer in WRITERS.values():
        async with running_server(config=writer) as server:
            for version in ("1.1", "1.0"):
                reader, sender = await asyncio.open_connection("127.0.0.1", server.port)
                sender.write(f"GET /api/v1/events HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())
                head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)).lower()
                sender.transport.abort()
                lines = [b"date" if line.startswith(b"date: ") else line for line in head.split(b"\r\n")]
                heads.append(sorted(lines))
    assert heads[:2] == heads[2:]


async def test_what_is_not_a_connection_of_ours_is_written_the_portable_way(tmp_path: Path) -> None:
    """Quart's own test client, as any other server of ASGI would, gives no socket to take."""
    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        app = create_app(runtime)
        async with app.test_client().request("/api/v1/events?types=system") as viewer:
            assert b"event: hello" in await viewer.receive()
            runtime.system("high_load", "There is much to do.")
            while b"There is much to do." not in await viewer.receive():
                pass  # what was said before
            assert runtime.tally.streams == 1
            await viewer.disconnect()


@pytest.mark.fault
async def test_a_viewer_that_takes_no_bytes_is_cut_off_and_counted(writer: str) -> None:
    """Its kernel acknowledges whatever comes, with a window of none."""
    async with running_server(config=writer + IMPATIENT) as server, httpx.AsyncClient(base_url=server.url) as client:
        healthy = await RawStream.open(server, "?types=system")
        viewer = await stalled(server, client)
        memory = psutil.Process(server.pid).memory_info().rss

        await until(partial(one_is_cut_off, client, 1), 4.0)
        assert psutil.Process(server.pid).memory_info().rss < memory + 4 * MIB
        await healthy.until(b"event: heartbeat")
        healthy.drop()
        viewer.drop()


@pytest.mark.fault
async def test_a_viewer_that_vanished_without_a_word_is_cut_off_and_counted(
    need: Callable[[str], Path], writer: str
) -> None:
    with (
        afar(need("ip")) as other,
        running_server("--host", "0.0.0.0", "--insecure", config=writer + IMPATIENT) as server,
        other.started(sys.executable, "-c", LOOKS_ON, other.here, str(server.port)) as looking,
    ):
        assert looking.stdout is not None and b"200" in looking.stdout.readline()
        async with httpx.AsyncClient(base_url=server.url) as client:
            assert await streams(client) == 1
            other.cut()
            await until(partial(one_is_cut_off, client, 0), 4.0)
            looking.kill()


@pytest.mark.fault
async def test_a_slow_viewer_is_not_taken_for_one_that_stalls(fast_first: str) -> None:
    """It takes some bytes now and then, for twice as long as one that takes none would be borne with."""
    async with (
        # More patient than this process may stand still: then it takes nothing indeed.
        running_server(config=fast_first + IMPATIENT.replace("= 2", "= 5")) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        viewer = await stalled(server, client)
        began = time.monotonic()
        viewer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        while time.monotonic() - began < 10.0:
            assert await asyncio.wait_for(viewer.reader.read(16_384), DEADLINE)
            await asyncio.sleep(0.25)
        assert await streams(client) == 1
        viewer.drop()
