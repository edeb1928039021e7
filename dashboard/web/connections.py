"""Sockets: the one that listens, and every connection that it gave."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import gc
import logging
import math
import resource
import socket
import ssl
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from dashboard.config import Settings
from dashboard.errors import ConfigError, PortTaken
from dashboard.tally import Tally
from dashboard.web.shape import H11Protocol, RawData, TCPServer, lacking, replace
from dashboard.web.stalls import StallWatch

if TYPE_CHECKING:
    from hypercorn.events import Event

log = logging.getLogger("dashboard")

MAX_RECV = 64 * 1024
"""Bytes that are read of a connection before Hypercorn reads on."""

MOST_FILES = 65_536
"""Open files that are asked of the system at most."""

CROWD = 16
"""Connections that have ended after which their memory is worth giving back."""

TIDY_AFTER = 0.5
"""Seconds from then until it is."""

TIDIED_AT_ONCE = 1.0
"""Seconds of work that this may take, all in all, before there have to be pauses for it."""

FEW = 1000
"""Connections at most beside which a full collection of garbage takes no time that is felt."""

RESERVE = 48
"""Open files that connections leave to collectors, to the data folder and to the program itself."""

SCOPE_KEY = "dashboard.connection"
"""Where a request's ASGI `scope["state"]` names the connection that it came by."""

BATCH = 8
"""Connections that are accepted in one turn of the event loop.

The rest of a crowd waits in the kernel: who is served already is not kept waiting, and what requests need while they
are answered is needed for so many at a time, not for all.
"""

WAITING = 2048
"""Connections that the kernel keeps until they are accepted, where the system lets it."""

_OUT_OF_REACH = (errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH)
_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
_UNSENT = 16 * 1024  # bytes that the kernel takes ahead of what is on the wire, so that "the newest" is new


class Listener(socket.socket):
    """A socket whose queue in the kernel stays long; the event loop would make it as short as its batches."""

    def listen(self, backlog: int = WAITING, /) -> None:
        """Listen, with a queue of `WAITING`."""
        super().listen(WAITING)


def listen(settings: Settings) -> Listener:
    """Return a listening socket, whose options every connection inherits; raise ConfigError naming the setting."""
    host = settings.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ConfigError(f"host: {settings.host} cannot be resolved ({error.strerror})") from error
    family, _, _, _, address = found[0]
    # By its protocol asyncio knows that it must not wait with small writes until the last one is acknowledged.
    listener = Listener(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for name, value in (("TCP_USER_TIMEOUT", _user_timeout(settings)), ("TCP_NOTSENT_LOWAT", _UNSENT)):
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        elif sys.platform == "linux" and name == "TCP_NOTSENT_LOWAT":
            listener.setsockopt(socket.IPPROTO_TCP, 25, value)
    try:
        listener.bind(address)
        listener.listen()  # now, for the line that names the address is printed before Hypercorn has it
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise ConfigError(f"host: {settings.host} is no address of this machine") from error
        where, remedy = (
            f"port {settings.port} on {settings.host}",
            "choose another by the setting port, DASHBOARD_PORT or --port",
        )
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"{where} is taken by another program; {remedy}") from error
        raise ConfigError(f"{where} cannot be had: {error.strerror}; {remedy}") from error
    listener.setblocking(False)
    return listener


def _user_timeout(settings: Settings) -> int:
    """Return milliseconds after which the kernel drops a peer that takes no bytes, though it may acknowledge.

    They count from the first byte that is not taken, and one that vanished is sent a byte by the next heartbeat.
    """
    return int(1000 * max(settings.stall_timeout - settings.heartbeat_interval, settings.stall_timeout / 2))


class Connection(TCPServer):
    """One of Hypercorn's connections, counted; it may be given away instead of being answered on."""

    def __init__(self, connections: Connections, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.connections = connections
        self.taken = False
        self._begun = b""
        self.state = {**self.state, SCOPE_KEY: self}

    async def run(self) -> None:
        """Serve requests until the connection ends, or is taken over."""
        transport = self.writer.transport
        if not self.connections.enter(transport):
            transport.abort()
            return
        try:
            opening = self.connections.opening
            if opening is not None:
                gone = not await self._begin() or transport.is_closing()
                if gone or opening(self, self._begun):
                    if not self.taken:  # nothing was asked, or by someone who is gone already
                        with contextlib.suppress(OSError):
                            await self._close()
                    return
            await super().run()
        finally:
            # Without these circles of references it is freed at once, not at some time.
            self.protocol = cast(Any, _Ended())
            vars(self).pop("_task_group", None)
            self.state = {}
            if not self.taken:
                self.connections.leave(transport, self.reader.exception())

    async def _begin(self) -> bool:
        """Wait for the first bytes, as long as for those of any request; tell whether there are any."""
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(self.config.keep_alive_timeout) as patience:
                self.connections.waiting.add(patience)
                try:
                    self._begun = await self.reader.read(MAX_RECV)
                finally:
                    self.connections.waiting.discard(patience)
        return bool(self._begun)

    async def _read_data(self) -> None:
        if self._begun:
            data, self._begun = self._begun, b""
            await self.protocol.handle(RawData(data))
        await super()._read_data()

    def take_over(self, protocol: asyncio.Protocol) -> bool:
        """Give the transport to `protocol`, who is to call `connections.leave` when it is lost; False: it is.

        What served the connection until now ends as if the peer had gone: its tasks, buffers and contexts are freed.
        `protocol` is told to pause whenever the transport holds a byte back.
        """
        transport = cast(asyncio.Transport, self.writer.transport)
        if transport.is_closing() or self.reader.at_eof():
            return False
        self.taken = True
        transport.set_protocol(protocol)
        # Plain ones tell from the first byte above their limit on, those of TLS from the first byte at it.
        transport.set_write_buffer_limits(0 if transport.get_extra_info("ssl_object") is None else 1, 0)
        transport.resume_reading()
        self.reader.feed_eof()
        return True

    async def protocol_send(self, event: Event) -> None:
        """Write for whom the connection still is."""
        if self.taken:
            return
        if isinstance(event, RawData) and not self.send_lock.locked():
            transport = self.writer.transport
            if not transport.get_write_buffer_size() and not transport.is_closing():
                with contextlib.suppress(ConnectionError, RuntimeError):  # which Hypercorn meets, and closes
                    self.writer.write(event.data)
                    if not transport.get_write_buffer_size() and not transport.is_closing():
                        return  # all is on its way: there is nothing to take turns or to wait for
                event = RawData(b"")
        await super().protocol_send(event)

    def abort(self) -> None:
        """Cut it off."""
        self.writer.transport.abort()

    @property
    def gone(self) -> bool:
        """Whether nobody is there any more."""
        return self.writer.transport.is_closing()

    def held_up(self, since: float) -> None:
        """Watch it from now on: it has taken nothing `since` a time of the event loop."""
        self.connections.stalls.judge(self.writer.transport, since)

    async def _close(self) -> None:
        if self.taken:
            await self.idle_task.stop()
            return
        # A peer that breaks TLS off in its own way has gone all the same.
        with contextlib.suppress(ssl.SSLError):
            await super()._close()


class Http1(H11Protocol):
    """Hypercorn's HTTP/1.1, which stays that, whatever a client offers or begins with.

    Hypercorn takes HTTP/2 without TLS from whoever speaks it, and buffers without a bound for one that does not read;
    faulty offers of HTTP/2 or of a websocket make it raise.
    """

    async def _check_protocol(self, event: Any) -> None:
        """Change to nothing: an offer may be passed over (RFC 9110, 7.8)."""

    async def _create_stream(self, request: Any) -> None:
        """Take every request for one of HTTP; the view of who asks for a websocket still sees `Upgrade`."""
        if any(name == b"upgrade" for name, _ in request.headers):
            headers = [pair for pair in request.headers if pair[0] != b"connection"]
            request = type(request)(
                method=request.method, target=request.target, headers=headers, http_version=request.http_version
            )
        await super()._create_stream(request)


class _Ended:
    """Stands where a connection's protocol was, for the task of a request may outlive it for a moment."""

    async def handle(self, event: Event) -> None:
        """Do nothing."""


Opening = Callable[[Connection, bytes], bool]
"""What is shown the first bytes of a connection, before the server is; it tells whether it took the connection."""


class Connections:
    """Every open connection: a shutdown cuts those that do not end, and a flood cannot take all descriptors."""

    def __init__(self, tally: Tally, patience: float) -> None:
        """`patience`: seconds after which one that takes no bytes is cut off."""
        self._tally = tally
        self.stalls = StallWatch(tally, patience)
        self.opening: Opening | None = None
        self.waiting: set[asyncio.Timeout] = set()
        """How long each connection may wait that has not sent anything yet."""
        self._open: set[asyncio.WriteTransport] = set()
        files = _most_files()
        # Some batches are accepted before the first connection of them can be refused.
        self.batch = min(BATCH, max(files // 16, 1))
        self._most = max(files - RESERVE - 5 * self.batch, 8)
        self._told = -math.inf
        self._left = 0
        self._spent, self._tidied = 0.0, 0.0
        self._tidying: asyncio.TimerHandle | None = None

    def register(self, opening: Opening | None = None) -> None:
        """Make Hypercorn keep its connections here; `opening` may take one by the first bytes that came on it."""
        if reason := lacking():
            log.warning("streams are written the portable way, and connections are not counted: %s", reason)
            return
        self.opening = opening
        replace(partial(Connection, self), Http1)

    def enter(self, connection: asyncio.WriteTransport) -> bool:
        """Count a connection; False when there are too many already."""
        if len(self._open) < self._most:
            self._open.add(connection)
            return True
        now = time.monotonic()
        if now - self._told > 60:
            self._told = now
            log.warning(
                "%d connections are open, more are refused; raise the limit of open files (ulimit -n)", self._most
            )
        return False

    def leave(self, connection: asyncio.WriteTransport, error: BaseException | None = None) -> None:
        """Forget a connection, that was lost by `error` if there was one."""
        self._open.discard(connection)
        self.stalls.forget(connection)
        if isinstance(error, OSError) and error.errno in _OUT_OF_REACH:
            self._tally.stalled += 1  # the kernel was the first to lose patience
        self._left += 1
        if self._left >= CROWD and self._tidying is None:
            self._tidy_later(TIDY_AFTER)

    def _tidy_later(self, seconds: float, *, rest: bool = False) -> None:
        self._tidying = asyncio.get_running_loop().call_later(seconds, self._tidy, rest)

    def _tidy(self, rest: bool) -> None:
        """Give the memory of a crowd that has left back to the system; once more for the `rest`, that ended later."""
        self._left, self._tidying = 0, None
        began, used = time.monotonic(), time.thread_time()
        # With many still open the search for circles would be felt, and memory is in use anyway.
        if len(self._open) <= FEW:
            gc.collect()
        trim_memory()
        # However many come and go, this is in the long run no more than a fiftieth of what a core does.
        self._spent = max(self._spent - (began - self._tidied) / 50, 0.0) + time.thread_time() - used
        self._tidied = began
        pause = max(TIDY_AFTER, 50 * (self._spent - TIDIED_AT_ONCE))
        if not rest:
            self._tidy_later(pause, rest=True)
        elif pause > TIDY_AFTER:
            self._tidying = asyncio.get_running_loop().call_later(pause, self._rested)

    def _rested(self) -> None:
        self._tidying = None
        if self._left >= CROWD:
            self._tidy(rest=False)

    def dismiss(self) -> None:
        """Close those on which nothing was ever asked, as the server does with those on which nothing is."""
        for patience in self.waiting:
            patience.reschedule(0)

    def abort(self) -> None:
        """Cut every connection that is still there."""
        for connection in list(self._open):
            with contextlib.suppress(
                AttributeError
            ):  # of one that has just ended by itself, which asyncio does not expect
                connection.abort()


def trim_memory() -> None:
    """Hand free pages back to the system, where its allocator can (glibc)."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def share_memory() -> None:
    """Have all threads allocate from one heap, where the allocator would give each its own (glibc).

    They take turns anyway, and what one gives back is then of use to all. To be called before there are others.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def _most_files() -> int:
    """Raise the limit of open files as far as this process may; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, MOST_FILES) if hard != resource.RLIM_INFINITY else MOST_FILES
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
