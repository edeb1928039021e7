"""Writes each stream by a task of its own, as any server of ASGI lets it be written."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from quart import Response, request

from dashboard.broadcaster import Cursor
from dashboard.runtime import Runtime
from dashboard.tally import Viewer
from dashboard.web.connections import SCOPE_KEY

IN_TIME = 0.25
"""Seconds within which a viewer that keeps up takes its bytes."""


class Watched(Protocol):
    """A connection that is looked after by who accepted it, as far as that gives one at all."""

    @property
    def gone(self) -> bool:
        """Whether nobody is there any more."""
        ...

    def held_up(self, since: float) -> None:
        """It has taken nothing `since` a time of the event loop."""
        ...


class _Stream:
    """One that is written: since when its last bytes are being given, a time of the event loop."""

    __slots__ = ("held_up", "since")

    def __init__(self, held_up: Callable[[float], object]) -> None:
        self.held_up, self.since = held_up, math.inf


class PortableWriter:
    """A Writer that waits with every stream for the broadcaster, which wakes all at once."""

    def __init__(self, runtime: Runtime) -> None:
        self._tally, self._patience = runtime.tally, runtime.settings.stall_timeout
        self._streams: set[_Stream] = set()
        self._watch: asyncio.TimerHandle | None = None

    def response(self, cursor: Cursor, viewer: Viewer) -> Response:
        """Return what writes a cursor out when it is sent."""
        return Response(self.written(cursor, viewer))

    async def ended(self) -> None:
        """Return at once: the server itself waits for these streams."""
        await asyncio.sleep(0)

    def written(self, cursor: Cursor, viewer: Viewer) -> AsyncIterator[bytes]:
        """Yield what there is to write, until the stream has ended. Called while the request is at hand."""
        return self._written(cursor, viewer, request.scope.get("state", {}).get(SCOPE_KEY))

    async def _written(self, cursor: Cursor, viewer: Viewer, connection: Watched | None) -> AsyncIterator[bytes]:
        # All is acquired here, not in the view: a viewer who leaves before the first byte then leaves nothing behind.
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def held_up(since: float) -> None:
            """Do what is to be done about a viewer that has not taken all."""
            if connection is not None:
                connection.held_up(since)
            elif loop.time() - since > self._patience * 0.9:
                self._tally.stalled += 1
                task.cancel()

        # With thousands of viewers each line of the loop is felt, and each coroutine that is awaited in it more so.
        now, read, tally, blocked = loop.time, cursor.read, self._tally, False
        stream = _Stream(held_up)
        tally.enter(viewer)
        self._watched(stream)
        try:
            with cursor:
                while not cursor.ended:
                    chunk = read(blocked=blocked)
                    if not chunk:
                        blocked = False
                        await cursor.changed()
                        continue
                    tally.bytes_sent += len(chunk)
                    given = stream.since = now()
                    yield chunk
                    stream.since = math.inf
                    blocked = now() - given > IN_TIME
                    if blocked and connection is not None and connection.gone:
                        break  # what nobody takes any more is not to be counted as left out
        finally:
            self._streams.discard(stream)
            tally.leave(viewer)

    def _watched(self, stream: _Stream) -> None:
        self._streams.add(stream)
        if self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(self._patience / 20, self._look)

    def _look(self) -> None:
        """Tell of every stream whose last bytes are not taken."""
        loop = asyncio.get_running_loop()
        now, every = loop.time(), self._patience / 20
        for stream in list(self._streams):
            if now - stream.since > every:
                stream.held_up(stream.since)
        self._watch = loop.call_later(every, self._look) if self._streams else None
