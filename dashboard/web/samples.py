"""The simplest way in for other programs' metrics: JSON by POST."""

from __future__ import annotations

import ipaddress

from quart import Response

from dashboard.errors import InvalidInput
from dashboard.ingest.samples import Rejection, read
from dashboard.model import Role
from dashboard.web.routing import JSON, Context, Route, json_response


async def samples(context: Context) -> Response:
    """Take one sample or a list; answer what was accepted and, one by one, what was not and why."""
    if context.request.mimetype != JSON:
        raise InvalidInput(f"send Content-Type: {JSON}")
    runtime = context.runtime
    reading = read(
        await context.body(),
        instance=_sender(context),
        now=runtime.clock.wall(),
        keep=runtime.settings.window,
    )
    rejected = list(reading.rejected)
    for place, batch in enumerate(reading.batches):
        for key in runtime.pipeline.accept(batch):
            message = f"this server holds {runtime.settings.max_series} series already; see the setting max_series"
            rejected += [Rejection(index, "too_many_series", message) for index in reading.indexes[place, key]]
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
