"""The server as a process: what it does when the system gives it too little."""

from __future__ import annotations

import asyncio
import select
import signal
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from dashboard.config import Settings
from dashboard.tally import Tally
from dashboard.web import connections
from dashboard.web.connections import Connections, listen
from tests.serving import running_server
from tests.test_raster import resident
from tests.web.conftest import until_all_are_in


def limited_python(folder: Path, files: int) -> Path:
    """Return a command that is this Python with so many open files at most."""
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nulimit -n {files}\nexec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    return script


def until_answered(url: str, timeout: float = 20) -> Any:
    """Ask until there is an answer: connections that just closed are counted for a moment more."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return httpx.get(url).json()
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise


def test_a_flood_of_connections_takes_no_files_from_collectors_and_is_told_once(tmp_path: Path) -> None:
    with running_server(python=limited_python(tmp_path, 100)) as server:
        httpx.get(f"{server.url}/healthz")
        with ExitStack() as stack:
            flood = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(60)]
            server.wait_for_log("connections are open, more are refused; raise the limit of open files")
            refused: set[socket.socket] = set()
            while len(refused) < 30:  # a refused one has its end to read, an accepted one has nothing
                refused |= set(select.select([one for one in flood if one not in refused], [], [], 10)[0])
        states = until_answered(f"{server.url}/api/v1/status")["collectors"]
        # One may be late, or too late, on a machine that stands still; none fails by what it was refused.
        failed = [state for state in states if state["state"] not in ("ok", "waiting", "late")]
        assert [state for state in failed if "did not return within" not in state["error"]] == []
        assert server.log().count("more are refused") == 1 and "Too many open files" not in server.log()


@pytest.mark.long
@pytest.mark.timeout(300)
def test_requests_leave_the_memory_as_it_was() -> None:
    """Of tens of thousands no more garbage is there at any time than of the first few."""
    with running_server() as server, httpx.Client(base_url=server.url) as client:
        until_all_are_in(server)
        for _ in range(3_000):
            client.get("/healthz")
        before = resident(server.pid)
        for _ in range(20_000):
            client.get("/healthz")
        assert resident(server.pid) - before < 4_000_000


def test_a_data_folder_that_takes_no_writes_costs_one_line(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("in the way")
    with running_server("--data-dir", nowhere / "data") as server:
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        server.wait_for_log("cannot be written")
    assert server.log().count("cannot be written") == 1


@pytest.mark.fault
def test_whoever_asks_for_the_end_again_and_again_changes_nothing() -> None:
    asked = 0
    while asked <= 100:  # fewer when this process had no turn until the server had ended
        with running_server() as server:
            asked = 0
            while server.process.poll() is None:
                server.send(signal.SIGTERM if asked % 2 else signal.SIGINT)
                asked += 1
            assert server.wait() == 0, f"exit code {server.process.returncode}:\n{server.log()}"


def test_a_line_that_cannot_be_printed_does_not_end_the_server(tmp_path: Path) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@" >/dev/full\n')
    script.chmod(0o755)
    with running_server(python=script) as server:
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert server.terminate() == 0
    assert "stdout cannot be written: No space left on device" in server.log()


async def test_small_writes_are_not_kept_back_until_the_last_one_is_acknowledged() -> None:
    """Nagle's algorithm is off on every connection, which asyncio sees to only for a listener that names TCP."""
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        given = writer.get_extra_info("socket")
        accepted.set_result(given.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = listen(Settings(port=0))
    async with await asyncio.start_server(take, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted == 1
        writer.close()
        await writer.wait_closed()


async def test_however_many_come_and_go_giving_memory_back_is_little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that pushes by a connection for each sample must not have everyone wait for searches of the memory."""
    spent: list[float] = []

    def collect() -> None:
        began = time.thread_time()
        while time.thread_time() < began + 0.004:
            pass
        spent.append(0.004)

    monkeypatch.setattr(connections, "TIDY_AFTER", 0.01)
    monkeypatch.setattr(connections, "TIDIED_AT_ONCE", 0.0)
    monkeypatch.setattr(connections.gc, "collect", collect)
    monkeypatch.setattr(connections, "trim_memory", lambda: None)
    kept, began = Connections(Tally(), 30.0), time.monotonic()
    one = cast(asyncio.WriteTransport, object())
    while time.monotonic() < began + 2 or not spent:
        kept.leave(one)
        await asyncio.sleep(0.001)
    assert sum(spent) < 0.1 * (time.monotonic() - began)
