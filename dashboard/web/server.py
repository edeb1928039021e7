"""Hypercorn, started from our own process, so that a shutdown can end the streams first."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
import weakref
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
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with running(settings, boards, path) as runtime:
        connections = _register_connections()

        async def until_stopped() -> None:
            await stop.wait()
            runtime.end_streams()
            # From Python 3.12 on a server that closes waits for every connection, also for one that takes no bytes.
            loop.call_later(GRACE, _abort, connections)

        app = create_app(runtime)
        _tune_garbage_collector()
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"dashboard {__version__}: listening on http://{shown}:{port}{settings.root_path}", flush=True)
        await hypercorn_serve(app, _config(listener), shutdown_trigger=until_stopped)


def _config(listener: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.backlog = 2048
    config.include_server_header = False
    config.graceful_timeout = GRACE
    config.keep_alive_max_requests = 10**9  # past this many it would close connections that have a stream open
    config.h11_max_incomplete_size = 64 * 1024
    config.errorlog = logging.getLogger("hypercorn.error")
    config.alpn_protocols = ["http/1.1"]
    return config


def _register_connections() -> weakref.WeakSet[TCPServer]:
    """Make Hypercorn keep account of its connections, for they outlive a closing server."""
    connections: weakref.WeakSet[TCPServer] = weakref.WeakSet()

    class Connection(TCPServer):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            connections.add(self)

    hypercorn.asyncio.run.TCPServer = Connection  # type: ignore[attr-defined,assignment]
    return connections


def _abort(connections: weakref.WeakSet[TCPServer]) -> None:
    for connection in list(connections):
        with contextlib.suppress(AttributeError):
            connection.writer.transport.abort()


def _tune_garbage_collector() -> None:
    # The default thresholds walk every live object ever so often, which costs more than a write to a viewer does.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
