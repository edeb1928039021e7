"""The simplest way in for other programs' metrics: JSON by POST."""

from __future__ import annotations

import asyncio
import ipaddress

from quart import Response

from dashboard.errors import InvalidInput
from dashboard.ingest.samples import Rejection, read
from dashboard.model import Role
from dashboard.web.routing import JSON, Context, Route, json_response
from dashboard.window import Refusal

_REASONS: dict[Refusal, str] = {
    "too_many_series": "this server holds as many series as its setting max_series allows",
    "taken": "another source feeds this series; send it under another name, or with a label of its own",
}


async def samples(context: Context) -> Response:
    """Take one sample or a list; answer what was accepted and, one by one, what was not and why."""
    if context.request.mimetype != JSON:
        raise InvalidInput(f"send Content-Type: {JSON}")
    runtime = context.runtime
    # In a thread, for ten thousand samples take long enough to be felt by every viewer.
    reading = await asyncio.to_thread(
        read,
        await context.body(),
        instance=_sender(context),
        now=runtime.clock.wall(),
        keep=runtime.settings.window,
    )
    rejected = list(reading.rejected)
    for place, batch in enumerate(reading.batches):
        for key, code in runtime.pipeline.accept(batch, guest=True).items():
            rejected += [Rejection(index, code, _REASONS[code]) for index in reading.indexes[place, key]]
    rejected.sort(key=lambda rejection: rejection.index)
    accepted = reading.count - len(rejected)
    status = 200 if accepted or not reading.count else 400
    return json_response({"accepted": accepted, "rejected": rejected}, status)


def _sender(context: Context) -> str:
    """Return the instance that a sample without one belongs to: this machine, or the sender's address."""
    address = context.request.remote_addr or ""
    try:
        local = ipaddress.ip_address(address).is_loopback
    except ValueError:
        local = True
    return context.runtime.instance if local else address


ROUTES = (Route("/api/v1/samples", Role.WRITER, samples, ("POST",)),)
