"""A small real proxy between a page and its server, that can fail as proxies do."""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

EVENTS = "/api/v1/events"
PIECE = 2048
"""Bytes of a narrow stream that are on their way at once."""


@dataclass(frozen=True)
class Seen:
    """One request: when it came (`time.monotonic()`), its path, and how it was answered (0: passed on)."""

    at: float
    path: str
    query: dict[str, list[str]]
    status: int


class Proxy:
    """Passes on one request a connection, until told otherwise."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.url = ""
        self.answer: int | None = None
        """A status that is answered to everything, instead of passing it on."""
        self.narrow = False
        """Whether streams opened from now on go through small buffers, so that `rate` is felt at once."""
        self.rate: float | None = None
        """Bytes a second that a narrow stream is passed on with; None: as they come."""
        self.delay = 0.0
        """Seconds by which all that comes over a stream is late."""
        self.seen: list[Seen] = []

    @property
    def streams(self) -> list[Seen]:
        """Requests for the event stream; not those for a piece of the log."""
        return [seen for seen in self.seen if seen.path == EVENTS and "wait" not in seen.query]

    def cut(self) -> None:
        """Break all connections off."""
        for writer in list(self._open):
            writer.transport.abort()

    def hold(self) -> None:
        """Keep every byte of the server back; connections stay."""
        self._flowing.clear()

    def release(self) -> None:
        """Let bytes through again, those kept back too."""
        self._flowing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self._open.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._pass_on(reader, writer)
        self._open.discard(writer)
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        target = urlsplit(head.split(b" ", 2)[1].decode())
        status = self.answer or 0
        self.seen.append(Seen(time.monotonic(), target.path, parse_qs(target.query), status))
        if status:
            writer.write(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
            await writer.drain()
            return
        narrow = self.narrow and target.path == EVENTS
        answer, request = await self._connect(narrow)
        self._open.add(request)
        try:
            request.write(re.sub(rb"(?im)^connection:.*\r\n", b"", head)[:-2] + b"Connection: close\r\n\r\n")
            gone = asyncio.ensure_future(reader.read())
            try:
                await self._pump(answer, writer, gone, target.path == EVENTS, PIECE if narrow else 65536)
            finally:
                gone.cancel()
        finally:
            self._open.discard(request)
            request.close()

    async def _connect(self, narrow: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not narrow:
            return await asyncio.open_connection("127.0.0.1", self._target)
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self._target))
        return await asyncio.open_connection(sock=connection, limit=PIECE)

    async def _pump(
        self,
        answer: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        gone: asyncio.Future[bytes],
        stream: bool,
        size: int,
    ) -> None:
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            piece = asyncio.ensure_future(answer.read(size))
            await asyncio.wait({piece, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not piece.done():
                piece.cancel()
                return
            if not piece.result():
                return
            await self._flowing.wait()
            if stream and (self.delay or due > loop.time()):
                # No piece overtakes another when the delay is made shorter.
                due = max(loop.time() + self.delay, math.nextafter(due, math.inf))
                loop.call_at(due, writer.write, piece.result())
                continue
            writer.write(piece.result())
            await writer.drain()
            if self.rate is not None and size == PIECE:
                await asyncio.sleep(len(piece.result()) / self.rate)


@asynccontextmanager
async def proxying(port: int) -> AsyncIterator[Proxy]:
    """Run a proxy before the server on this port of loopback."""
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        proxy.release()
        proxy.cut()
        await server.wait_closed()
