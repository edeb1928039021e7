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
from dashboard.drawing.peak import Peak, grain, highs, in_use, lone, lows, standing_off, summed
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
    """What is drawn, and what it all lies between.

    Where points are rolled up some lines have bands (`banded`), others marks of their peaks (`peaked`); `tops` is how
    high a stack was at least. `undrawn` lines are not drawn.
    """

    traces: list[Trace]
    banded: list[Trace]
    peaked: list[Trace]
    tops: list[Peak]
    undrawn: int
    unit: str
    ends: Ends


def choose(lines: Sequence[Line], stack: bool, slots: Mapping[str, int]) -> list[Line]:
    """Return the lines to draw, in their order.

    A stack has what is in use at its bottom and what is not at its top, and between them the order of the colours.
    Where points are rolled up the largest are those with the highest samples: a spike is drawn, whoever has it.
    """
    chosen = list(lines)
    if len(lines) > MOST:
        rolled = any(line.coarse for line in lines)
        chosen = sorted(lines, key=lambda line: -(line.highest if rolled else line.average))[:MOST]
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
    coarse = [one for one in traces if one.line.coarse]
    tops = summed(in_use(chosen), scene.start) if panel.stack and coarse else []
    highest = max([highest, *(peak.value for peak in tops)])
    alone = [] if panel.stack else coarse
    for one in alone:
        low, high = one.line.extremes(scene.start)
        highest, lowest = max(highest, high), min(lowest, low)
    banded, peaked = (alone, []) if len(traces) <= MOST_BANDS else ([], alone)
    unit, ends = axis_unit(panel, chosen), limits(panel, lowest, highest)
    return Traces(traces, banded, peaked, tops, len(scene.lines) - len(chosen), unit, ends)


def peaks(scene: Scene, traces: Traces, width: float) -> list[tuple[str, Peak]]:
    """Return the marks of samples that stand off from what is drawn, each with its colour.

    The time axis has so many pixels. Within bands only such are marked as would be too narrow to be seen.
    """
    seconds, height = grain(scene.step, scene.range, width), traces.ends.max - traces.ends.min
    marks = [(scene.palette.text, peak) for peak in standing_off(traces.tops, seconds, height)]
    for one in [*traces.banded, *traces.peaked]:
        for found in (highs(one.line, scene.start), lows(one.line, scene.start)):
            own = lone(found, seconds) if traces.banded else found
            marks += [(one.colour, peak) for peak in standing_off(own, seconds, height)]
    return marks


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
