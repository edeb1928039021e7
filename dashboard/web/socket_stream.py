"""One viewer's connection after it was taken from the server that answered the request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from dashboard.broadcaster import Cursor
from dashboard.tally import Viewer
from dashboard.web.connections import Connection

LAST_CHUNK = b"0\r\n\r\n"
"""What ends a body in chunks (RFC 9112, section 7.1)."""


def chunk(data: bytes) -> bytes:
    """Return data as a chunk of an HTTP/1.1 body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _nothing(frame: bytes) -> int:
    """Take none of it: all is left to the transport."""
    return 0


class Keeper(Protocol):
    """Who is told what becomes of a stream."""

    def blocked(self, stream: SocketStream) -> None:
        """Its transport holds bytes back."""
        ...

    def unblocked(self, stream: SocketStream) -> None:
        """Its transport has none left."""
        ...

    def lost(self, stream: SocketStream) -> None:
        """It has ended, whoever ended it."""
        ...


class SocketStream(asyncio.Protocol):
    """A stream that is written to its socket. What the peer sends is not looked at; its end is the stream's.

    `blocked`: nothing may be sent, for the socket did not take all; `late`: it was so when there was something new;
    `closed`: nothing more will be sent. `taker` gives bytes to the socket and returns how many it took; `place` is
    where it stands in its crowd, if it is in one.
    """

    __slots__ = (
        "_connections",
        "_keeper",
        "_kept",
        "blocked",
        "chunked",
        "closed",
        "cursor",
        "late",
        "place",
        "refilling",
        "taker",
        "transport",
        "viewer",
    )

    def __init__(self, keeper: Keeper, connection: Connection, cursor: Cursor, viewer: Viewer, chunked: bool) -> None:
        """`chunked`: in chunks of HTTP/1.1, else as it is, as HTTP/1.0 has it."""
        self._keeper, self._connections = keeper, connection.connections
        self.cursor, self.viewer, self.chunked = cursor, viewer, chunked
        self._kept = connection.writer  # it would close the transport when it is freed
        self.transport = cast(asyncio.Transport, connection.writer.transport)
        secure = self.transport.get_extra_info("ssl_object") is not None
        # asyncio shows a socket that cannot send; what it wraps can, and is spared a look at a file's names and owners
        # that writing to the descriptor costs for every viewer.
        socket = None if secure else getattr(self.transport.get_extra_info("socket"), "_sock", None)
        self.taker: Callable[[bytes], int] = _nothing if socket is None else socket.send
        self.blocked = self.late = self.refilling = self.closed = False
        self.place: int | None = None

    def send(self, frame: bytes) -> None:
        """Write to the socket itself, and by the transport what it does not take at once. Only when not `blocked`."""
        try:
            sent = self.taker(frame)
        except OSError:
            sent = 0  # the transport meets the same, and knows what it means
        if sent < len(frame):
            self.hold(frame[sent:])

    def hold(self, rest: bytes) -> None:
        """Leave to the transport what the socket did not take."""
        if not self.transport.is_closing():  # one of TLS may be for a while, and raises when it is written to
            self.transport.write(rest)

    def end(self, frame: bytes) -> None:
        """Write the last there is, and close when it is taken."""
        self.send(frame)
        self.taker, self.blocked, self.closed = _nothing, True, True
        self.transport.close()

    def pause_writing(self) -> None:
        """The transport holds bytes back."""
        self.blocked = True
        self._connections.stalls.judge(self.transport)
        self._keeper.blocked(self)

    def resume_writing(self) -> None:
        """The transport has none left."""
        self.blocked = self.closed
        if not self.closed:
            self._keeper.unblocked(self)

    def eof_received(self) -> None:
        """The peer has closed, and the transport does after this; not to wait for a peer that takes nothing more."""
        if self.blocked:
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """All is over."""
        self.taker, self.blocked, self.closed = _nothing, True, True
        self._connections.leave(self.transport, error)
        self._keeper.lost(self)
