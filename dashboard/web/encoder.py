"""Encodes points as soon as they are read, series by series: all at once they would be a hundred megabytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from dashboard.history import Stretch
from dashboard.points import Point


class Encoder:
    """Takes each series from history: writes its points as JSON, and leaves those that may yet be replaced."""

    def __init__(self, since: Callable[[float], float]) -> None:
        """`since` gives for a step the time from which on points are left as they are."""
        self._since = since
        self.written: dict[str, bytes] = {}
        """By series, what stands between the brackets of its list before the points that were left."""
        self.last: dict[str, tuple[float, float] | None] = {}

    def __call__(self, stretch: Stretch, step: float) -> Stretch:
        """Return the series with the points that are left, with one before `since`, with which a hole may begin."""
        text, points = stretch.known.text, stretch.points
        since, count = self._since(step), len(points)
        while count and points[count - 1][0] >= since:
            count -= 1
        self.last[text] = last_of(points)
        if count < 2:
            return stretch
        self.written[text] = msgspec.json.encode(points[: count - 1])[1:-1]
        return Stretch(stretch.known, points[count - 1 :])


def last_of(points: Sequence[Point]) -> tuple[float, float] | None:
    """Return time and average of the last point that has any."""
    for time, average, _, _ in reversed(points):
        if average is not None:
            return time, average
    return None
