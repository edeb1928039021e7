"""The event stream: a cursor, written out as Server-Sent Events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from quart import Response

from dashboard.broadcaster import Cursor
from dashboard.filters import Filter
from dashboard.model import Role
from dashboard.runtime import Runtime
from dashboard.web import poll
from dashboard.web.routing import Context, Route

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""What keeps proxies from holding events back."""


async def events(context: Context) -> Response:
    """Stream events: `types`, `match` (repeatable), `after`, and the header Last-Event-ID, which wins.

    With `wait`, answer a piece of them as JSON.
    """
    wait = poll.wait_of(context) if "wait" in context.request.args else None
    filter = Filter.parse(",".join(context.args("types")), context.args("match"))
    cursor = context.runtime.broadcaster.subscribe(
        filter, after=context.arg("after"), header=context.request.headers.get("Last-Event-ID")
    )
    if wait is not None:
        return await poll.answer(context, cursor, wait)
    viewer = f"{context.principal.name}@{context.request.remote_addr}"
    body = b"" if context.request.method == "HEAD" else _written(context.runtime, cursor, viewer)
    response = Response(body, 200, HEADERS, content_type="text/event-stream")
    response.timeout = None
    return response


async def _written(runtime: Runtime, cursor: Cursor, viewer: str) -> AsyncIterator[bytes]:
    # All is acquired here, not in the view: a viewer who leaves before the first byte then leaves nothing behind.
    runtime.tally.enter(viewer)
    try:
        with cursor:
            while not cursor.ended:
                chunk = cursor.read()
                if chunk:
                    runtime.tally.bytes_sent += len(chunk)
                    yield chunk
                else:
                    await cursor.changed()
    finally:
        runtime.tally.leave(viewer)


ROUTES = (Route("/api/v1/events", Role.VIEWER, events),)
