"""The simplest way in for other programs' metrics: JSON by POST."""

from __future__ import annotations

import asyncio

from quart import Response

from dashboard.ingest.items import Rejection
from dashboard.ingest.samples import read
from dashboard.model import Role
from dashboard.runtime import Runtime
from dashboard.web.pushing import answer, json_body, sender
from dashboard.web.routing import Context, Route
from dashboard.web.wanted import longest
from dashboard.window import Refusal

_REASONS: dict[Refusal, str] = {
    "too_many_series": "this server holds as many series as its setting max_series allows",
    "taken": "a collector of this server gives this; send it under another name, or as another instance",
}

_PORTION = 256
"""Moments that are published before everything else on the event loop has its turn; fewer where the log is short."""

_LOOKS, _PAUSE = 25, 0.01
"""How often, and every how many seconds, the next portion looks at most for viewers who are far behind: one of them may
have stopped reading."""


async def samples(context: Context) -> Response:
    """Take one sample or a list; answer what was accepted and, one by one, what was not and why."""
    runtime = context.runtime
    # In a thread, for ten thousand samples take long enough to be felt by every viewer.
    reading = await asyncio.to_thread(
        read,
        await json_body(context),
        instance=sender(context),
        now=runtime.clock.wall(),
        keep=longest(runtime.settings),
    )
    rejected = list(reading.rejected)
    portion = min(max(runtime.settings.log_events // 16, 1), _PORTION)
    for place, batch in enumerate(reading.batches):
        if place and place % portion == 0:
            await _let_read(runtime)
        for key, code in runtime.pipeline.accept(batch, standing="guest").items():
            rejected += [Rejection(index, code, _REASONS[code]) for index in reading.indexes[place, key]]
    rejected.sort(key=lambda rejection: rejection.index)
    return answer(reading.count - len(rejected), rejected)


async def _let_read(runtime: Runtime) -> None:
    """Have viewers read what was published before more of it pushes that out of the log."""
    broadcaster = runtime.broadcaster
    broadcaster.flush()
    await broadcaster.settled()
    await asyncio.sleep(0)
    for _ in range(_LOOKS):
        if not broadcaster.is_lagging(runtime.settings.log_events // 2):
            break
        await asyncio.sleep(_PAUSE)


ROUTES = (Route("/api/v1/samples", Role.WRITER, samples, ("POST",)),)
