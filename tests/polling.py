"""Long polls of a broadcaster, without a server around it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

from dashboard.broadcaster import Broadcaster, Cursor
from dashboard.model import Clock
from dashboard.tally import Tally, Viewer
from dashboard.web import poll
from dashboard.web.routing import Context


async def polled(broadcaster: Broadcaster, clock: Clock, cursor: Cursor, wait: float = 0.0) -> dict[str, Any]:
    """Return the body of the answer to one poll."""
    runtime = SimpleNamespace(clock=clock, log=broadcaster.log, tally=Tally())
    asked = SimpleNamespace(headers={}, args={})
    context = SimpleNamespace(
        runtime=runtime, viewer=Viewer("local", "127.0.0.1"), request=asked, arg=lambda name: None
    )
    answer = await poll.answer(cast("Context", context), cursor, wait)
    body: dict[str, Any] = json.loads(await answer.get_data(as_text=True))
    return body
