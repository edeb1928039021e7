"""Lines of programs' logs: taken by POST, and the newest for whoever begins to look."""

from __future__ import annotations

import asyncio

from quart import Response

from dashboard.errors import InvalidParameter
from dashboard.events import Log
from dashboard.ingest.logs import LEVELS, read
from dashboard.ingest.repeats import Answer
from dashboard.model import Role
from dashboard.recent import recent
from dashboard.web.pushing import limit, listed, sender, taken_once
from dashboard.web.routing import Context, Route

MAX_LINES = 1_000
"""Lines of one answer at most."""


async def push(context: Context) -> Response:
    """Take one line or a list; answer what was accepted and, one by one, what was not and why."""
    runtime, instance = context.runtime, sender(context)

    async def take(body: bytes) -> Answer:
        reading = await asyncio.to_thread(read, body, instance=instance, now=runtime.clock.wall())
        await runtime.broadcaster.room()
        for line in reading.lines:
            runtime.broadcaster.publish(line)
        await runtime.broadcaster.settled()
        return len(reading.lines), reading.rejected

    return await taken_once(context, take)


async def newest(context: Context) -> Response:
    """Give the newest lines, newest first: `limit`, `level` (this or above), `text` in message or logger."""
    least, text = context.arg("level"), (context.arg("text") or "").casefold()
    if least is not None and least not in LEVELS:
        raise InvalidParameter("level", f"must be one of {', '.join(LEVELS)}")
    levels = frozenset(LEVELS[LEVELS.index(least) :] if least in LEVELS else LEVELS)

    def chosen(line: Log) -> bool:
        if line.level not in levels:
            return False
        return not text or text in line.message.casefold() or text in line.logger.casefold()

    runtime = context.runtime
    most = limit(context, 200, MAX_LINES)
    return listed(context, await recent(runtime.log, runtime.broadcaster.stored, Log, most, chosen))


ROUTES = (
    Route("/api/v1/logs", Role.WRITER, push, ("POST",)),
    Route("/api/v1/logs", Role.VIEWER, newest),
)
