"""The event stream: a cursor, written out as Server-Sent Events."""

from __future__ import annotations

from typing import Protocol

from quart import Quart, Response, current_app

from dashboard.broadcaster import Cursor
from dashboard.filters import Filter
from dashboard.model import Role
from dashboard.runtime import Runtime
from dashboard.tally import Viewer
from dashboard.web import limits, poll
from dashboard.web.fast_writer import FastWriter, HandingOver
from dashboard.web.portable_writer import PortableWriter
from dashboard.web.routing import EVENT_STREAM, STREAM_HEADERS, Context, Route


class Writer(Protocol):
    """Writes streams: decides what becomes of a viewer's connection. There is one to a program."""

    def response(self, cursor: Cursor, viewer: Viewer) -> Response:
        """Return what writes a cursor out when it is sent."""
        ...

    async def ended(self) -> None:
        """Return when every stream that the server does not itself wait for has ended."""
        ...


def install(app: Quart, runtime: Runtime) -> Writer:
    """Give the application the writer that the settings choose."""
    writer: Writer
    if runtime.settings.fast_writer:
        writer = FastWriter(runtime)
        app.asgi_http_class = HandingOver
    else:
        writer = PortableWriter(runtime)
    app.extensions["writer"] = writer
    return writer


async def events(context: Context) -> Response:
    """Stream events: `types`, `match` (repeatable), `after`, and the header Last-Event-ID, which wins.

    With `wait`, answer a piece of them as JSON.
    """
    refused = limits.admit(context, polling="wait" in context.request.args)
    if refused is not None:
        return refused
    wait = poll.wait_of(context) if "wait" in context.request.args else None
    filter = Filter.parse(",".join(context.args("types")), context.args("match"), len(context.runtime.window))
    cursor = context.runtime.broadcaster.subscribe(
        filter,
        after=context.arg("after"),
        header=context.request.headers.get("Last-Event-ID"),
        to=context.principal.name,
    )
    if wait is not None:
        return await poll.answer(context, cursor, wait)
    writer: Writer = current_app.extensions["writer"]
    response = Response(b"") if context.request.method == "HEAD" else writer.response(cursor, context.viewer)
    response.headers.update({**STREAM_HEADERS, "Content-Type": EVENT_STREAM})
    response.timeout = None
    return response


ROUTES = (Route("/api/v1/events", Role.VIEWER, events),)
