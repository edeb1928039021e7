"""The newest minute of what history answers, as the window had it when the question came.

History is read in a thread, and knows by then what came after the question; a viewer is sent that once more, by the
stream that goes on from the answer's `as_of`. What came more than `LATE` after its time is on no stream.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from dashboard.pipeline import LATE
from dashboard.points import HOLE, Point, bucketed, collected, rates, short
from dashboard.window import Columns, Line, Window


class Snapshot:
    """Copies of the newest samples of series, taken at one moment."""

    def __init__(
        self, window: Window, lines: Sequence[Line], *, now: float, end: float, step: float, reached: float
    ) -> None:
        """Copy what `lines` have from some buckets before `now` - `LATE` to `end`; not from before `reached`.

        All times are in Unix seconds; `reached` is since when the window has all that came.
        """
        self._now, self._end = now, end
        self._begun = max(reached, now - LATE - 2 * max(step, LATE))
        self._columns = {line.text: window.columns(line, self._begun, end) for line in lines}

    def since(self, step: float) -> float:
        """Return the time from which on points of this step are to be the window's; infinite when there is none."""
        since = max(self._now - LATE, self._begun)
        if step:
            since = max(math.floor((self._now - LATE) / step), math.ceil(self._begun / step)) * step
        return since if since < self._end else math.inf

    def joined(self, text: str, points: Sequence[Point], since: float, step: float, *, raw: bool) -> Sequence[Point]:
        """Return the points of a series, those from `since` on replaced by those of the samples that were copied."""
        column = self._columns.get(text)
        if column is None or math.isinf(since):
            return points
        times, values = _shown(column, raw)
        interval = column.interval
        if step:
            fresh = bucketed(times, values, interval, start=since, end=self._end, step=step)
        else:
            fresh = [point for point in collected(times, values, interval) if point[0] >= since]
        count = len(points)
        while count and points[count - 1][0] >= since:
            count -= 1
        older = [*points[:count]]
        return older + _hole(older, fresh, interval, step) + fresh

    def newest(self, text: str, *, raw: bool) -> tuple[float, float] | None:
        """Return the newest sample that was copied of a series, a counter's as a rate; None when there is none."""
        column = self._columns.get(text)
        if column is None:
            return None
        times, values = _shown(column, raw)
        return (times[-1], short(values[-1])) if times else None


def _shown(column: Columns, raw: bool) -> tuple[Sequence[float], Sequence[float]]:
    if column.counter and not raw:
        return rates(column.times, column.values, column.interval)
    return column.times, column.values


def _hole(older: Sequence[Point], fresh: Sequence[Point], interval: float | None, step: float) -> list[Point]:
    """Return the point that marks a hole between what is from here and what is from there, where there is one."""
    if step or not (older and fresh and interval) or older[-1][1] is None:
        return []
    last = older[-1][0]
    return [(last + interval, None, None, None)] if fresh[0][0] - last > HOLE * interval else []
