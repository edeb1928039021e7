"""What the events of the stream are, for programs: a JSON Schema and TypeScript declarations."""

from __future__ import annotations

from quart import Response

from dashboard.model import Role
from dashboard.web.assets import folder
from dashboard.web.routing import JSON, Context, Route

_HEADERS = {"Cache-Control": "no-cache"}


async def events_json(context: Context) -> Response:
    """Give the JSON Schema of every event."""
    return Response((folder("static") / "schema/events.json").read_bytes(), 200, _HEADERS, content_type=JSON)


async def events_d_ts(context: Context) -> Response:
    """Give TypeScript declarations of every event."""
    text = (folder("static") / "js/events.d.ts").read_bytes()
    return Response(text, 200, _HEADERS, content_type="text/plain; charset=utf-8")


ROUTES = (
    Route("/schema/events.json", Role.VIEWER, events_json),
    Route("/schema/events.d.ts", Role.VIEWER, events_d_ts),
)
