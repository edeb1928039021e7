"""What the program said of itself."""

from __future__ import annotations

from quart import Response

from dashboard.events import System
from dashboard.model import Role
from dashboard.recent import recent
from dashboard.web.pushing import limit, listed
from dashboard.web.routing import Context, Route

MOST = 500
"""Events of one answer at most."""


async def newest(context: Context) -> Response:
    """Give the newest system events, newest first: `limit`."""
    runtime = context.runtime
    count = limit(context, 100, MOST)
    found = await recent(runtime.log, runtime.broadcaster.stored, System, count, lambda event: True)
    return listed(context, found)


ROUTES = (Route("/api/v1/system", Role.VIEWER, newest),)
