"""Points of series over time: from the window while a question is young, else from history up to the last minute."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from quart import Response

from dashboard.errors import StorageError, UnknownSeries
from dashboard.history import History, Known, Reading, Take
from dashboard.ingest.items import FUTURE
from dashboard.model import Role, Series
from dashboard.pipeline import LATE
from dashboard.points import bucketed, collected, rates, short
from dashboard.selector import Selector
from dashboard.web.encoder import Encoder, last_of
from dashboard.web.holding import Holding
from dashboard.web.routing import Context, Route
from dashboard.web.shapes import FORMS, Line
from dashboard.web.snapshot import Snapshot
from dashboard.web.wanted import Wanted, limit, read, whole
from dashboard.window import Columns

if TYPE_CHECKING:
    from dashboard.runtime import Runtime

T = TypeVar("T")

_MANY = 2_000  # names that one which nobody knows is held against at most
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


class Found(NamedTuple):
    """What there is: the step and the tier of the points, those by series, and spans that could not be read."""

    step: float
    tier: str
    lines: Sequence[Line]
    incomplete: list[tuple[float, float]]


async def query_range(context: Context) -> Response:
    """Give the points of series from `start` to `end` at `step` seconds (0: as collected); counters as rates."""
    runtime = context.runtime
    runtime.broadcaster.flush()  # so that nothing is in the points that `as_of` does not cover
    now = runtime.clock.wall()
    wanted = read(context, now)
    as_of = str(runtime.log.bounds().newest)
    start, end = whole(wanted)
    blind = runtime.blind_log.between(start, end)
    encode, kind, ending = FORMS[wanted.form]

    def written(found: Found) -> bytes:
        head = {
            "as_of": as_of,
            "step": found.step,
            "server_time": now,
            "start": start,
            "end": end,
            "tier": found.tier,
            "incomplete": found.incomplete,
            "blind": blind,
        }
        return encode(head, found.lines)

    body = await made(runtime, wanted, written, early=wanted.form == "json")
    headers = {"Cache-Control": "no-store"}
    if wanted.download or ending == "csv":
        headers["Content-Disposition"] = f'attachment; filename="{_file_name(runtime, start, end)}.{ending}"'
    return Response(body, 200, headers, content_type=kind)


async def find(runtime: Runtime, wanted: Wanted) -> Found:
    """Return the points that are wanted, as of now; raise UnknownSeries or TooManyPoints."""
    return await made(runtime, wanted, lambda found: found)


async def made(runtime: Runtime, wanted: Wanted, make: Callable[[Found], T], *, early: bool = False) -> T:
    """Return what `make` makes, in a thread, of the points that are wanted; raise UnknownSeries or TooManyPoints.

    The points themselves are let go of in that thread, too: half a million of them would be felt by every viewer.
    With `early` most of them may be written already as JSON.
    """
    if whole(wanted)[0] >= _reached(runtime):
        return await _of_window(runtime, wanted, make)
    return await _of_history(runtime, wanted, make, early)


def _reached(runtime: Runtime) -> float:
    """Return the time since which the window has all that came: as far as it is kept, in no earlier run."""
    now, last_alive = runtime.clock.wall(), runtime.last_alive
    begun = -math.inf if last_alive is None else min(runtime.started_at, last_alive + FUTURE + 1)
    return max(begun, runtime.window.since(now))


async def _of_window(
    runtime: Runtime, wanted: Wanted, make: Callable[[Found], T], unread: Sequence[tuple[float, float]] = ()
) -> T:
    window, step = runtime.window, wanted.step
    start, end = whole(wanted)
    lines = list(window.select(wanted.selectors))
    points = (end - start) / step * len(lines) if step else sum(line.count(start, end) for line in lines)
    limit(len(lines), points, wanted)
    columns = [window.columns(line, start, end) for line in lines]
    holding = Holding(window, lines, wanted, runtime.clock.wall())
    if missing := _missing(wanted, wanted.selectors, [line.series for line in lines]):
        await asyncio.to_thread(_look_for, runtime, wanted, missing, none=not lines)
    return await asyncio.to_thread(
        lambda: make(Found(step, "raw", holding.among(_from_columns(columns, start, end, step, wanted.raw)), [*unread]))
    )


async def _of_history(runtime: Runtime, wanted: Wanted, make: Callable[[Found], T], early: bool) -> T:
    now, window = runtime.clock.wall(), runtime.window
    start, end = whole(wanted)
    live = list(window.select(wanted.selectors)) if end > now - LATE else []
    limit(len(live), 0, wanted)
    snapshot = Snapshot(window, live, now=now, end=end, step=wanted.step, reached=_reached(runtime))
    holding = Holding(window, live, wanted, now)
    published = _published(runtime)
    try:
        async with runtime.questions:
            known = await asyncio.to_thread(_known, runtime, wanted)
            limit(len(known), _expected(known, start, end, wanted.step), wanted)
            if not known:
                return make(Found(wanted.step, "raw", holding.among([]), []))
            readings: list[Reading] = []  # which no frame of the event loop's thread holds
            writing = Encoder(snapshot.since) if early else None
            await asyncio.to_thread(_read_into, readings, runtime.history, known, wanted, writing)
            since = snapshot.since(readings[0].step) if _published(runtime) != published else math.inf
            return await asyncio.to_thread(
                lambda: make(
                    _from_history(known, readings.pop(), snapshot, max(start, since), wanted.raw, writing, holding)
                )
            )
    except StorageError:  # what is in memory is better than nothing; the rest is told to be missing
        return await _of_window(runtime, wanted, make, [(start, min(_reached(runtime), end))])


def _read_into(
    readings: list[Reading], history: History, known: Sequence[Known], wanted: Wanted, take: Take | None
) -> None:
    start, end = whole(wanted)
    readings.append(history.read([one.text for one in known], start, end, wanted.step, raw=wanted.raw, take=take))


def _published(runtime: Runtime) -> int:
    """Return how many events that a stream may bring once more there were."""
    return runtime.broadcaster.published.get("metrics", 0)


def _from_history(
    known: Sequence[Known],
    reading: Reading,
    snapshot: Snapshot,
    since: float,
    raw: bool,
    early: Encoder | None,
    holding: Holding,
) -> Found:
    """Put an answer together; its points from `since` on are those of the snapshot."""
    read = {stretch.known.text: stretch.points for stretch in reading.stretches}
    written, before = (early.written, early.last) if early is not None else ({}, {})
    lines = []
    for one in known:
        points = snapshot.joined(one.text, read.get(one.text, ()), since, reading.step, raw=raw)
        if points:
            last = snapshot.newest(one.text, raw=raw) or last_of(points) or before.get(one.text)
            lines.append(
                Line(
                    one.text,
                    one.series.name,
                    one.series.labels,
                    one.counter,
                    one.interval,
                    one.source,
                    last,
                    points,
                    one.first,
                    written.get(one.text, b""),
                )
            )
    return Found(reading.step, reading.tier, holding.among(lines), reading.incomplete)


def _known(runtime: Runtime, wanted: Wanted) -> list[Known]:
    """Return the stored series that are wanted and have something of that time; raise UnknownSeries or StorageError."""
    known = runtime.history.catalogue(wanted.selectors)
    if missing := _missing(wanted, wanted.selectors, [one.series for one in known]):
        raise _unknown(missing, runtime.history.catalogue([]))
    start, end = whole(wanted)
    return [one for one in known if one.first < end and one.last[0] >= start]


def _look_for(runtime: Runtime, wanted: Wanted, missing: Sequence[Selector], *, none: bool) -> None:
    """Raise UnknownSeries when what is not live is not stored either; `none`: nothing that is wanted is live.

    When the disk does not tell, what is live is answered.
    """
    try:
        stored = runtime.history.catalogue(missing)
        if lost := _missing(wanted, missing, [one.series for one in stored]):
            raise _unknown(lost, runtime.history.catalogue([]))
    except StorageError:
        if none:
            raise _unknown(missing, ()) from None


def _missing(wanted: Wanted, selectors: Sequence[Selector], series: Sequence[Series]) -> Sequence[Selector]:
    """Return which selectors choose none of these series, and should: all, or those that have no pattern.

    One that has a pattern chooses what there is; only where nothing at all is chosen it is a fault, too.
    """
    if wanted.lenient:
        return ()
    if not series:
        return selectors
    left: dict[str, list[Selector]] = {}
    for selector in selectors:
        if selector.plain:
            left.setdefault(selector.name, []).append(selector)
    for one in series:
        if some := left.get(one.name):
            left[one.name] = [selector for selector in some if not selector.matches(one)]
    return [selector for some in left.values() for selector in some]


def _expected(known: Sequence[Known], start: float, end: float, step: float) -> float:
    """Return how many points an answer will have, or about how many where they are as collected."""
    if step:
        return (end - start) / step * len(known)
    return sum((min(end, one.last[0]) - max(start, one.first)) / (one.interval or 10.0) for one in known)


def _from_columns(columns: Iterable[Columns], start: float, end: float, step: float, raw: bool) -> list[Line]:
    return [_line(column, start, end, step, raw) for column in columns if column.times]


def _line(column: Columns, start: float, end: float, step: float, raw: bool) -> Line:
    times, values = column.times, column.values
    if column.counter and not raw:
        times, values = rates(times, values, column.interval)
    elif column.counter and times and times[0] < start:
        times, values = times[1:], values[1:]
    if step:
        points = bucketed(times, values, column.interval, start=start, end=end, step=step)
    else:
        points = collected(times, values, column.interval)
    last = (times[-1], short(values[-1])) if times else None
    series = column.series
    return Line(column.text, series.name, series.labels, column.counter, column.interval, column.source, last, points)


def _unknown(selectors: Sequence[Selector], known: Sequence[Known]) -> UnknownSeries:
    """Return the error for selectors that choose nothing, with names of known series that are written much alike."""
    texts = ", ".join(selector.text for selector in selectors[:3]) + (", …" if len(selectors) > 3 else "")
    alike = _alike(selectors, known)
    hint = f"did you mean {' or '.join(alike)}? " if alike else ""
    return UnknownSeries(
        "match",
        f"no series that is live or stored is chosen by {texts[:500]}: {hint}GET /api/v1/series lists all, "
        "and unknown=empty answers what there is",
    )


def _alike(selectors: Sequence[Selector], known: Sequence[Known]) -> list[str]:
    names = sorted({one.series.name for one in known})
    asked = next((selector.name for selector in selectors if selector.exact), "")
    from difflib import get_close_matches  # rarely needed, and a start has memory for what it needs

    return get_close_matches(asked, names, 3) if asked and len(names) <= _MANY else []


def _file_name(runtime: Runtime, start: float, end: float) -> str:
    """Return a name that says whose points these are, and of when: `web-1-20261122T030000Z-20261122T040000Z`."""
    spanned = (f"{datetime.fromtimestamp(int(time), UTC):%Y%m%dT%H%M%SZ}" for time in (start, end))
    return "-".join([_UNFIT.sub("-", runtime.instance), *spanned])


ROUTES = (Route("/api/v1/query_range", Role.VIEWER, query_range),)
