"""Hypercorn, started from our own process, so that a shutdown can end the streams first."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import os
import signal
import ssl
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config, Sockets

from dashboard import __version__
from dashboard.boards import Board
from dashboard.certificate import Certificate
from dashboard.config import Settings
from dashboard.promptness import PromptSelector
from dashboard.runtime import running
from dashboard.web.app import create_app
from dashboard.web.connections import Connections, Listener, listen, share_memory, trim_memory
from dashboard.web.stream import Writer

log = logging.getLogger("dashboard")

GRACE = 1.0
"""Seconds that viewers have to take their last bytes at a shutdown."""

HANDSHAKE = 10.0
"""Seconds that a client has for TLS's beginning."""

ASKED_BY = (signal.SIGTERM, signal.SIGINT)
"""Signals that ask for an orderly end."""

LONGEST_END = 8.0
"""Seconds after which a shutdown that does not end is cut short."""


def serve(settings: Settings, boards: Sequence[Board], path: Path | None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code. Raises ConfigError when the address cannot be had."""
    certificate = Certificate.of(settings)
    listener = listen(settings)
    share_memory()
    selector = PromptSelector()
    with asyncio.Runner(loop_factory=partial(asyncio.SelectorEventLoop, selector)) as runner:
        runner.run(_serve(settings, boards, path, listener, certificate, selector))
    for name in ASKED_BY:
        signal.signal(name, signal.SIG_IGN)  # whoever asks once more is not to change how it ends
    return 0


async def _serve(
    settings: Settings,
    boards: Sequence[Board],
    path: Path | None,
    listener: Listener,
    certificate: Certificate | None,
    selector: PromptSelector,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(Faults())

    def asked_to_stop(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: what is asked for has happened
            loop.call_soon_threadsafe(stop.set)

    # Not by the loop: while it closes, its own way would log a traceback for whoever asks twice, and then end the
    # process by the signal.
    for name in ASKED_BY:
        signal.signal(name, asked_to_stop)
    async with running(settings, boards, path) as runtime:
        selector.tally = runtime.tally
        connections = Connections(runtime.tally, runtime.settings.stall_timeout)
        app = create_app(runtime)
        connections.register(app.extensions.get("opening"))
        writer: Writer = app.extensions["writer"]

        async def until_stopped() -> None:
            await stop.wait()
            runtime.end_streams()
            connections.dismiss()
            # From Python 3.12 on a server that closes waits for every connection, also for one that takes no bytes.
            loop.call_later(GRACE, connections.abort)
            threading.Thread(target=_end_anyway, name="last-guard", daemon=True).start()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE + 0.2):
                    await writer.ended()

        _tune_garbage_collector()
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        scheme = "https" if certificate is not None else "http"
        _print(f"dashboard {__version__}: listening on {scheme}://{shown}:{port}")
        renewing = asyncio.create_task(certificate.renew()) if certificate is not None else None
        config = _config(listener, connections.batch, certificate)
        try:
            await hypercorn_serve(app, config, shutdown_trigger=until_stopped)
        finally:
            if renewing is not None:
                renewing.cancel()


def _print(line: str) -> None:
    """Write a line to stdout; where that is full, or read by no one any more, the log has it."""
    try:
        print(line, flush=True)
    except OSError as error:
        log.warning("%s (stdout cannot be written: %s)", line, error.strerror)
        # What stays in the buffer would fail once more at the end, and then with an exit code.
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _end_anyway() -> None:
    """End the process when its orderly end does not come, as when a thread hangs in a dead disk."""
    time.sleep(LONGEST_END)
    log.error("the shutdown did not end within %.0f s and was cut short", LONGEST_END)
    logging.shutdown()
    os._exit(1)


class _Config(Config):
    """Hypercorn's settings, with a socket that listens already, and a certificate that may change."""

    listener: Listener
    certificate: Certificate | None = None

    def create_sockets(self) -> Sockets:
        """Return the one socket there is."""
        sockets = Sockets([], [], [])
        (sockets.secure_sockets if self.ssl_enabled else sockets.insecure_sockets).append(self.listener)
        return sockets

    @property
    def ssl_enabled(self) -> bool:
        return self.certificate is not None

    def create_ssl_context(self) -> ssl.SSLContext | None:
        return self.certificate.context if self.certificate is not None else None


def _config(listener: Listener, batch: int, certificate: Certificate | None) -> Config:
    config = _Config()
    config.listener = listener
    config.certificate = certificate
    config.ssl_handshake_timeout = HANDSHAKE
    config.backlog = batch
    config.include_server_header = False
    config.graceful_timeout = GRACE + 0.5  # after that nothing is left that was not cut
    config.keep_alive_max_requests = 10**9  # past this many it would close connections that have a stream open
    config.h11_max_incomplete_size = 64 * 1024
    config.errorlog = logging.getLogger("hypercorn")
    return config


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
    # The default thresholds walk every live object ever so often, which costs more than a write to a viewer does. Only
    # what is young is looked at often: each request leaves a circle of a kilobyte behind, where its route was found.
    gc.collect()
    trim_memory()  # what only the start needed
    gc.freeze()
    gc.set_threshold(10_000, 500, 1000)
