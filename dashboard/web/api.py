"""What programs and pages ask: series, their newest values, and how the program is doing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from quart import Response

from dashboard import exposition
from dashboard.errors import StorageError
from dashboard.history import Known
from dashboard.model import Family, Role, Series
from dashboard.runtime import Runtime
from dashboard.selector import Selector, parse_all
from dashboard.web.routing import Context, Route, json_response

STALE = 2.0
"""A series is stale when its newest sample is older than so many intervals, and a second."""


class Entry(NamedTuple):
    """A series that is live or stored; times in Unix seconds, `value` None where only averages are left of it."""

    text: str
    series: Series
    counter: bool
    interval: float | None
    source: str
    first: float
    time: float
    value: float | None
    live: bool


async def series(context: Context) -> Response:
    """List the series that are live or stored."""
    runtime = context.runtime
    now = runtime.clock.wall()
    result = [_described(runtime, entry, now) for entry in await _entries(runtime, _selectors(context))]
    return json_response({"server_time": now, "result": result})


async def latest(context: Context) -> Response:
    """Give the newest value of each series, with its time and age, also of those that are only stored."""
    runtime = context.runtime
    selectors = _selectors(context)
    stored = await _stored(runtime, selectors)
    runtime.broadcaster.flush()
    now = runtime.clock.wall()
    result = [
        {
            "series": entry.text,
            "value": entry.value,
            "timestamp": entry.time,
            "age": round(now - entry.time, 3),
            "interval": entry.interval,
            "source": entry.source,
        }
        for entry in _with_live(runtime, selectors, stored)
        if entry.time
    ]
    return json_response({"as_of": str(runtime.log.bounds().newest), "server_time": now, "result": result})


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


def _described(runtime: Runtime, entry: Entry, now: float) -> dict[str, object]:
    family = _family(runtime, entry)
    return {
        "series": entry.text,
        "name": entry.series.name,
        "labels": dict(entry.series.labels),
        "type": family.type,
        "unit": family.unit,
        "help": family.help,
        "interval": entry.interval,
        "first_seen": entry.first,
        "last_seen": entry.time,
        "age": round(now - entry.time, 3),
        "live": entry.live and now - entry.time <= runtime.settings.window,
        "source": entry.source,
    }


def _family(runtime: Runtime, entry: Entry) -> Family:
    """Return what is known of a series; one that is only stored is what it was when it was."""
    family = runtime.window.family(entry.series.name)
    if not entry.live and entry.counter != (family.type != "gauge"):
        return Family(family.name, "counter" if entry.counter else "gauge", family.unit, family.help)
    return family


async def _entries(runtime: Runtime, selectors: Sequence[Selector]) -> list[Entry]:
    return _with_live(runtime, selectors, await _stored(runtime, selectors))


async def _stored(runtime: Runtime, selectors: Sequence[Selector]) -> dict[str, Entry]:
    """Return the stored series that are chosen, by their text; none when the disk does not give them."""
    try:
        known = await asyncio.to_thread(runtime.history.catalogue, selectors)
    except StorageError:
        return {}
    return {one.text: _of_known(one) for one in known}


def _of_known(known: Known) -> Entry:
    text, series, counter, interval, source, first, (time, value) = known
    return Entry(text, series, counter, interval, source, first, time, value, live=False)


def _with_live(runtime: Runtime, selectors: Sequence[Selector], stored: dict[str, Entry]) -> list[Entry]:
    """Return these and those that are live, as they are now, sorted by name and labels."""
    window = runtime.window
    for line in window.select(selectors):
        was = stored.get(line.text)
        begun = line.times[0] if line.times else line.last[0]
        first = min(was.first, begun) if was is not None else begun
        counter, (time, value) = window.is_counter(line.series.name), line.last
        stored[line.text] = Entry(
            line.text, line.series, counter, line.interval, line.source, first, time, value, live=True
        )
    return [stored[text] for text in sorted(stored)]


def _selectors(context: Context) -> list[Selector]:
    return parse_all(context.args("match"), len(context.runtime.window))


ROUTES = (
    Route("/api/v1/series", Role.VIEWER, series),
    Route("/api/v1/latest", Role.VIEWER, latest),
    Route("/metrics", Role.VIEWER, metrics),
    Route("/healthz", Role.ANYONE, healthz),
    Route("/readyz", Role.ANYONE, readyz),
)
