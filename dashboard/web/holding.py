"""What still holds of series that come so seldom that an answer up to now may have no point of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dashboard.points import rates, short
from dashboard.web.shapes import Line
from dashboard.web.wanted import Wanted, whole
from dashboard.window import Line as Held
from dashboard.window import Window

SLACK = 15.0
"""Seconds that a question may have been on its way, and still be one up to now."""


class Holding:
    """The newest samples, from before a question, of those series of it whose next is not overdue; copied at once."""

    def __init__(self, window: Window, lines: Iterable[Held], wanted: Wanted, now: float) -> None:
        """Take them from `lines`; of a question that does not reach up to `now`, in Unix seconds, there are none."""
        self._raw = wanted.raw
        start, end = whole(wanted)
        since = start if start <= now <= end + SLACK else -math.inf
        self._newest = [window.newest(line) for line in lines if line.last[0] < since and line.holds(now)]

    def among(self, answered: Sequence[Line]) -> Sequence[Line]:
        """Return an answer with what still holds besides, sorted by text; a counter's value is its rate."""
        held: dict[str, Line] = {}
        for one in self._newest:
            times, values = one.times, one.values
            if one.counter and not self._raw:
                times, values = rates(times, values, one.interval)
            if times:
                last = (times[-1], short(values[-1]))
                name, labels = one.series.name, one.series.labels
                held[one.text] = Line(one.text, name, labels, one.counter, one.interval, one.source, last, [])
        told = [line for line in answered if line.last is not None or line.text not in held]
        for line in told:
            held.pop(line.text, None)
        return sorted([*told, *held.values()], key=lambda line: line.text) if held else answered
