"""What programs and pages ask: series, their newest values, and how the program is doing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from quart import Response

from dashboard import exposition
from dashboard.errors import StorageError, TooManyPoints
from dashboard.history import Known, kept
from dashboard.model import Family, Role, Series
from dashboard.runtime import Runtime
from dashboard.selector import Selector, parse_all
from dashboard.web.pushing import limit
from dashboard.web.routing import JSON, Context, Route

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
    runtime, most = context.runtime, _most(context)
    selectors = _selectors(context)
    now, live = runtime.clock.wall(), _live(runtime, selectors)

    def written() -> bytes:
        entries = _entries(runtime, selectors, live, most)
        return _body({"server_time": now}, (_described(runtime, entry, now) for entry in entries))

    return await _answer(written)


async def latest(context: Context) -> Response:
    """Give the newest value of each series, with its time and age, also of those that are only stored."""
    runtime, most = context.runtime, _most(context)
    selectors = _selectors(context)
    runtime.broadcaster.flush()
    now, live = runtime.clock.wall(), _live(runtime, selectors)
    head = {"as_of": str(runtime.log.bounds().newest), "server_time": now}

    def written() -> bytes:
        entries = _entries(runtime, selectors, live, most)
        return _body(head, (_newest(entry, now) for entry in entries if entry.time))

    return await _answer(written)


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


def _most(context: Context) -> int:
    """Return how many series are listed at most: unless fewer are wanted, all that are stored and what may be new."""
    settings = context.runtime.settings
    most = kept(settings).series + settings.max_series
    return limit(context, most, most)


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


def _newest(entry: Entry, now: float) -> dict[str, object]:
    return {
        "series": entry.text,
        "value": entry.value,
        "timestamp": entry.time,
        "age": round(now - entry.time, 3),
        "interval": entry.interval,
        "source": entry.source,
    }


def _live(runtime: Runtime, selectors: Sequence[Selector]) -> list[Entry]:
    """Return the live series that are chosen, as they are at this moment. On the event loop's thread."""
    window = runtime.window
    return [
        Entry(
            line.text,
            line.series,
            window.is_counter(line.series.name),
            line.interval,
            line.source,
            line.times[0] if line.times else line.last[0],
            *line.last,
            live=True,
        )
        for line in window.select(selectors)
    ]


def _entries(runtime: Runtime, selectors: Sequence[Selector], live: Sequence[Entry], most: int) -> list[Entry]:
    """Return these and the stored ones that are chosen, sorted by name and labels; raise TooManyPoints.

    On a worker's thread. When the disk does not tell what is stored, it is the live ones.
    """
    try:
        entries = {one.text: _of_known(one) for one in runtime.history.catalogue(selectors)}
    except StorageError:
        entries = {}
    for entry in live:
        was = entries.get(entry.text)
        entries[entry.text] = entry if was is None or was.first >= entry.first else entry._replace(first=was.first)
    if len(entries) > most:
        raise TooManyPoints(
            f"{len(entries)} series are chosen; at most {most} come at once: narrow the selectors",
            len(entries),
            most,
            "match",
        )
    return [entries[text] for text in sorted(entries)]


def _of_known(known: Known) -> Entry:
    text, series, counter, interval, source, first, (time, value) = known
    return Entry(text, series, counter, interval, source, first, time, value, live=False)


def _body(head: Mapping[str, object], result: Iterable[Mapping[str, object]]) -> bytes:
    """Write an answer one by one, for nothing else runs while a whole list is written."""
    return b'%b,"result":[%b]}' % (msgspec.json.encode(head)[:-1], b",".join(map(msgspec.json.encode, result)))


async def _answer(written: Callable[[], bytes]) -> Response:
    """Have an answer written in a thread: tens of thousands of series would be felt by every viewer."""
    body = await asyncio.to_thread(written)
    return Response(body, 200, {"Cache-Control": "no-store"}, content_type=JSON)


def _selectors(context: Context) -> list[Selector]:
    return parse_all(context.args("match"), len(context.runtime.window))


ROUTES = (
    Route("/api/v1/series", Role.VIEWER, series),
    Route("/api/v1/latest", Role.VIEWER, latest),
    Route("/metrics", Role.VIEWER, metrics),
    Route("/healthz", Role.ANYONE, healthz),
    Route("/readyz", Role.ANYONE, readyz),
)
