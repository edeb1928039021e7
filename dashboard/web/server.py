"""Hypercorn, started from our own process, so that a shutdown can end the streams first."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import math
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hypercorn.asyncio.run
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config

from dashboard import __version__
from dashboard.boards import Board
from dashboard.config import Settings
from dashboard.errors import ConfigError
from dashboard.runtime import running
from dashboard.web.app import create_app

log = logging.getLogger("dashboard")

GRACE = 1.0
"""Seconds that viewers have to take their last bytes at a shutdown."""

LONGEST_END = 8.0
"""Seconds after which a shutdown that does not end is cut short."""

MOST_FILES = 65_536
"""Open files that are asked of the system at most."""

RESERVE = 48
"""Open files that connections leave to collectors, to the data folder and to the program itself."""

_STALLED = (
    25_000  # milliseconds after which the kernel drops a peer that takes no bytes, though it may still acknowledge
)
_UNSENT = 16 * 1024  # bytes that the kernel takes ahead of what is on the wire, so that "the newest" is new
_OPTIONS = (("TCP_USER_TIMEOUT", _STALLED), ("TCP_NOTSENT_LOWAT", _UNSENT))


def serve(settings: Settings, boards: Sequence[Board], path: Path | None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code. Raises ConfigError when the address cannot be had."""
    listener = listen(settings)
    asyncio.run(_serve(settings, boards, path, listener))
    return 0


def listen(settings: Settings) -> socket.socket:
    """Return a listening socket, whose options every connection inherits; raise ConfigError naming the setting."""
    host = settings.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ConfigError(f"host: {settings.host!r} is no address of this machine ({error.strerror})") from error
    family, _, _, _, address = found[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for name, value in _OPTIONS:
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        elif sys.platform == "linux" and name == "TCP_NOTSENT_LOWAT":
            listener.setsockopt(socket.IPPROTO_TCP, 25, value)
    try:
        listener.bind(address)
        listener.listen(2048)  # now, for the line that names the address is printed before Hypercorn has it
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "is taken by another program" if taken else f"cannot be had: {error.strerror}"
        remedy = "choose another by the setting port, DASHBOARD_PORT or --port"
        raise ConfigError(f"port {settings.port} on {settings.host} {reason}; {remedy}") from error
    listener.setblocking(False)
    return listener


async def _serve(settings: Settings, boards: Sequence[Board], path: Path | None, listener: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(Faults())
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with running(settings, boards, path) as runtime:
        connections = Connections()
        connections.register()

        async def until_stopped() -> None:
            await stop.wait()
            runtime.end_streams()
            # From Python 3.12 on a server that closes waits for every connection, also for one that takes no bytes.
            loop.call_later(GRACE, connections.abort)
            threading.Thread(target=_end_anyway, name="last-guard", daemon=True).start()

        app = create_app(runtime)
        _tune_garbage_collector()
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"dashboard {__version__}: listening on http://{shown}:{port}", flush=True)
        await hypercorn_serve(app, _config(listener, connections.backlog), shutdown_trigger=until_stopped)


def _end_anyway() -> None:
    """End the process when its orderly end does not come, as when a thread hangs in a dead disk."""
    time.sleep(LONGEST_END)
    log.error("the shutdown did not end within %.0f s and was cut short", LONGEST_END)
    logging.shutdown()
    os._exit(1)


def _config(listener: socket.socket, backlog: int) -> Config:
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.backlog = backlog
    config.include_server_header = False
    config.graceful_timeout = GRACE
    config.keep_alive_max_requests = 10**9  # past this many it would close connections that have a stream open
    config.h11_max_incomplete_size = 64 * 1024
    config.errorlog = logging.getLogger("hypercorn.error")
    config.alpn_protocols = ["http/1.1"]
    return config


class Connections:
    """Every open connection: a shutdown cuts those that do not end, and a flood cannot take all descriptors."""

    def __init__(self) -> None:
        self._open: set[TCPServer] = set()
        files = _most_files()
        # The event loop accepts a backlog's worth at a time, and some such lots before the first can be refused.
        self.backlog = min(1024, max(files // 16, 1))
        self._most = max(files - RESERVE - 5 * self.backlog, 8)
        self._told = -math.inf

    def register(self) -> None:
        """Make Hypercorn keep its connections here."""
        connections = self

        class Connection(TCPServer):
            async def run(self) -> None:
                if not connections.enter(self):
                    self.writer.transport.abort()
                    return
                try:
                    await super().run()
                finally:
                    connections.leave(self)

            async def _initiate_server_close(self) -> None:
                if "protocol" in vars(self):  # an idle connection may end of itself just as it is being closed
                    await super()._initiate_server_close()

        hypercorn.asyncio.run.TCPServer = Connection  # type: ignore[attr-defined,assignment]

    def enter(self, connection: TCPServer) -> bool:
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

    def leave(self, connection: TCPServer) -> None:
        """Forget a connection, and cut the circle of references without which it is freed at once, not at some time."""
        self._open.discard(connection)
        vars(connection).pop("protocol", None)
        vars(connection).pop("_task_group", None)

    def abort(self) -> None:
        """Cut every connection that is still there."""
        for connection in list(self._open):
            connection.writer.transport.abort()


def _most_files() -> int:
    """Raise the limit of open files as far as this process may; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, MOST_FILES) if hard != resource.RLIM_INFINITY else MOST_FILES
    if soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Faults:
    """Logs what goes wrong in the event loop, the same thing at most once in ten seconds."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, ConnectionError | TimeoutError | asyncio.CancelledError):
            return  # a peer that went away, or was cut by the shutdown; that it did is seen where its stream ends
        what = f"{context['message']}: {error!r}"
        if loop.time() - self._told.get(what, -math.inf) > 10:
            if len(self._told) > 100:
                self._told.clear()
            self._told[what] = loop.time()
            log.error("%s", what, exc_info=error)


def _tune_garbage_collector() -> None:
    # The default thresholds walk every live object ever so often, which costs more than a write to a viewer does.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
