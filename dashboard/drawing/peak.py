"""The highest and lowest samples where points are rolled up, so that no average hides a spike.

The rules are those of `static/js/peak.js`; `tests/cases/drawing.json` holds both to them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dashboard.drawing.colour import is_neutral
from dashboard.drawing.line import Line
from dashboard.drawing.scale import drawable

_ROOM = 12.0  # pixels of the time axis that have one mark at most
_LEAST = 0.05  # part of the value axis by which a sample stands off


class Peak(NamedTuple):
    """Of a bucket, by its start in Unix seconds: the value that is drawn of it, and its highest or lowest sample."""

    time: float
    drawn: float
    value: float

    @property
    def reach(self) -> float:
        """Return how far they are apart."""
        return abs(self.value - self.drawn)


def in_use(lines: Sequence[Line]) -> Sequence[Line]:
    """Return the parts of a stack that are in use; where none of them says that, all."""
    return [line for line in lines if not is_neutral(line.series)] or lines


def summed(lines: Iterable[Line], start: float) -> list[Peak]:
    """Return of each bucket since a time the sum of the averages, and how high the sum was at least.

    It was as high as on average, and while one of the lines was at its highest the others were not below their lowest.
    """
    seen: dict[float, tuple[float, float, float]] = {}
    for line in lines:
        for time, mean, low, high in line.buckets(start):
            means, lows, spread = seen.get(time, (0.0, 0.0, 0.0))
            seen[time] = means + mean, lows + low, max(spread, drawable(high) - drawable(low))
    ordered = sorted(seen.items())
    return [Peak(time, drawable(mean), drawable(max(mean, low + spread))) for time, (mean, low, spread) in ordered]


def highs(line: Line, start: float) -> list[Peak]:
    """Return the highest sample of each bucket since a time."""
    return [Peak(time, drawable(mean), drawable(high)) for time, mean, _, high in line.buckets(start)]


def lows(line: Line, start: float) -> list[Peak]:
    """Return the lowest sample of each bucket since a time."""
    return [Peak(time, drawable(mean), drawable(low)) for time, mean, low, _ in line.buckets(start)]


def grain(step: float, span: float, width: float) -> float:
    """Return the seconds that have one mark at most, in whole buckets, where so many seconds are so many pixels."""
    return step * max(1, math.ceil(_ROOM * span / max(width, 1.0) / step))


def lone(peaks: Iterable[Peak], seconds: float) -> list[Peak]:
    """Return of each time the farthest peak, from the second there on: where bands are drawn, it alone is so narrow."""
    groups: dict[float, list[Peak]] = {}
    for peak in peaks:
        groups.setdefault(peak.time // seconds, []).append(peak)
    ordered = (sorted(group, key=lambda peak: -peak.reach) for group in groups.values())
    return [first._replace(drawn=others[0].value) for first, *others in ordered if others]


def standing_off(peaks: Iterable[Peak], seconds: float, height: float) -> list[Peak]:
    """Return the peaks that stand off from what is drawn by a part of the axis' height, the farthest of each time."""
    kept: dict[float, Peak] = {}
    for peak in peaks:
        other = kept.get(peak.time // seconds)
        if peak.reach >= _LEAST * height and (other is None or peak.reach > other.reach):
            kept[peak.time // seconds] = peak
    return list(kept.values())
