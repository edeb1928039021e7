"""The floor of Python: an asyncio protocol without any HTTP library, and one loop that writes to all transports.

`python -m bench.peers.bare_asyncio PORT FEED` serves.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import replay
from bench.peer import Peer, Serving, free_port, listening
from bench.server import ROOT, started, until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Viewer(asyncio.Protocol):
    """One connection, which asks for the only thing there is."""

    def __init__(self, viewers: set[asyncio.Transport]) -> None:
        self.viewers = viewers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer the request, which comes in one piece."""
        self.transport.write(HEAD)
        self.viewers.add(self.transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        self.viewers.discard(self.transport)


async def serve(port: int, feed: str) -> None:
    """Send each write of the feed to every viewer when it is due."""
    viewers: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Viewer(viewers), "127.0.0.1", port, backlog=2048)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    async with server:
        for due, frames in replay.writes(feed):
            await asyncio.sleep(replay.left(due))
            body = "".join(frames).encode()
            chunk = b"%x\r\n%b\r\n" % (len(body), body)
            for transport in list(viewers):
                transport.write(chunk)


@contextmanager
def _serving(folder: Path, core: int, feed: Path) -> Iterator[Serving]:
    port, log = free_port(), folder / "bare.log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with started([sys.executable, "-m", __name__, str(port), str(feed)], log, environment, core) as process:
        until(lambda: listening(port), process, log)
        yield Serving(process.pid, f"http://127.0.0.1:{port}/events")


PEER = Peer("bare asyncio", lambda: None, _serving)

if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
