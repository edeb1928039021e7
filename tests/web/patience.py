"""Limits of time that hold on a machine which stands still now and then: they count only while all concerned go on."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.serving import Server
from tests.web.wire import DEADLINE, asking

LOOK = 0.2
"""Seconds that one look may take at most; of a longer one no more is counted, for somebody stood still in it."""


class Patience:
    """So many seconds, spent from look to look: each look is an answer of the server that is looked at."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self._looked = time.monotonic()

    def spend(self) -> bool:
        """Take away what has passed since the last look; tell whether anything is left."""
        now = time.monotonic()
        self.left -= min(now - self._looked, LOOK)
        self._looked = now
        return self.left > 0


class Awake:
    """A clock that stands still while this process does, or who is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    async def run(self, port: int, request: bytes) -> None:
        """Ask again and again, and count the time."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.05)
            # A connection that breaks off is an answer, too.
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(request)
                    async with asyncio.timeout(DEADLINE):  # (`wait_for` of Python 3.11 may lose a cancellation.)
                        await reader.read()
                finally:
                    writer.transport.abort()
            now = time.monotonic()
            self.now += min(now - last, LOOK)
            last = now


@asynccontextmanager
async def awake(port: int, path: str = "/healthz") -> AsyncIterator[Awake]:
    """Have a clock that goes while the server at a port answers, and all that is between."""
    clock = Awake()
    running = asyncio.create_task(clock.run(port, asking(path)))
    try:
        yield clock
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def _waited(pid: int) -> float:
    """Return the seconds that a process had to wait for its turn on a CPU; 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    return 0.0


async def ended(server: Server) -> tuple[int, float]:
    """Ask a server to end; return its exit code, and how long that took, not counting when it had no turn."""
    pid, took = server.pid, 0.0
    last, waited = time.monotonic(), _waited(pid)
    server.send(signal.SIGTERM)
    ends = last + DEADLINE
    while server.process.poll() is None:
        assert time.monotonic() < ends, f"it does not end:\n{server.log()}"
        await asyncio.sleep(0.02)
        now, more = time.monotonic(), max(_waited(pid), waited)
        took += max(min(now - last, LOOK) - (more - waited), 0.0)
        last, waited = now, more
    return await asyncio.to_thread(server.wait), took
