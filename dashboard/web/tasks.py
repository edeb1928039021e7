"""Long work: what programs tell of it by PUT, and the latest of each for whoever begins to look."""

from __future__ import annotations

from quart import Response

from dashboard.errors import InvalidInput
from dashboard.ingest.items import Rejection
from dashboard.ingest.tasks import read
from dashboard.model import Role
from dashboard.web.pushing import answer, json_body, sender
from dashboard.web.routing import Context, Route, json_response


async def put(context: Context, task: str) -> Response:
    """Take how far a task is; the same request twice is the same as once."""
    runtime, body = context.runtime, await json_body(context)
    try:
        telling = read(task, body, instance=sender(context), now=runtime.clock.wall())
        event = runtime.tasks.put(telling)
    except InvalidInput as error:
        return answer(0, [Rejection(0, error.code, str(error))])
    if event is not None:
        runtime.broadcaster.publish(event)
        await runtime.broadcaster.settled()
    return answer(1, [])


async def latest(context: Context) -> Response:
    """Give the latest of every task, those heard of last first."""
    runtime = context.runtime
    as_of = str(runtime.log.bounds().newest)
    return json_response({"as_of": as_of, "server_time": runtime.clock.wall(), "result": runtime.tasks.tasks()})


ROUTES = (
    Route("/api/v1/tasks/<task>", Role.WRITER, put, ("PUT",)),
    Route("/api/v1/tasks", Role.VIEWER, latest),
)
