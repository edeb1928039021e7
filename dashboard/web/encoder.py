"""Encodes points as soon as they are read, series by series: all at once they would be a hundred megabytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dashboard.history import Known, Points, Stretch
from dashboard.points import Point


class Encoder:
    """Takes each series from history: writes its points as JSON, and leaves those that may yet be replaced."""

    def __init__(self, since: Callable[[float], float]) -> None:
        """`since` gives for a step the time from which on points are left as they are."""
        self._since = since
        self.written: dict[str, bytes] = {}
        """By series, what stands between the brackets of its list before the points that were left."""
        self.last: dict[str, tuple[float, float] | None] = {}

    def __call__(self, known: Known, found: Points, step: float) -> Stretch:
        """Return the series with the points that are left, the last that has values among them."""
        self.written[known.text], rest = found.split(self._since(step))
        self.last[known.text] = last_of(rest)
        return Stretch(known, rest)


def last_of(points: Sequence[Point]) -> tuple[float, float] | None:
    """Return time and average of the last point that has any."""
    for time, average, _, _ in reversed(points):
        if average is not None:
            return time, average
    return None
