"""What programs and pages ask: series, their points, their newest values."""

from __future__ import annotations

import asyncio
import math

import msgspec
from quart import Response

from dashboard import exposition
from dashboard.errors import InvalidParameter, TooManyPoints
from dashboard.model import Role
from dashboard.points import Point, bucketed, collected, rates, short
from dashboard.selector import Selector, parse_all
from dashboard.web.routing import Context, Route, json_response, number
from dashboard.window import Columns, Line

MAX_POINTS = 500_000
"""Points of one answer at most."""

STALE = 2.0
"""A series is stale when its newest sample is older than so many intervals, and a second."""


async def series(context: Context) -> Response:
    """List the series that are held."""
    window, now = context.runtime.window, context.runtime.clock.wall()
    result = []
    for line in window.select(_selectors(context)):
        family = window.family(line.series.name)
        result.append(
            {
                "series": line.text,
                "name": line.series.name,
                "labels": dict(line.series.labels),
                "type": family.type,
                "unit": family.unit,
                "help": family.help,
                "interval": line.interval,
                "last_seen": line.last[0],
                "age": round(now - line.last[0], 3),
                "source": line.source,
            }
        )
    return json_response({"server_time": now, "result": result})


async def latest(context: Context) -> Response:
    """Give the newest value of each series, with its time and age."""
    runtime = context.runtime
    runtime.broadcaster.flush()
    now = runtime.clock.wall()
    result = [
        {
            "series": line.text,
            "value": line.last[1],
            "timestamp": line.last[0],
            "age": round(now - line.last[0], 3),
            "interval": line.interval,
            "source": line.source,
        }
        for line in runtime.window.select(_selectors(context))
        if line.last[0]
    ]
    return json_response({"as_of": str(runtime.log.bounds().newest), "server_time": now, "result": result})


async def query_range(context: Context) -> Response:
    """Give the points of series from `start` to `end` at `step` seconds (0: as collected); counters as rates."""
    runtime = context.runtime
    runtime.broadcaster.flush()  # so that nothing is in the points that `as_of` does not cover
    now = runtime.clock.wall()
    selectors = _selectors(context)
    if not selectors:
        raise InvalidParameter("match", "name at least one selector, such as match=system_load_1m")
    end = _number(context, "end", now)
    start = _number(context, "start", end - runtime.settings.window)
    step = _number(context, "step", 0.0)
    if start >= end:
        raise InvalidParameter("start", "must be before end; both are Unix seconds")
    if step < 0:
        raise InvalidParameter("step", "must be 0 (as collected) or a number of seconds")
    lines = list(runtime.window.select(selectors))
    _limit(lines, start, end, step)
    if step and lines:  # whole buckets, so that each is the same wherever a question begins and ends
        start, end = math.floor(start / step) * step, math.ceil(end / step) * step
    columns = [runtime.window.columns(line, start, end) for line in lines]
    raw = context.arg("raw") == "1"
    head = {"as_of": str(runtime.log.bounds().newest), "step": step, "server_time": now}
    body = await asyncio.to_thread(_encode, head, columns, start, end, step, raw)
    return Response(body, 200, {"Cache-Control": "no-store"}, content_type="application/json")


async def metrics(context: Context) -> Response:
    """Give the newest value of every series that is not stale, in Prometheus's text format."""
    window, now = context.runtime.window, context.runtime.clock.wall()
    samples = [
        (line.series, line.last[1])
        for line in window.select(())
        if now - line.last[0] <= STALE * (line.interval or context.runtime.settings.window) + 1
    ]
    body = await asyncio.to_thread(exposition.write, samples, window.family)
    return Response(body, 200, {"Cache-Control": "no-store"}, content_type=exposition.CONTENT_TYPE)


async def healthz(context: Context) -> Response:
    """Answer as long as the process serves."""
    return Response("ok\n", 200, {"Cache-Control": "no-store"}, content_type="text/plain; charset=utf-8")


async def readyz(context: Context) -> Response:
    """Answer 200 while at least one collector delivers, else 503 with the reason."""
    runtime = context.runtime
    newest = max((state.last_success or 0.0 for state in runtime.states()), default=0.0)
    age = runtime.clock.wall() - newest
    if not newest or age > STALE * runtime.settings.interval + 10:
        return Response("no collector has delivered lately\n", 503, content_type="text/plain; charset=utf-8")
    return Response("ready\n", 200, {"Cache-Control": "no-store"}, content_type="text/plain; charset=utf-8")


def _selectors(context: Context) -> list[Selector]:
    return parse_all(context.args("match"), len(context.runtime.window))


def _number(context: Context, name: str, default: float) -> float:
    text = context.arg(name)
    if text is None:
        return default
    value = number(text)
    if not math.isfinite(value):
        raise InvalidParameter(name, "must be a number of seconds")
    return value


def _limit(lines: list[Line], start: float, end: float, step: float) -> None:
    """Raise TooManyPoints when the answer would have too many."""
    count = len(lines)
    points = (end - start) / step * count if step else sum(line.count(start, end) for line in lines)
    if not count or points <= MAX_POINTS:
        return
    least = (end - start) * count / MAX_POINTS
    wider = f"a step of at least {_rounded_up(least)} s, " if least < 1e9 else ""
    many = f"{points:.0f} points; at most {MAX_POINTS}" if points < 1e15 else f"more than {MAX_POINTS} points"
    raise TooManyPoints(
        f"{count} series would give {many}: take {wider}a shorter range, or fewer series",
        count,
        int(MAX_POINTS * count / points),
    )


def _rounded_up(seconds: float) -> str:
    """Write a step in whole seconds, a short one in thousandths; never less than it is."""
    return f"{math.ceil(seconds * 1000) / 1000:g}" if seconds < 10 else f"{math.ceil(seconds)}"


def _encode(head: dict[str, object], columns: list[Columns], start: float, end: float, step: float, raw: bool) -> bytes:
    result = [_result(column, start, end, step, raw) for column in columns]
    return msgspec.json.encode({**head, "result": result})


def _result(column: Columns, start: float, end: float, step: float, raw: bool) -> dict[str, object]:
    times, values = column.times, column.values
    if column.counter and not raw:
        times, values = rates(times, values, column.interval)
    elif column.counter and times and times[0] < start:
        times, values = times[1:], values[1:]
    points: list[Point]
    if step:
        points = bucketed(times, values, column.interval, start=start, end=end, step=step)
    else:
        points = collected(times, values, column.interval)
    return {
        "series": column.text,
        "type": "counter" if column.counter else "gauge",
        "interval": column.interval,
        "source": column.source,
        "last": (times[-1], short(values[-1])) if times else None,
        "points": points,
    }


ROUTES = (
    Route("/api/v1/series", Role.VIEWER, series),
    Route("/api/v1/latest", Role.VIEWER, latest),
    Route("/api/v1/query_range", Role.VIEWER, query_range),
    Route("/metrics", Role.VIEWER, metrics),
    Route("/healthz", Role.ANYONE, healthz),
    Route("/readyz", Role.ANYONE, readyz),
)
