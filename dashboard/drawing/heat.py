"""A row for each line, a column for each moment, the highest value of each as depth of one colour."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dashboard.drawing.chart import AXIS, GUTTER, RIGHT, draw_axes, draw_unknown, name_blind
from dashboard.drawing.colour import mix
from dashboard.drawing.coverage import coverage, shown_blind, unknown
from dashboard.drawing.line import Line
from dashboard.drawing.name import fit, names_of, tell_apart, width_of
from dashboard.drawing.notes import draw_notes, tell_notes
from dashboard.drawing.number import age, tick
from dashboard.drawing.panel import Box, content_of, shortened
from dashboard.drawing.plot import Plot
from dashboard.drawing.printed import Printed, ValueAxis, account, printed_line, time_axis
from dashboard.drawing.scale import Ends, bounds, full_of, round_up
from dashboard.drawing.scene import Scene
from dashboard.drawing.svg import Pen

_NOW = 20.0  # height of the line that tells the highest
_TOP = 5.0
_SHADES = 24
_NAMES = 0.3  # part of the width that names may take


def draw_heat(pen: Pen, scene: Scene) -> None:
    """Draw a panel of kind `heat`."""
    content = content_of(scene)
    names = names_of(scene.panel.legend, [line.named for line in scene.lines])
    gutter, labels = _labels(names, content.width + 12)
    plot = Plot(scene, _box(scene, gutter))
    ends = heat_ends(scene)
    lines = scene.lines[: max(1, int(plot.box.height))]  # a row of less than a pixel says nothing
    _tell(pen, scene, names, ends, len(lines))
    known, blind = coverage(lines, scene.start, scene.end), shown_blind(scene.blind, scene.start, scene.end)
    draw_unknown(pen, plot, known._replace(partial=[]), blind)
    row = plot.box.height / max(1, len(lines))
    gap = 2.0 if row > 6 else 1.0 if row > 3 else 0.0
    every = max(1, math.ceil(16 / row)) if row else 1
    shades = [_of_heat(scene, at) for at in range(_SHADES)]
    cells: dict[str, list[str]] = {}
    with pen.within("watched", plot.watched(unknown(blind, lines))):
        for at, line in enumerate(lines):
            unit = scene.panel.unit or line.unit
            top = plot.box.top + at * row
            for depth, left, right in cells_of(line, plot, ends[unit]):
                cell = f"M{left} {top:.1f}H{right}v{row - gap:.1f}H{left}z"
                cells.setdefault(shades[depth], []).append(cell)
        for shade, data in sorted(cells.items()):
            pen.path("".join(data), fill=shade, shape_rendering="crispEdges")
    for at in range(0, len(lines), every):
        middle = plot.box.top + (at + 0.5) * row
        pen.write(plot.box.left - 8, middle, labels[at], scene.palette.muted, anchor="end")
    draw_notes(pen, plot, scene.notes)
    name_blind(pen, plot, blind)
    tell_notes(pen, plot, scene.notes)
    draw_axes(pen, plot, account(scene, "", [], x=time_axis(scene, plot.box.width)))


def print_heat(scene: Scene) -> Printed:
    """Return the account of a panel of kind `heat`; its colours are those of the present values."""
    names = names_of(scene.panel.legend, [line.named for line in scene.lines])
    gutter, _ = _labels(names, content_of(scene).width + 12)
    ends = heat_ends(scene)
    lines = [
        printed_line(scene, line, name, _shade(scene, line.value, ends[scene.panel.unit or line.unit]))
        for line, name in zip(scene.lines, names, strict=True)
    ]
    unit, first = next(iter(ends.items()), ("", Ends(0, 1)))
    known = coverage(scene.lines, scene.start, scene.end)
    x = time_axis(scene, _box(scene, gutter).width)
    return account(scene, unit, lines, x=x, y=ValueAxis(first.min, first.max, []), known=known)


def _box(scene: Scene, gutter: float) -> Box:
    content = content_of(scene)
    top = content.top + _NOW
    return Box(content.left - 8 + gutter, top + _TOP, content.right + 4 - RIGHT, content.bottom - AXIS)


def _labels(names: Sequence[str], width: float) -> tuple[float, list[str]]:
    """Return the room that names have, and what of them fits."""

    def measure(text: str) -> float:
        return width_of(text, 12)

    widest = max(map(measure, names), default=0.0)
    wide = widest > GUTTER - 8 and width * _NAMES > GUTTER
    gutter = max(GUTTER, min(widest + 14, width * _NAMES)) if wide else GUTTER
    return gutter, [fit(parts, gutter - (14 if wide else 8), measure) for parts in tell_apart(names)]


def heat_ends(scene: Scene) -> dict[str, Ends]:
    """Return what the palest and the darkest shade stand for, by unit."""
    seen: dict[str, tuple[float, float]] = {}
    for line in scene.lines:
        unit = scene.panel.unit or line.unit
        low, high = seen.get(unit, (0.0, 0.0))
        pairs = zip(line.times, line.highs, strict=True)
        values = [high for time, high in pairs if time + line.step > scene.start and not math.isnan(high)]
        if scene.start < line.time <= scene.end:
            values.append(line.value)
        seen[unit] = min([low, *values]), max([high, *values])
    return {unit: _reach(scene, unit, low, high) for unit, (low, high) in seen.items()}


def _reach(scene: Scene, unit: str, low: float, high: float) -> Ends:
    panel, full = scene.panel, full_of(unit)
    least = panel.min if panel.min is not None else -round_up(-low, unit) or 0.0
    top = round_up(high, unit)
    most = panel.max if panel.max is not None else full if full is not None else top
    return bounds(least, most if most > least or least < 0 else least + 1)


def _tell(pen: Pen, scene: Scene, names: Sequence[str], ends: dict[str, Ends], drawn: int) -> None:
    """Say which line is the highest, what the shades stand for, and how many lines have no room."""
    content, muted = content_of(scene), scene.palette.muted
    key = " · ".join(
        f"{f'palest: {tick(one.min, unit)}, ' if one.min else ''}darkest: {tick(one.max, unit)}"
        for unit, one in ends.items()
    )
    if any(line.coarse for line in scene.lines):
        key += f" · peak of each {age(scene.step)}"
    if drawn < len(scene.lines):
        key = f"{drawn} drawn · {key}"
    key = shortened(key, content.width * 0.5)
    pen.write(content.right, content.top + _NOW / 2, key, muted, anchor="end")
    known = [(line, name) for line, name in zip(scene.lines, names, strict=True) if line.has_value]
    if known:
        line, name = max(known, key=lambda pair: pair[0].value)
        text = f"highest of {len(scene.lines)}: {scene.text(line)} ({name})"
        room = content.width - width_of(key, 12) - 12
        pen.write(content.left, content.top + _NOW / 2, shortened(text, room), muted)


def _shade(scene: Scene, value: float, ends: Ends) -> str:
    """Return the colour of a value."""
    return scene.palette.surface if math.isnan(value) else _of_heat(scene, _depth(value, ends))


def _of_heat(scene: Scene, depth: int) -> str:
    pale, dark = scene.palette.heat
    return mix(dark, pale, depth / (_SHADES - 1))


def _depth(value: float, ends: Ends) -> int:
    """Return which of the shades a value has."""
    return math.floor(min(1.0, max(0.0, ends.share(value))) * (_SHADES - 1) + 0.5)


def cells_of(line: Line, plot: Plot, ends: Ends) -> list[tuple[int, int, int]]:
    """Return the shades of a line, by their depth, with the whole pixels from and to which it has each.

    A bucket is as dark as its highest sample, and of those that share a pixel the darkest has it.
    """
    scene, cells = plot.scene, list[tuple[int, int, int]]()
    ahead = [*line.times[1:], *(time + line.step for time in line.times[-1:])]
    for time, after, high in zip(line.times, ahead, line.highs, strict=True):
        begin, end = max(scene.start, time), min(scene.end, after)
        if end <= begin or math.isnan(high):
            continue
        depth, left, right = _depth(high, ends), math.floor(plot.x(begin)), math.ceil(plot.x(end))
        if cells:
            before, start, edge = cells[-1]
            if before == depth and edge >= left:
                cells[-1] = (depth, start, max(edge, right))
                continue
            if before > depth:
                left = max(left, edge)
            elif start < left < edge:
                cells[-1] = (before, start, left)
            elif left < edge:
                cells.pop()
        if left < right:
            cells.append((depth, left, right))
    return cells
