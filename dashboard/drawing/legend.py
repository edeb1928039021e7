"""The names of a chart's lines with their values, in cells of one width, as the page lays them out."""

from __future__ import annotations

import math

from dashboard.drawing.name import fit, legend_names, tell_apart, width_of
from dashboard.drawing.number import age
from dashboard.drawing.panel import Box
from dashboard.drawing.scene import Scene
from dashboard.drawing.svg import Pen
from dashboard.drawing.trace import Trace, Traces

ROW = 20.0
"""Height of a row of cells."""

_CELL, _COMFORT, _GAP = 120.0, 160.0, 12.0
_SIZE = 12.0
_SHORT = 10  # characters of a value
_CHARACTER = 0.55
_SWATCH = 10.0
_LOW, _HIGH = 208.0, 320.0  # heights of images below and above which there are fewer and more rows


def rows_of(scene: Scene, traces: Traces) -> int:
    """Return how many rows the legend of a chart takes."""
    most = 4 if scene.height >= _HIGH else page_rows(scene)
    return min(most, math.ceil((len(traces.traces) + bool(traces.undrawn)) / _columns(scene, traces, most)))


def page_rows(scene: Scene) -> int:
    """Return how many rows the page gives to the legend of a chart of this height, whether it needs them or not."""
    return 1 if scene.height < _LOW else 2


def draw_legend(pen: Pen, scene: Scene, traces: Traces, box: Box, rows: int) -> None:
    """Write each line's name and value, and how many lines have no cell."""
    columns = _columns(scene, traces, rows)
    width = (box.width + _GAP) / columns - _GAP
    names = legend_names(scene.panel.legend, [one.line.named for one in traces.traces])
    cells = list(zip(traces.traces, tell_apart(names), strict=True))
    room = columns * rows
    fitting = room - 1 if len(cells) + bool(traces.undrawn) > room else len(cells)
    for at, (one, parts) in enumerate(cells[:fitting]):
        _cell(pen, scene, one, parts, _place(box, at, columns, width))
    more = len(cells) - min(fitting, len(cells)) + traces.undrawn
    if more:
        place = _place(box, min(fitting, len(cells)), columns, width)
        pen.write(place.left, (place.top + place.bottom) / 2, f"and {more} more", scene.palette.muted)


def draw_swatch(pen: Pen, x: float, y: float, colour: str, dash: int) -> None:
    """Draw the sign of a line, whose middle is at `y`."""
    top = y - _SWATCH / 2
    if not dash:
        pen.rect(x, top, _SWATCH, _SWATCH, colour, round=2)
    for part in ((0, 4), (6, 4)) if dash == 1 else ((0, 2), (4, 2), (8, 2)) if dash else ():
        pen.rect(x + part[0], top, part[1], _SWATCH, colour)


def _columns(scene: Scene, traces: Traces, rows: int) -> int:
    width = scene.width - 26 + _GAP
    names = legend_names(scene.panel.legend, [one.line.named for one in traces.traces])
    longest = max(map(len, names), default=0)
    count = len(names) + bool(traces.undrawn)
    needed = max(_COMFORT, 2 * _SIZE + (longest + _SHORT) * _CHARACTER * _SIZE)
    comfortable, fitting = (max(1, int(width // (cell + _GAP))) for cell in (needed, _CELL))
    return min(fitting, max(1, min(comfortable, count), math.ceil(count / rows)))


def _place(box: Box, at: int, columns: int, width: float) -> Box:
    left = box.left + at % columns * (width + _GAP)
    top = box.top + at // columns * ROW
    return Box(left, top, left + width, top + ROW)


def _cell(pen: Pen, scene: Scene, one: Trace, parts: list[str], place: Box) -> None:
    palette, middle = scene.palette, (place.top + place.bottom) / 2
    stale = not scene.past and one.line.has_value and one.line.stale(scene.now)
    value = scene.text(one.line)
    if one.line.has_value and not scene.past and (stale or one.line.interval is None):
        told = f"{age(scene.now - one.line.time)} ago"
        value = told if stale and width_of(f"{value} {told}", _SIZE) > place.width / 2 else f"{value} {told}"
    taken = width_of(value, _SIZE)
    draw_swatch(pen, place.left, middle, one.colour, one.dash)
    left = place.left + _SWATCH + 6
    name = fit(parts, place.right - left - taken - 6, lambda text: width_of(text, _SIZE))
    pen.write(left, middle, name, palette.muted)
    pen.write(place.right, middle, value, palette.muted if stale else palette.text, weight=500, anchor="end")
