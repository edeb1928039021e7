"""Writes to all streams in one loop over their sockets: what a viewer costs is little more than the system call.

A stream begins as any answer does. Once its head is out, the connection is taken from the server, whose tasks and
buffers for it are then freed, and what remains of a viewer is its cursor and its socket.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from itertools import islice
from typing import cast

from hypercorn.typing import ASGISendCallable, HTTPScope
from quart import Response
from quart.asgi import ASGIHTTPConnection
from quart.typing import ResponseTypes

from dashboard.broadcaster import PIECE, Cursor
from dashboard.runtime import Runtime
from dashboard.tally import Viewer
from dashboard.web.connections import SCOPE_KEY, Connection
from dashboard.web.portable_writer import PortableWriter

SLICE = 2000
"""Streams that are written to before everything else on the event loop has its turn."""

LAST_CHUNK = b"0\r\n\r\n"
"""What ends a body in chunks (RFC 9112, section 7.1)."""


class FastWriter:
    """A Writer that takes the connections over; those that it cannot take are written by the portable one."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._portable = PortableWriter(runtime)
        self._streams: set[_Stream] = set()
        self._stalling: dict[_Stream, tuple[int, float]] = {}
        self._fetching: dict[_Stream, asyncio.Task[None]] = {}
        self._watch: asyncio.TimerHandle | None = None
        self._round: Iterator[_Stream] | None = None
        self._again = False
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

    async def begin(self, scope: HTTPScope, send: ASGISendCallable, response: _Handed) -> bool:
        """Send the head, then take the connection; False, with nothing sent, when it is not of the known kind."""
        connection = scope.get("state", {}).get(SCOPE_KEY)
        if not isinstance(connection, Connection) or scope["http_version"] not in ("1.0", "1.1"):
            return False
        headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
        stream = _Stream(self, connection, response, chunked=scope["http_version"] == "1.1")
        if connection.take_over(stream):
            stream.enter()
            self._streams.add(stream)
            self.write(stream)
        return True

    def _wake(self) -> None:
        if self._round is not None:
            self._again = True
        else:
            self._round = iter(())
            asyncio.get_running_loop().call_soon(self._begin_round)

    def _begin_round(self) -> None:
        self._again = False
        self._round = iter(list(self._streams))
        self._write_slice(self._round)

    def _write_slice(self, streams: Iterator[_Stream]) -> None:
        """Write to the next streams what is new to them; equal pieces are framed once."""
        chunk = frame = b""
        written = count = 0
        for stream in islice(streams, SLICE):
            count += 1
            if stream.blocked:
                stream.late = True
                continue
            cursor = stream.cursor
            new = b"" if cursor.ended else cursor.read()
            if not new:
                if cursor.needs_disk:
                    self._fetch(stream)
                continue
            if len(new) >= PIECE or cursor.ended or not stream.chunked:
                self.write(stream, new)
                continue
            if new != chunk:
                chunk, frame = new, _chunk(new)
            stream.send(frame)
            written += len(new)
        self._runtime.tally.bytes_sent += written
        if count == SLICE:
            asyncio.get_running_loop().call_soon(self._write_slice, streams)
        elif self._again:
            asyncio.get_running_loop().call_soon(self._begin_round)
        else:
            self._round = None

    def write(self, stream: _Stream, new: bytes = b"") -> None:
        """Write to a stream all there is, as far as its socket takes it; `new` was read already."""
        cursor = stream.cursor
        while not stream.blocked and (new := new or cursor.read(blocked=stream.late)):
            self._runtime.tally.bytes_sent += len(new)
            frame, new = _chunk(new) if stream.chunked else new, b""
            if cursor.ended:
                stream.send(frame + LAST_CHUNK if stream.chunked else frame)
                stream.transport.close()
                return
            stream.send(frame)
        if not stream.blocked:
            stream.late = False
            if cursor.needs_disk:
                self._fetch(stream)

    def _fetch(self, stream: _Stream) -> None:
        """Have the disk read for a stream that is further back than the log, once at a time."""
        if stream not in self._fetching:
            self._fetching[stream] = asyncio.get_running_loop().create_task(self._refill(stream))

    async def _refill(self, stream: _Stream) -> None:
        try:
            await stream.cursor.refill()
        finally:
            del self._fetching[stream]
        if not stream.transport.is_closing():
            self.write(stream)

    def blocked(self, stream: _Stream) -> None:
        """Watch a stream that holds bytes back."""
        loop = asyncio.get_running_loop()
        self._stalling[stream] = (stream.transport.get_write_buffer_size(), loop.time())
        if self._watch is None:
            self._watch = loop.call_later(self._every, self._look)

    def unblocked(self, stream: _Stream) -> None:
        """Go on with a stream that has taken its bytes."""
        self._stalling.pop(stream, None)
        if not stream.transport.is_closing():
            asyncio.get_running_loop().call_soon(self.write, stream)

    def lost(self, stream: _Stream, error: Exception | None) -> None:
        """Forget a stream."""
        if isinstance(error, TimeoutError):  # the kernel was the first to lose patience
            self._runtime.tally.stalled += 1
        self._stalling.pop(stream, None)
        self._streams.discard(stream)
        if not self._streams:
            self._empty.set()

    @property
    def _every(self) -> float:
        return min(self._runtime.settings.stall_timeout / 10, 1.0)

    def _look(self) -> None:
        """Cut off every stream whose peer has taken no byte for too long."""
        loop = asyncio.get_running_loop()
        now, longest = loop.time(), self._runtime.settings.stall_timeout - 2 * self._every
        for stream, (size, since) in list(self._stalling.items()):
            left = stream.transport.get_write_buffer_size()
            if left != size:
                self._stalling[stream] = (left, now)
            elif now - since > longest:
                del self._stalling[stream]
                self._runtime.tally.stalled += 1
                stream.transport.abort()
        self._watch = loop.call_later(self._every, self._look) if self._stalling else None


class _Stream(asyncio.Protocol):
    """One viewer's connection, once it is taken over. What the peer sends is not looked at; its end is the end."""

    __slots__ = ("blocked", "chunked", "connections", "cursor", "fd", "kept", "late", "transport", "viewer", "writer")

    def __init__(self, writer: FastWriter, connection: Connection, response: _Handed, *, chunked: bool) -> None:
        self.writer, self.cursor, self.viewer, self.chunked = writer, response.cursor, response.viewer, chunked
        self.connections = connection.connections
        self.kept = connection.writer  # it would close the transport when it is freed
        self.transport = cast(asyncio.Transport, connection.writer.transport)
        secure = self.transport.get_extra_info("ssl_object") is not None
        self.fd = -1 if secure else self.transport.get_extra_info("socket").fileno()
        self.blocked = self.late = False

    def enter(self) -> None:
        self.writer._runtime.tally.enter(self.viewer)
        self.cursor.__enter__()

    def send(self, frame: bytes) -> None:
        """Write to the socket, by the transport what it does not take at once. Only when not `blocked`."""
        sent = 0
        if self.fd >= 0:
            try:
                sent = os.write(self.fd, frame)
            except OSError:
                sent = 0  # the transport meets the same, and knows what it means
            if sent == len(frame):
                return
        if not self.transport.is_closing():  # one of TLS may be for a while, and raises when it is written to
            self.transport.write(frame[sent:])

    def pause_writing(self) -> None:
        self.blocked = True
        self.writer.blocked(self)

    def resume_writing(self) -> None:
        self.blocked = False
        self.writer.unblocked(self)

    def eof_received(self) -> None:
        if self.blocked:
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.fd, self.blocked = -1, True
        self.cursor.__exit__(None, None, None)
        self.writer._runtime.tally.leave(self.viewer)
        self.connections.leave(self.transport)
        self.writer.lost(self, error)


class _Handed(Response):
    """An answer whose connection is to be taken over; its body is what the portable writer makes of it."""

    def __init__(self, writer: FastWriter, cursor: Cursor, viewer: Viewer, portable: PortableWriter) -> None:
        super().__init__(portable.written(cursor, viewer))
        self.writer, self.cursor, self.viewer = writer, cursor, viewer


class HandingOver(ASGIHTTPConnection):
    """Quart's way to answer a request, which leaves streams to the fast writer."""

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        if isinstance(response, _Handed) and await response.writer.begin(self.scope, send, response):
            return
        await super()._send_response(send, response)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
