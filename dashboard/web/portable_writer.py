"""Writes each stream by a task of its own, as any server of ASGI lets it be written."""

from __future__ import annotations

import asyncio
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

    def held_up(self, since: float) -> None:
        """It has taken nothing `since` a time of the event loop."""
        ...


class PortableWriter:
    """A Writer that waits with every stream for the one future on which the broadcaster wakes all."""

    def __init__(self, runtime: Runtime) -> None:
        self._tally, self._patience = runtime.tally, runtime.settings.stall_timeout
        self._giving: dict[Cursor, tuple[float, Callable[[float], object]]] = {}
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

        blocked = False
        self._tally.enter(viewer)
        try:
            with cursor:
                while not cursor.ended:
                    chunk = cursor.read(blocked=blocked)
                    if not chunk:
                        blocked = False
                        await cursor.changed()
                        continue
                    self._tally.bytes_sent += len(chunk)
                    given = loop.time()
                    self._watching(cursor, given, held_up)
                    yield chunk
                    self._giving.pop(cursor, None)
                    blocked = loop.time() - given > IN_TIME
                    if blocked and connection is not None and connection.writer.transport.is_closing():
                        break  # what nobody takes any more is not to be counted as left out
        finally:
            self._giving.pop(cursor, None)
            self._tally.leave(viewer)

    def _watching(self, cursor: Cursor, now: float, held_up: Callable[[float], object]) -> None:
        self._giving[cursor] = (now, held_up)
        if self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(self._patience / 20, self._look)

    def _look(self) -> None:
        """Tell of every stream whose last bytes are not taken."""
        loop = asyncio.get_running_loop()
        now, every = loop.time(), self._patience / 20
        for since, held_up in list(self._giving.values()):
            if now - since > every:
                held_up(since)
        self._watch = loop.call_later(every, self._look) if self._giving else None
