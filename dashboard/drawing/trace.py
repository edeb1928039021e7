"""What a chart makes of its lines: which it draws, in which colour, where, and between which ends of its axis.

The rules are those of `static/js/trace.js`; `tests/cases/drawing.json` holds both to them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dashboard.drawing.colour import place, stroke
from dashboard.drawing.line import Line
from dashboard.drawing.number import unit_of
from dashboard.drawing.scale import Ends, bounds, drawable, top_of
from dashboard.drawing.scene import PanelSpec, Scene

MOST = 8
"""Lines drawn in one chart; of more, the largest are drawn and the others counted."""

MOST_BANDS = 4
"""Of more lines at once the bands from their lowest to their highest samples would hide one another."""


class Trace(NamedTuple):
    """A line as it is drawn: its points, NaN in holes; `flat`: it would only draw its edge over its neighbour's."""

    line: Line
    colour: str
    dash: int
    points: list[tuple[float, float]]
    flat: bool


class Traces(NamedTuple):
    """What is drawn, which of it with bands, how many lines are not, and what they all lie between."""

    traces: list[Trace]
    banded: list[Trace]
    undrawn: int
    unit: str
    ends: Ends


def choose(lines: Sequence[Line], stack: bool, slots: Mapping[str, int]) -> list[Line]:
    """Return the lines to draw, in their order.

    A stack has what is in use at its bottom and what is not at its top, and between them the order of the colours.
    """
    chosen = list(lines)
    if len(lines) > MOST:
        chosen = sorted(lines, key=lambda line: -line.average)[:MOST]
    if stack:
        chosen.sort(key=lambda line: (place(line.series), slots.get(line.key, 0)))
    return chosen


def trace(scene: Scene) -> Traces:
    """Draw the lines of a scene into traces."""
    panel = scene.panel
    chosen = choose(scene.lines, panel.stack, scene.slots)
    sums: dict[float, float] | None = {} if panel.stack else None
    traces: list[Trace] = []
    highest = lowest = 0.0
    for line in chosen:
        before = highest
        points = _stacked(line.drawn(scene.start - 2 * line.step), sums)
        highest = max([highest, *(value for time, value in points if value > 0 and time <= scene.end)])
        lowest = min([lowest, *(value for _, value in points if value < 0)])
        flat = sums is not None and before > 0 and line.value == 0 and line.average == 0
        traces.append(Trace(line, *stroke(line.series, scene.slots.get(line.key, 0), scene.palette), points, flat))
    banded = [] if panel.stack or len(traces) > MOST_BANDS else [one for one in traces if one.line.coarse]
    for one in banded:
        low, high = one.line.extremes(scene.start)
        highest, lowest = max(highest, high), min(lowest, low)
    unit, ends = axis_unit(panel, chosen), limits(panel, lowest, highest)
    return Traces(traces, banded, len(scene.lines) - len(chosen), unit, ends)


def limits(panel: PanelSpec, lowest: float, highest: float) -> Ends:
    """Return the ends of the value axis."""
    high = panel.max if panel.max is not None else top_of(highest, 1.04 if panel.stack else 1.15)
    low = panel.min if panel.min is not None else -top_of(-lowest, 1.15) if lowest < 0 else 0.0
    return bounds(low, high)


def axis_unit(panel: PanelSpec, lines: Sequence[Line]) -> str:
    """Return the unit of the axis; values of several units share none."""
    units = {line.unit for line in lines}
    if panel.unit or len(units) > 1:
        return panel.unit
    name = panel.series[0] if panel.series else ""
    return units.pop() if units else unit_of(name, name.endswith("_total"))


def _stacked(points: list[tuple[float, float]], sums: dict[float, float] | None) -> list[tuple[float, float]]:
    if sums is None:
        return [(time, drawable(value)) for time, value in points]
    laid: list[tuple[float, float]] = []
    for time, value in points:
        top = drawable(sums.get(time, 0.0) + value)
        if not math.isnan(value):
            sums[time] = top
        laid.append((time, top))
    return laid
