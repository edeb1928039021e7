"""Writes to all streams in one loop over their sockets: what a viewer costs is little more than the system call.

A stream begins as any answer does, with a view. When that has answered, the connection is taken from the server, whose
tasks and buffers for it are then freed, and what remains of a viewer is its cursor and its socket.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from email.utils import formatdate
from itertools import islice

from hypercorn.typing import ASGISendCallable, HTTPScope
from quart import Response
from quart.asgi import ASGIHTTPConnection
from quart.typing import ResponseTypes

from dashboard.broadcaster import PIECE, Cursor
from dashboard.broadcaster.cursor import Standing
from dashboard.filters import Filter
from dashboard.runtime import Runtime
from dashboard.tally import Viewer
from dashboard.web.connections import SCOPE_KEY, Connection
from dashboard.web.portable_writer import PortableWriter
from dashboard.web.socket_stream import LAST_CHUNK, SocketStream, chunk

log = logging.getLogger("dashboard.web")

SLICE = 2000
"""Streams that are written to before everything else on the event loop has its turn."""

Step = tuple[Standing, Standing, bytes, int]
"""Where a read began and ended, what it gave in its frame of HTTP, and how many bytes of events that is."""


class FastWriter:
    """A Writer that takes the connections over; those that it cannot take are written by the portable one."""

    def __init__(self, runtime: Runtime) -> None:
        self._broadcaster, self._tally = runtime.broadcaster, runtime.tally
        self._portable = PortableWriter(runtime)
        self._patience = runtime.settings.stall_timeout
        self._streams: set[SocketStream] = set()
        self._order: list[SocketStream] | None = None
        self._stalling: dict[SocketStream, tuple[int, float]] = {}
        self._watch: asyncio.TimerHandle | None = None
        self._refills: set[asyncio.Task[None]] = set()
        self._writing = self._again = False
        self._empty = asyncio.Event()
        runtime.broadcaster.listeners.add(self._wake)

    def response(self, cursor: Cursor, viewer: Viewer) -> Response:
        """Return what writes a cursor out when it is sent."""
        return _Handed(self, cursor, viewer, self._portable)

    async def ended(self) -> None:
        """Return when no stream is left."""
        while self._streams:
            self._empty.clear()
            await self._empty.wait()

    def begin(self, scope: HTTPScope, response: _Handed) -> bool:
        """Take the connection and write to it; False, with nothing done, when it is not of the known kind."""
        connection = scope.get("state", {}).get(SCOPE_KEY)
        if not isinstance(connection, Connection) or scope["http_version"] not in ("1.0", "1.1"):
            return False
        stream = SocketStream(self, connection, response.cursor, response.viewer, scope["http_version"] == "1.1")
        if connection.take_over(stream):
            self._tally.enter(stream.viewer)
            stream.cursor.__enter__()
            self._streams.add(stream)
            self._order = None
            self.write(stream, _head(response, stream.chunked))
        return True

    def write(self, stream: SocketStream, head: bytes = b"") -> None:
        """Write to a stream all there is, as far as its socket takes it, with `head` in front of the first."""
        cursor = stream.cursor
        while not stream.blocked and (new := cursor.read(blocked=stream.late)):
            stream.late = False
            self._tally.bytes_sent += len(new)
            frame, head = head + (chunk(new) if stream.chunked else new), b""
            if cursor.ended:
                stream.end(frame + LAST_CHUNK if stream.chunked else frame)
            else:
                stream.send(frame)
        if cursor.needs_disk and not stream.refilling and not stream.closed:
            stream.refilling = True
            task = asyncio.get_running_loop().create_task(self._refill(stream))
            self._refills.add(task)
            task.add_done_callback(self._refills.discard)

    async def _refill(self, stream: SocketStream) -> None:
        try:
            await stream.cursor.refill()
        finally:
            stream.refilling = False
        self.write(stream)

    def _wake(self) -> None:
        if self._writing:
            self._again = True
        else:
            self._writing = True
            asyncio.get_running_loop().call_soon(self._begin_round)

    def _begin_round(self) -> None:
        self._again = False
        if self._order is None:  # kept between rounds: to touch each stream once more is felt
            self._order = list(self._streams)
        self._write_slice(iter(self._order))

    def _write_slice(self, streams: Iterator[SocketStream]) -> None:
        """Write to the next streams what is new to them, and see to it that those behind them have their turn."""
        more = self._write_some(streams)
        if more:
            asyncio.get_running_loop().call_soon(self._write_slice, streams)
        elif self._again:
            asyncio.get_running_loop().call_soon(self._begin_round)
        else:
            self._writing = False

    def _write_some(self, streams: Iterator[SocketStream]) -> bool:
        """Write to some streams; what one has read need not be read again by those who stood where it did."""
        steps: dict[tuple[Filter, str], Step | None] = {}
        count = written = 0
        for stream in islice(streams, SLICE):
            count += 1
            if stream.blocked:
                stream.late = True
                continue
            cursor = stream.cursor
            step = steps.get((cursor.filter, cursor.to))
            try:
                if step is None or not cursor.follow(step[0], step[1]):
                    step = steps[cursor.filter, cursor.to] = self._step(stream)
                elif step[3]:
                    stream.send(step[2])
            except Exception:
                log.exception("a stream could not be written to and is cut off")
                stream.transport.abort()
                continue
            written += step[3] if step is not None else 0
        self._tally.bytes_sent += written
        return count == SLICE

    def _step(self, stream: SocketStream) -> Step | None:
        """Write what there is to one stream; return how far it went when others may go the same way."""
        cursor = stream.cursor
        begin = cursor.standing() if stream.chunked else None
        if begin is None:
            self.write(stream)
            return None
        new = cursor.read()
        end = cursor.standing()
        frame = chunk(new) if new else b""
        if new:
            stream.send(frame)
        if len(new) >= PIECE or end is None:
            self._tally.bytes_sent += len(new)
            self.write(stream)
            return None
        return begin, end, frame, len(new)

    def blocked(self, stream: SocketStream) -> None:
        """Watch a stream that holds bytes back."""
        loop = asyncio.get_running_loop()
        self._stalling[stream] = (stream.transport.get_write_buffer_size(), loop.time())
        if self._watch is None:
            self._watch = loop.call_later(self._patience / 20, self._look)

    def unblocked(self, stream: SocketStream) -> None:
        """Go on with a stream that has taken its bytes."""
        self._stalling.pop(stream, None)
        asyncio.get_running_loop().call_soon(self.write, stream)

    def lost(self, stream: SocketStream) -> None:
        """Forget a stream."""
        stream.cursor.__exit__(None, None, None)
        self._tally.leave(stream.viewer)
        self._stalling.pop(stream, None)
        self._streams.discard(stream)
        self._order = None
        if not self._streams:
            self._empty.set()

    def _look(self) -> None:
        """Cut off every stream whose peer has taken no byte for too long."""
        loop = asyncio.get_running_loop()
        now, every = loop.time(), self._patience / 20
        for stream, (size, since) in list(self._stalling.items()):
            left = stream.transport.get_write_buffer_size()
            if left != size:
                self._stalling[stream] = (left, now)
            elif now - since > self._patience - 2 * every:
                del self._stalling[stream]
                self._tally.stalled += 1
                stream.transport.abort()
        self._watch = loop.call_later(every, self._look) if self._stalling else None


class _Handed(Response):
    """An answer whose connection is to be taken over; its body is what the portable writer makes of it."""

    def __init__(self, writer: FastWriter, cursor: Cursor, viewer: Viewer, portable: PortableWriter) -> None:
        super().__init__(portable.written(cursor, viewer))
        self.writer, self.cursor, self.viewer = writer, cursor, viewer


def _head(response: Response, chunked: bool) -> bytes:
    """Return the head of an answer, as the server would have written it."""
    lines = [f"{name.lower()}: {value}" for name, value in response.headers.items()]
    lines.append(f"date: {formatdate(usegmt=True)}")
    lines.append("transfer-encoding: chunked" if chunked else "connection: close")
    return "\r\n".join(("HTTP/1.1 200 ", *lines, "\r\n")).encode("latin-1")


class HandingOver(ASGIHTTPConnection):
    """Quart's way to answer a request, which leaves streams to the fast writer."""

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        if isinstance(response, _Handed) and response.writer.begin(self.scope, response):
            return
        await super()._send_response(send, response)
