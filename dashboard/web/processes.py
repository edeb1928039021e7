"""Which processes took most, for any minute that is stored: what ate the CPU at 03:00."""

from __future__ import annotations

import asyncio

from quart import Response

from dashboard.errors import InvalidParameter
from dashboard.history import Busy, Minute
from dashboard.model import Role
from dashboard.web.routing import Context, Route, json_response
from dashboard.web.times import moment, span

MINUTE = 60.0

LONGEST = 86_400.0
"""Seconds of one question at most: a day of minutes."""


async def processes(context: Context) -> Response:
    """Give the names that took most CPU and memory: in the minute of `at`, or in each from `start` to `end`."""
    runtime = context.runtime
    now = runtime.clock.wall()
    start, end = _span(context, now)

    def answer() -> Response:
        result = [_told(minute) for minute in runtime.history.top(start, end)]
        return json_response({"server_time": now, "start": start, "end": end, "result": result})

    return await asyncio.to_thread(answer)


def _span(context: Context, now: float) -> tuple[float, float]:
    """Return the whole minutes that are asked for; without any it is the last one that is over."""
    at, start, end = context.arg("at"), context.arg("start"), context.arg("end")
    if at is not None and (start is not None or end is not None):
        raise InvalidParameter("at", "give either this or start and end")
    if start is None and end is None:
        begun = _floor(moment("at", at) if at is not None else now - MINUTE)
        return begun, begun + MINUTE
    last = moment("end", end) if end is not None else now
    first = moment("start", start) if start is not None else last - 3_600.0
    if first >= last:
        raise InvalidParameter("start", "must be before end")
    if last - first > LONGEST:
        raise InvalidParameter(
            "start", f"{span(last - first)} are asked for; at most {span(LONGEST)} of minutes are given at once"
        )
    return _floor(first), -_floor(-last)


def _floor(time: float) -> float:
    return time // MINUTE * MINUTE


def _told(minute: Minute) -> dict[str, object]:
    return {
        "start": minute.start,
        "by_cpu": [_taken(one) for one in minute.by_cpu],
        "by_memory": [_taken(one) for one in minute.by_memory],
    }


def _taken(one: Busy) -> dict[str, object]:
    return {
        "name": one.name,
        "cpu_ratio": round(one.cpu, 4),
        "cpu_ratio_max": round(one.cpu_max, 4),
        "resident_bytes": round(one.resident),
        "resident_bytes_max": round(one.resident_max),
        "processes": one.processes,
    }


ROUTES = (Route("/api/v1/processes", Role.VIEWER, processes),)
