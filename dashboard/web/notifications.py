"""Notices: taken by POST for all or for one principal, and the newest of those that concern who asks."""

from __future__ import annotations

import asyncio

from quart import Response

from dashboard.events import Notification
from dashboard.ingest.notifications import read
from dashboard.ingest.repeats import Answer
from dashboard.model import Role
from dashboard.recent import recent
from dashboard.web.annotations import annotate
from dashboard.web.pushing import limit, listed, sender, taken_once
from dashboard.web.routing import Context, Route

MAX_NOTIFICATIONS = 500
"""Notices of one answer at most."""


async def push(context: Context) -> Response:
    """Take one notice or a list; answer what was accepted and, one by one, what was not and why."""
    runtime, name = context.runtime, context.principal.name
    source = f"{sender(context)}/{name}"

    async def take(body: bytes) -> Answer:
        reading = await asyncio.to_thread(read, body, source=source, now=runtime.clock.wall())
        for notification in reading.notifications:
            runtime.broadcaster.publish(notification, urgent=True)
        await runtime.broadcaster.settled()
        await annotate(runtime, reading.annotated, name)
        return len(reading.notifications), reading.rejected

    return await taken_once(context, take)


async def newest(context: Context) -> Response:
    """Give the newest notices to everyone or to who asks, newest first: `limit`."""
    runtime, name = context.runtime, context.principal.name
    found = await recent(
        runtime.log,
        runtime.broadcaster.stored,
        Notification,
        limit(context, 100, MAX_NOTIFICATIONS),
        lambda notification: notification.to in (None, name),
    )
    return listed(context, found)


ROUTES = (
    Route("/api/v1/notifications", Role.WRITER, push, ("POST",)),
    Route("/api/v1/notifications", Role.VIEWER, newest),
)
