"""Writes each stream by a task of its own, as any server of ASGI lets it be written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from quart import Response

from dashboard.broadcaster import Cursor
from dashboard.runtime import Runtime
from dashboard.tally import Viewer


class PortableWriter:
    """A Writer that waits with every stream for the one future on which the broadcaster wakes all."""

    def __init__(self, runtime: Runtime) -> None:
        self._broadcaster, self._tally = runtime.broadcaster, runtime.tally

    def response(self, cursor: Cursor, viewer: Viewer) -> Response:
        """Return what writes a cursor out when it is sent."""
        return Response(self.written(cursor, viewer))

    async def written(self, cursor: Cursor, viewer: Viewer) -> AsyncIterator[bytes]:
        """Yield what there is to write, until the stream has ended."""
        # All is acquired here, not in the view: a viewer who leaves before the first byte then leaves nothing behind.
        self._tally.enter(viewer)
        try:
            with cursor:
                while not cursor.ended:
                    chunk = cursor.read()
                    if chunk:
                        self._tally.bytes_sent += len(chunk)
                        yield chunk
                    else:
                        await cursor.changed()
        finally:
            self._tally.leave(viewer)

    async def ended(self) -> None:
        """Return at once: the server itself waits for these streams."""
        await asyncio.sleep(0)
