"""From what is asked for to what is drawn: the points, as pages get them, and what is known of their sources."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from dashboard.drawing import Line, Scene, draw, print_out
from dashboard.drawing.colour import counted, slots
from dashboard.drawing.coverage import Span
from dashboard.drawing.line import interval_then
from dashboard.drawing.scene import Note
from dashboard.drawing.standing import OVER_TIME, held, shown
from dashboard.errors import StorageError
from dashboard.model import Series
from dashboard.points import rates
from dashboard.selector import Selector
from dashboard.web import shapes
from dashboard.web.embed.asked import Asked, read
from dashboard.web.history import first_question, step_of
from dashboard.web.ranges import Found, find
from dashboard.web.routing import Context
from dashboard.web.wanted import Wanted

if TYPE_CHECKING:
    from dashboard.runtime import Runtime

_MOST_NOTES = 100
_ABSENCE = "No data: nothing has sent this in the time that is shown, or this machine has no such thing."


class Times(msgspec.Struct, frozen=True):
    """The ends of the axis, and the step of its points; `past`: it ends before the present, so nothing of it is old."""

    start: float
    end: float
    step: float
    past: bool


class Subject(msgspec.Struct, frozen=True):
    """What is known on the event loop; the scene is made of it in a thread.

    `newest` are the newest samples of series by their text, `reported` when each source gave its newest, `reasons` why
    sources are silent.
    """

    asked: Asked
    times: Times
    now: float
    instance: str
    found: Found
    newest: dict[str, tuple[float, float]]
    reported: dict[str, float]
    reasons: dict[str, str]
    blind: list[Span]
    notes: list[Note]

    def scene(self) -> Scene:
        """Return what is to be drawn."""
        asked, times = self.asked, self.times
        lines = [line for line in map(self._line, self.found.lines) if line.has_value or line.times]
        lines.sort(key=lambda line: counted(line.key))
        kind, now = asked.panel.kind, self.now
        if times.past:
            now = max((line.time for line in lines if line.has_value), default=times.end)
        gone = frozenset(line.key for line in lines if not times.past and self._is_gone(line))
        return Scene(
            panel=asked.panel,
            lines=held(lines, now, kind) if times.past else shown(lines, gone, now, kind, times.end - times.start),
            slots=slots((line.key, line.series) for line in lines),
            start=times.start,
            end=times.end,
            now=now,
            step=self.found.step,
            zone=asked.zone,
            width=asked.width,
            height=asked.height,
            theme=asked.theme,
            past=times.past,
            blind=self.blind,
            notes=self.notes,
            gone=gone,
            reasons=self.reasons,
            absence=_ABSENCE,
        )

    def _line(self, found: shapes.Line) -> Line:
        series = Series(found.name, found.labels)
        step, interval = self.found.step, found.interval
        if self.times.past:
            interval = interval_then(found.points, step, interval)
        middle = step / 2 if (interval or step) < step else 0.0
        last = self.newest.get(found.text) or _told(found, middle)
        return Line(
            series,
            found.points,
            step,
            last=last,
            counter=found.counter,
            interval=interval,
            source=found.source,
            first=math.inf if found.first is None else found.first,
            afar=(series.label("instance") or self.instance) != self.instance,
        )

    def _is_gone(self, line: Line) -> bool:
        """Tell whether a line's source goes on without it: its device has vanished."""
        newest = self.reported.get(line.source, -math.inf)
        return line.stale(self.now) and newest - line.time > 2 * (line.interval or 1.0)


class Image(NamedTuple):
    """SVG, and its size in pixels."""

    svg: str
    width: int
    height: int


async def drawn(context: Context, chart: str) -> Image:
    """Return the image of a chart; raise what `asked.read` does, and TooManyPoints."""
    subject = await _subject(context, chart)
    svg = await asyncio.to_thread(lambda: draw(subject.scene()))
    return Image(svg, subject.asked.width, subject.asked.height)


async def printed(context: Context, chart: str) -> bytes:
    """Return the account of a chart's image as JSON; raise what `asked.read` does, and TooManyPoints."""
    subject = await _subject(context, chart)
    return await asyncio.to_thread(lambda: msgspec.json.encode(print_out(subject.scene())))


async def _subject(context: Context, chart: str) -> Subject:
    runtime = context.runtime
    now = runtime.clock.wall()
    asked = read(context, chart, now)
    times = await _times(context, asked, now)
    found = await find(runtime, _wanted(asked, times))
    newest = {} if times.past else _newest(runtime, found)
    silent = not times.past and any(_is_old(line, newest.get(line.text), now) for line in found.lines)
    return Subject(
        asked=asked,
        times=times,
        now=now,
        instance=runtime.instance,
        found=found,
        newest=newest,
        reported=_reported(runtime) if silent else {},
        reasons=_reasons(runtime) if silent else {},
        notes=await _notes(runtime, times) if asked.panel.kind in OVER_TIME else [],
        blind=[Span(blind.start, blind.end) for blind in runtime.blind_log.between(times.start, times.end)],
    )


async def _times(context: Context, asked: Asked, now: float) -> Times:
    """Return the time that an image shows: what a page shows of the same range."""
    if asked.span is not None:
        start, end = asked.span
        step = step_of(end - start)
        return Times(start, end, step, past=end < now - step - 1)
    question = await first_question(context, asked.board)
    end = math.ceil(now)
    return Times(end - question.range, end, question.step, past=False)


def _wanted(asked: Asked, times: Times) -> Wanted:
    """Return the question for the points of an image: as a page asks; what goes on has two before its left end."""
    before, ahead = (0.0, 0.0) if times.past else (2 * times.step, 1.0)
    return Wanted(
        [Selector.parse(text) for text in asked.panel.series],
        times.start - before,
        times.end + ahead,
        times.step,
        raw=False,
        form="json",
        lenient=True,
        download=False,
    )


def _newest(runtime: Runtime, found: Found) -> dict[str, tuple[float, float]]:
    """Return the newest samples of series by their text, exactly as they came; of counters the newest rates."""
    newest: dict[str, tuple[float, float]] = {}
    for one in found.lines:
        line = runtime.window.line(one.text)
        if line is None:
            continue
        times: Sequence[float] = line.times[-2:]
        values: Sequence[float] = line.values[-2:]
        if one.counter:
            times, values = rates(times, values, line.interval)
        if times:
            newest[one.text] = times[-1], values[-1]
    return newest


def _told(found: shapes.Line, middle: float) -> tuple[float, float] | None:
    """Return the newest point that has a value, in the middle of its bucket, as pages have it of a past."""
    points = reversed(found.points)
    return next(((time + middle, mean) for time, mean, _, _ in points if mean is not None), None)


def _is_old(found: shapes.Line, newest: tuple[float, float] | None, now: float) -> bool:
    return newest is None or now - newest[0] > 2 * (found.interval or 1.0) + 1


async def _notes(runtime: Runtime, times: Times) -> list[Note]:
    """Return the annotations of the axis; a chart is true without them, when the disk does not give them."""
    try:
        found = await asyncio.to_thread(runtime.annotations.between, times.start, times.end, _MOST_NOTES)
    except StorageError:
        return []
    return [Note(one.start, one.end, one.text) for one in found]


def _reported(runtime: Runtime) -> dict[str, float]:
    """Return when each source gave the newest of its samples."""
    found: dict[str, float] = {}
    for line in runtime.window.select(()):
        found[line.source] = max(found.get(line.source, 0.0), line.last[0])
    return found


def _reasons(runtime: Runtime) -> dict[str, str]:
    """Return why collectors are silent, by their source."""
    return {
        state.source: f"collector {state.name}: {state.error or 'it is late'}"
        for state in runtime.states()
        if state.state in ("failed", "late")
    }
