"""The event stream: a cursor, written out as Server-Sent Events."""

from __future__ import annotations

from typing import Protocol

from quart import Response, current_app

from dashboard.broadcaster import Cursor
from dashboard.filters import Filter
from dashboard.model import Role
from dashboard.tally import Viewer
from dashboard.web import limits, poll
from dashboard.web.routing import EVENT_STREAM, STREAM_HEADERS, Context, Route

PATH = "/api/v1/events"

HEADERS = {**STREAM_HEADERS, "Content-Type": EVENT_STREAM}


class Writer(Protocol):
    """Writes streams: decides what becomes of a viewer's connection. There is one to a program."""

    def response(self, cursor: Cursor, viewer: Viewer) -> Response:
        """Return what writes a cursor out when it is sent."""
        ...

    async def ended(self) -> None:
        """Return when every stream that the server does not itself wait for has ended."""
        ...


def wanted(context: Context) -> Cursor:
    """Return a cursor by `types`, `match` (repeatable), `after`, and the header Last-Event-ID, which wins.

    Raises InvalidParameter or SelectorSyntaxError.
    """
    runtime = context.runtime
    filter = Filter.parse(
        ",".join(context.args("types")), context.args("match"), len(runtime.window), runtime.settings.max_series
    )
    return runtime.broadcaster.subscribe(
        filter,
        after=context.arg("after"),
        header=context.request.headers.get("Last-Event-ID"),
        to=context.principal.name,
    )


async def events(context: Context) -> Response:
    """Stream events as `wanted`. With `wait`, answer a piece of them as JSON."""
    polling = "wait" in context.request.args
    refused = limits.admit(context, current_app.extensions["limits"], polling=polling)
    if refused is not None:
        return refused
    wait = poll.wait_of(context) if polling else None
    cursor = wanted(context)
    if wait is not None:
        return await poll.answer(context, cursor, wait)
    writer: Writer = current_app.extensions["writer"]
    response = Response(b"") if context.request.method == "HEAD" else writer.response(cursor, context.viewer)
    response.headers.update(HEADERS)
    response.timeout = None
    return response


ROUTES = (Route(PATH, Role.VIEWER, events),)
