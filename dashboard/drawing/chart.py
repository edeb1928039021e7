"""Lines and areas over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from dashboard.drawing.colour import DASHES, mix
from dashboard.drawing.coverage import Coverage, Span, coverage, shown_blind, unknown
from dashboard.drawing.legend import ROW, draw_legend, page_rows, rows_of
from dashboard.drawing.name import width_of
from dashboard.drawing.notes import draw_notes, tell_notes
from dashboard.drawing.number import NBSP
from dashboard.drawing.panel import Box, content_of
from dashboard.drawing.plot import Plot
from dashboard.drawing.printed import Printed, printed, zone_name
from dashboard.drawing.scale import day_text
from dashboard.drawing.scene import Scene
from dashboard.drawing.svg import Pen, area, line
from dashboard.drawing.trace import Trace, Traces, peaks, trace

GUTTER, AXIS, RIGHT, TOP = 68.0, 22.0, 8.0, 8.0
"""What the axes take at the left, below, and what is left free at the right and above."""

_FIRST = 10.0  # seconds that the first samples may take after a time in which nobody watched
_TIGHT = 1.5  # how much wider than its room a label may be, which is then drawn smaller
_STRIP = 6.0  # height of the strip that marks the holes of single lines


def chart_box(scene: Scene, rows: int) -> Box:
    """Return the place between the axes of a chart whose legend has so many rows."""
    content = content_of(scene)
    bottom = content.bottom - rows * ROW
    return Box(content.left - 8 + GUTTER, content.top + TOP, content.right + 4 - RIGHT, bottom - AXIS)


def draw_chart(pen: Pen, scene: Scene) -> None:
    """Draw a panel of kind `line` or `area`."""
    traces = trace(scene)
    rows, content = rows_of(scene, traces), content_of(scene)
    plot = Plot(scene, chart_box(scene, rows))
    lines = [one.line for one in traces.traces]
    known, blind = coverage(lines, scene.start, scene.end), shown_blind(scene.blind, scene.start, scene.end)
    account = print_chart(scene, traces)
    draw_axes(pen, plot, account)
    _thresholds(pen, plot, traces)
    watched = plot.watched(unknown(blind, lines))
    if traces.banded:
        with pen.within("bands", watched):
            for one in traces.banded:
                _band(pen, plot, traces, one)
    draw_unknown(pen, plot, known, blind)
    draw_notes(pen, plot, scene.notes)
    _begin(pen, plot, known, blind)
    with pen.within("lines", watched):
        if not scene.panel.stack:
            _peaks(pen, plot, traces)
        _lines(pen, plot, traces)
        if scene.panel.stack:
            _peaks(pen, plot, traces)
    name_blind(pen, plot, blind)
    _tell_begin(pen, plot, known, blind)
    tell_notes(pen, plot, scene.notes)
    if not scene.panel.stack:
        _dots(pen, plot, traces)
    draw_legend(pen, scene, traces, Box(content.left, content.bottom - rows * ROW, content.right, content.bottom), rows)


def print_chart(scene: Scene, traces: Traces | None = None) -> Printed:
    """Return the account of a panel of kind `line` or `area`, with as many ticks as the page has at this size."""
    box = chart_box(scene, page_rows(scene))
    return printed(scene, traces or trace(scene), box.width, box.height)


def draw_axes(pen: Pen, plot: Plot, account: Printed) -> None:
    """Draw faint lines at round values, and the wall-clock times below, of which the first has the name of its zone."""
    palette, box = plot.scene.palette, plot.box
    below = box.bottom + AXIS / 2 + 1
    if account.y is not None:
        height = account.y.max - account.y.min
        for value, text in account.y.ticks:
            y = box.bottom - (value - account.y.min) / height * box.height
            pen.rect(box.left, round(y) - (1 if y >= box.bottom else 0), box.width, 1, palette.grid)
            room = GUTTER - 8
            # A unit that is a phrase stands in the legend alone: as small as that nobody could read it.
            label = text if width_of(text, 12) < _TIGHT * room else text.partition(NBSP)[0]
            size = min(12, 12 * room / width_of(label, 12))
            pen.write(box.left - 6, y, label, palette.muted, size=size, anchor="end")
    for at, (time, text) in enumerate(account.x.ticks if account.x is not None else ()):
        x = plot.x(time)
        pen.write(x, below, text, palette.muted, anchor="middle")
        if at == 0:
            zone, aside = zone_name(plot.scene), width_of(text, 12) / 2 + 3
            after = x + aside + width_of(zone, 12) <= box.right + RIGHT
            pen.write(x + (aside if after else -aside), below, zone, palette.muted, anchor="start" if after else "end")


def draw_unknown(pen: Pen, plot: Plot, known: Coverage, blind: Sequence[Span]) -> None:
    """Hatch what nobody knows, and tint the times in which nobody watched."""
    palette, box = plot.scene.palette, plot.box
    bands = _merged([plot.band(span) for span in blind])
    if known.holes or known.partial or bands:
        stripes = pen.hatch("unknown", palette.hatch, 8, 1.5)
        for x, width in [*map(plot.band, known.holes), *bands]:
            pen.rect(x, box.top, width, box.height, stripes)
        for x, width in map(plot.band, known.partial):
            pen.rect(x, box.bottom - _STRIP, width, _STRIP, stripes)
    for x, width in bands:
        pen.rect(x, box.top, width, box.height, palette.muted, fill_opacity=0.1)
        for edge in (x, x + width - 1):
            pen.rect(edge, box.top, 1, box.height, palette.muted, fill_opacity=0.45)


def name_blind(pen: Pen, plot: Plot, blind: Sequence[Span]) -> None:
    """Write into each band what it is, from when to when if there is room."""
    for span in blind:
        x, width = plot.band(span)
        for text in (f"blind {_between(plot.scene, span)}", "blind"):
            if width_of(text, 12) + 20 <= width:
                _tag(pen, plot, text, x + width / 2)
                break


def _thresholds(pen: Pen, plot: Plot, traces: Traces) -> None:
    palette, box = plot.scene.palette, plot.box
    for threshold in plot.scene.panel.thresholds:
        height = box.height * (1 - traces.ends.share(threshold.above))
        colour = palette.critical if threshold.severity == "critical" else palette.warning
        pen.rect(box.left, box.top, box.width, min(height, box.height), colour, fill_opacity=0.08)


def _merged(bands: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return bands that touch as one: in a long range many fall into one place."""
    found: list[tuple[float, float]] = []
    for x, width in sorted(bands):
        if found and x <= found[-1][0] + found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], x + width - found[-1][0]))
        else:
            found.append((x, width))
    return found


def _y(plot: Plot, traces: Traces, value: float) -> float:
    return plot.box.bottom - traces.ends.share(value) * plot.box.height


def _band(pen: Pen, plot: Plot, traces: Traces, one: Trace) -> None:
    """Fill from the lowest to the highest sample of each bucket, on whole pixels."""
    found = one.line
    data: dict[int, str] = {}
    reach: dict[int, tuple[float, float]] = {}
    for time, _, low, high in found.buckets(plot.scene.start - 2 * found.step):
        left, right = round(plot.x(time)), round(plot.x(time + found.step))
        lowest, highest = reach.get(left, (low, high))  # what is narrower than a pixel is seen with the next in it
        reach[left] = min(low, lowest), max(high, highest)
        bottom, top = (_y(plot, traces, value) for value in reach[left])
        data[left] = f"M{left} {top:.1f}H{right}V{bottom:.1f}H{left}z"
    pen.path("".join(data.values()), fill=one.colour, fill_opacity=0.2)


def _peaks(pen: Pen, plot: Plot, traces: Traces) -> None:
    """Draw a thin stroke from what is drawn to each sample that stands off from it."""
    strokes: dict[str, list[str]] = {}
    for colour, peak in peaks(plot.scene, traces, plot.box.width):
        x = math.floor(plot.x(peak.time + plot.scene.step / 2)) + 0.5
        data = f"M{x} {_y(plot, traces, peak.drawn):.1f}V{_y(plot, traces, peak.value):.1f}"
        strokes.setdefault(colour, []).append(data)
    for colour, parts in strokes.items():
        pen.path("".join(parts), fill="none", stroke=colour, stroke_width=1, stroke_opacity=0.5)


def _lines(pen: Pen, plot: Plot, traces: Traces) -> None:
    """Draw the lines, the first at last: in a stack each covers what is below its own part of the one above."""
    scene, shown = plot.scene, [one for one in traces.traces if not one.flat]
    filled = scene.panel.kind == "area" or len(traces.traces) == 1
    for one in reversed(shown):
        points = [(plot.x(time), _y(plot, traces, value)) for time, value in one.points]
        if filled and scene.panel.stack:
            pen.path(area(points, plot.box.bottom), fill=mix(one.colour, scene.palette.surface, 0.55))
        elif filled:
            pen.path(area(points, plot.box.bottom), fill=one.colour, fill_opacity=0.14)
        dashes = {"stroke_dasharray": " ".join(map(str, DASHES[one.dash]))} if DASHES[one.dash] else {}
        pen.path(line(points), fill="none", stroke=one.colour, stroke_width=1.5, stroke_linejoin="bevel", **dashes)


def _dots(pen: Pen, plot: Plot, traces: Traces) -> None:
    """Draw a dot at the newest value of each line that is not stale."""
    for one in traces.traces:
        last = next((point for point in reversed(one.points) if not math.isnan(point[1])), None)
        if last is not None and not plot.scene.past and not one.line.stale(plot.scene.now):
            pen.circle(min(plot.x(last[0]), plot.box.right), _y(plot, traces, last[1]), 2.5, one.colour)


def _begins(plot: Plot, known: Coverage, blind: Sequence[Span]) -> float | None:
    """Return where what nobody has said anything of ends: with the record, or with the blind time just before it."""
    if not math.isfinite(known.begin):
        return None
    before = (span.start for span in blind if span.start < known.begin and span.end > known.begin - _FIRST)
    edge = next(before, known.begin)
    return edge if edge > plot.scene.start + max(4.0, plot.scene.step) else None


def _begin(pen: Pen, plot: Plot, known: Coverage, blind: Sequence[Span]) -> None:
    if _begins(plot, known, blind) is None:
        return
    x, box = round(plot.x(known.begin)) + 0.5, plot.box
    data = f"M{x} {box.top:g}V{box.bottom:g}"
    pen.path(data, fill="none", stroke=plot.scene.palette.muted, stroke_width=1, stroke_dasharray="2 3")


def _tell_begin(pen: Pen, plot: Plot, known: Coverage, blind: Sequence[Span]) -> None:
    """Tell since when there is a record, left of where it begins if there is room: right of it are the lines."""
    edge = _begins(plot, known, blind)
    if edge is None:
        return
    scene, box = plot.scene, plot.box
    free = plot.x(edge)
    left = max([box.left, *(plot.x(span.end) for span in blind if plot.x(span.end) < free)])
    clock = _clock(scene, known.begin)
    for text in (f"recorded since {clock}", f"since {clock}"):
        wide = width_of(text, 12) + 16
        if wide <= free - left:
            plot.free(free - wide, free, 0)
            pen.rect(free - wide + 4, box.top + 5, wide - 8, 16, scene.palette.surface)
            pen.write(free - 8, box.top + 13, text, scene.palette.muted, anchor="end")
            return


def _tag(pen: Pen, plot: Plot, text: str, x: float) -> None:
    width = width_of(text, 12) + 8
    plot.free(x - width / 2, x + width / 2, 0)
    pen.rect(x - width / 2, plot.box.top + 5, width, 16, plot.scene.palette.surface)
    pen.write(x, plot.box.top + 13, text, plot.scene.palette.muted, anchor="middle")


def _clock(scene: Scene, time: float) -> str:
    """Write a time of the axis, with its day where the axis is longer than one."""
    at = datetime.fromtimestamp(time, scene.zone)
    return f"{day_text(at)} {at:%H:%M}" if scene.range > 86_400 else f"{at:%H:%M:%S}"


def _between(scene: Scene, span: Span) -> str:
    first, last = (datetime.fromtimestamp(time, scene.zone) for time in span)
    clocks = [f"{at:%H:%M:%S}" for at in (first, last)]
    if first.date() != last.date():
        clocks = [f"{day_text(at)} {clock}" for at, clock in zip((first, last), clocks, strict=True)]
    return "–".join(clocks)
