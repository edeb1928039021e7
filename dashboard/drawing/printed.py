"""What an image shows, in numbers and words; a chart of the page prints the same of itself (`static/js/drawing.js`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import msgspec

from dashboard.drawing.coverage import Coverage, Span, coverage, shown_blind
from dashboard.drawing.line import Line
from dashboard.drawing.name import legend_names
from dashboard.drawing.number import tick
from dashboard.drawing.scale import Ends, most_ticks, offset_of, time_text, time_ticks, value_ticks
from dashboard.drawing.scene import Scene
from dashboard.drawing.trace import Traces

ROOM = 96
"""Pixels of a time axis for each of its labels."""


class TimeAxis(msgspec.Struct, frozen=True):
    """Its ends in Unix seconds, the name of its zone, and each tick with its text."""

    min: float
    max: float
    zone: str
    ticks: list[tuple[float, str]]


class ValueAxis(msgspec.Struct, frozen=True):
    """Its ends, and each tick with its text."""

    min: float
    max: float
    ticks: list[tuple[float, str]]


class PrintedLine(msgspec.Struct, frozen=True):
    """A line: what it is called, how it looks, and its newest value with its time; None where it has none.

    `peak` is its highest sample with the start of that point, where points are rolled up.
    """

    series: str
    name: str
    colour: str
    dash: int
    time: float | None
    value: float | None
    text: str
    stale: bool
    peak: tuple[float, float] | None = None


class PrintedThreshold(msgspec.Struct, frozen=True):
    """A threshold and its colour."""

    above: float
    severity: str
    colour: str


class Printed(msgspec.Struct, frozen=True):
    """The one account of a chart: axes, lines, thresholds, and where nothing is known.

    `more` lines are not drawn; `since` is the first point that there is, `holes` and `blind` are times. Kinds without
    an axis have None in its place.
    """

    title: str
    kind: str
    unit: str
    x: TimeAxis | None
    y: ValueAxis | None
    lines: list[PrintedLine]
    more: int
    thresholds: list[PrintedThreshold]
    since: float | None
    holes: list[Span]
    blind: list[Span]


def printed(scene: Scene, traces: Traces, width: float, height: float) -> Printed:
    """Return the account of a chart whose axes are so many pixels apart."""
    names = legend_names(scene.panel.legend, [one.line.named for one in traces.traces])
    known = coverage([one.line for one in traces.traces], scene.start, scene.end)
    lines = [
        printed_line(scene, one.line, name, one.colour, one.dash)
        for one, name in zip(traces.traces, names, strict=True)
    ]
    values = value_axis(traces.ends, traces.unit, most_ticks(height))
    return account(scene, traces.unit, lines, x=time_axis(scene, width), y=values, more=traces.undrawn, known=known)


def account(
    scene: Scene,
    unit: str,
    lines: list[PrintedLine],
    *,
    x: TimeAxis | None = None,
    y: ValueAxis | None = None,
    more: int = 0,
    known: Coverage | None = None,
) -> Printed:
    """Return what an image of any kind shows."""
    palette = scene.palette
    return Printed(
        title=scene.panel.title,
        kind=scene.panel.kind,
        unit=unit,
        x=x,
        y=y,
        lines=lines,
        more=more,
        thresholds=[
            PrintedThreshold(
                threshold.above,
                threshold.severity,
                palette.critical if threshold.severity == "critical" else palette.warning,
            )
            for threshold in scene.panel.thresholds
        ],
        since=known.begin if known is not None and math.isfinite(known.begin) else None,
        holes=known.holes if known is not None else [],
        blind=shown_blind(scene.blind, scene.start, scene.end) if x is not None else [],
    )


def printed_line(scene: Scene, line: Line, name: str, colour: str, dash: int = 0) -> PrintedLine:
    """Return the account of one line."""
    return PrintedLine(
        series=line.key,
        name=name,
        colour=colour,
        dash=dash,
        time=line.time if line.has_value else None,
        value=line.value if line.has_value else None,
        text=scene.text(line),
        stale=not scene.past and line.stale(scene.now),
        peak=line.peak(scene.start),
    )


def time_axis(scene: Scene, width: float) -> TimeAxis:
    """Return the time axis of so many pixels."""
    times = time_ticks(scene.start, scene.end, width, ROOM, offset_of(scene.zone))
    ticks = [(time, time_text(time, scene.zone)) for time in times]
    return TimeAxis(scene.start, scene.end, zone_name(scene), ticks)


def value_axis(ends: Ends, unit: str, most: int) -> ValueAxis:
    """Return a value axis with so many ticks at most."""
    ticks: Sequence[float] = value_ticks(ends.min, ends.max, unit, most)
    return ValueAxis(ends.min, ends.max, [(value, tick(value, unit)) for value in ticks])


def zone_name(scene: Scene) -> str:
    """Return the short name of the zone at the end of the axis: `UTC`, `CET`, `UTC+03`."""
    name = datetime.fromtimestamp(scene.end, scene.zone).tzname() or "UTC"
    return f"UTC{name}" if name.startswith(("+", "-")) else name
