"""Writes to all streams in one loop over their sockets: what a viewer costs is little more than the system call.

A stream begins as any answer does, with a view. When that has answered, the connection is taken from the server, whose
tasks and buffers for it are then freed, and what remains of a viewer is its cursor and its socket.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate

from hypercorn.typing import ASGISendCallable, HTTPScope
from quart import Response
from quart.typing import ResponseTypes

from dashboard.broadcaster import PIECE, Cursor
from dashboard.filters import Filter
from dashboard.runtime import Runtime
from dashboard.tally import Viewer
from dashboard.web.connections import SCOPE_KEY, Connection
from dashboard.web.crowd import Crowd
from dashboard.web.portable_writer import PortableWriter
from dashboard.web.shape import ASGIHTTPConnection
from dashboard.web.socket_stream import LAST_CHUNK, SocketStream, chunk

log = logging.getLogger("dashboard.web")

SLICE = 2000
"""Streams that are written to before everything else on the event loop has its turn."""


class FastWriter:
    """A Writer that takes the connections over; those that it cannot take are written by the portable one."""

    def __init__(self, runtime: Runtime) -> None:
        self._broadcaster, self._tally = runtime.broadcaster, runtime.tally
        self._portable = PortableWriter(runtime)
        self._streams: set[SocketStream] = set()
        self._loose: set[SocketStream] = set()
        self._crowds: dict[tuple[Filter, str], Crowd] = {}
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
        chunked = scope["http_version"] == "1.1"
        head = head_of(response.headers.items()) + closing_lines(chunked=chunked)
        self.open(connection, response.cursor, response.viewer, head, chunked=chunked)
        return True

    def open(self, connection: Connection, cursor: Cursor, viewer: Viewer, head: bytes, *, chunked: bool) -> None:
        """Take a connection, if it is still there, and write `head` to it and then all that its cursor reads."""
        stream = SocketStream(self, connection, cursor, viewer, chunked)
        if connection.take_over(stream):
            self._tally.enter(viewer)
            cursor.__enter__()
            self._streams.add(stream)
            self._loose.add(stream)
            self.write(stream, head)

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
            asyncio.get_running_loop().call_soon(self._go_on, self._round())

    def _go_on(self, round: Iterator[None]) -> None:
        """Write to the next streams of a round, and see to it that those behind them have their turn."""
        if next(round, self) is None:
            asyncio.get_running_loop().call_soon(self._go_on, round)
        elif self._again:
            asyncio.get_running_loop().call_soon(self._go_on, self._round())
        else:
            self._writing = False

    def _round(self) -> Iterator[None]:
        """Write to all streams what is new to them; whoever looks at each yield has everything else in turn."""
        self._again = False
        for key, crowd in list(self._crowds.items()):
            if not crowd.tidy():
                del self._crowds[key]
            elif crowd.lead.alone:
                self._loose.update(crowd.dissolve())
            else:
                yield from self._give(crowd)
        for count, stream in enumerate(list(self._loose), 1):
            if stream.blocked:
                stream.late = True
            elif self._attempt(stream, self.write, stream):
                self._join(stream)
            if count % SLICE == 0:
                yield

    def _give(self, crowd: Crowd) -> Iterator[None]:
        """Write to a crowd what its lead reads."""
        try:
            new = crowd.lead.read()
        except Exception:
            log.exception("what streams that go together are to be sent cannot be read; each goes on by itself")
            self._loose.update(crowd.dissolve())
            return
        if not new:
            return
        self._again |= len(new) >= PIECE
        frame, places = chunk(new), crowd.tidy()
        try:
            for begin in range(0, places, SLICE):
                for stream, taken in crowd.give(frame, begin, begin + SLICE):
                    self._attempt(stream, stream.hold, frame[taken:])
                yield
        except Exception:
            log.exception("streams that go together could not be written to and are cut off")
            # Who was sent it is not known. They come back, and tell it by their Last-Event-ID.
            for stream in crowd.dissolve():
                stream.transport.abort()
        self._tally.bytes_sent += len(new) * crowd.size

    def _join(self, stream: SocketStream) -> None:
        """Have a stream go with those that stand where it does."""
        cursor = stream.cursor
        if stream.blocked or not stream.chunked or cursor.alone:
            return
        crowd = self._crowds.get((cursor.filter, cursor.to))
        if crowd is None:
            crowd = self._crowds[cursor.filter, cursor.to] = Crowd(cursor.lead())
        if crowd.admit(stream):
            self._loose.discard(stream)

    def _part(self, stream: SocketStream) -> None:
        """Have a stream go on by itself, if it goes with others."""
        if stream.place is not None:
            self._crowds[stream.cursor.filter, stream.cursor.to].dismiss(stream)
            self._loose.add(stream)

    def _attempt(self, stream: SocketStream, work: Callable[..., None], *arguments: object) -> bool:
        """Do something for one stream, which ends alone when that fails; tell whether it went well."""
        try:
            work(*arguments)
        except Exception:
            log.exception("a stream could not be written to and is cut off")
            stream.transport.abort()
            return False
        return True

    def blocked(self, stream: SocketStream) -> None:
        """Leave a stream out that holds bytes back."""
        self._part(stream)

    def unblocked(self, stream: SocketStream) -> None:
        """Go on with a stream that has taken its bytes."""
        asyncio.get_running_loop().call_soon(self._go_on_with, stream)

    def _go_on_with(self, stream: SocketStream) -> None:
        # A round that was under way may have had it join others meanwhile: it is written to with them, and not twice.
        if stream.place is None:
            self.write(stream)

    def lost(self, stream: SocketStream) -> None:
        """Forget a stream."""
        self._part(stream)
        self._loose.discard(stream)
        stream.cursor.__exit__(None, None, None)
        self._tally.leave(stream.viewer)
        self._streams.discard(stream)
        if not self._streams:
            self._empty.set()


class _Handed(Response):
    """An answer whose connection is to be taken over; its body is what the portable writer makes of it."""

    def __init__(self, writer: FastWriter, cursor: Cursor, viewer: Viewer, portable: PortableWriter) -> None:
        super().__init__(portable.written(cursor, viewer))
        self.writer, self.cursor, self.viewer = writer, cursor, viewer


def head_of(headers: Iterable[tuple[str, str]]) -> bytes:
    """Return the beginning of an answer, as the server would have written it."""
    return "\r\n".join(("HTTP/1.1 200 ", *(f"{name.lower()}: {value}" for name, value in headers), "")).encode(
        "latin-1"
    )


def closing_lines(*, chunked: bool) -> bytes:
    """Return the lines that end the head of an answer: of what differs from one answer to the next."""
    body = "transfer-encoding: chunked" if chunked else "connection: close"
    return f"date: {formatdate(usegmt=True)}\r\n{body}\r\n\r\n".encode("latin-1")


class HandingOver(ASGIHTTPConnection):
    """Quart's way to answer a request, which leaves streams to the fast writer."""

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        if isinstance(response, _Handed) and response.writer.begin(self.scope, response):
            return
        await super()._send_response(send, response)
