"""One series in an image: its points, its newest value, and how true that still is.

The rules are those of `static/js/line.js`, as it is after the history was loaded.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property

from dashboard.drawing.name import Named
from dashboard.drawing.number import unit_of, written
from dashboard.model import Series
from dashboard.points import HOLE, Point

NAN = math.nan


def allowance(interval: float) -> float:
    """Return the seconds after which a value without a successor is no longer shown as true."""
    return 2 * interval + 1


def interval_then(points: Sequence[Point], step: float, today: float | None) -> float | None:
    """Return the seconds between samples at the end of a time that is past, as its points tell.

    Today they may come more often, or less. The same rule stands in `static/js/past.js`.
    """
    last = next((at for at in range(len(points) - 1, -1, -1) if points[at][1] is not None), 0)
    if not last or points[last - 1][1] is None:
        return today
    apart = points[last][0] - points[last - 1][0]
    return apart if apart > step else min(today or step, step)


class Line:
    """A series as it was read: `points` at `step` seconds, and its newest sample up to the end of the axis.

    `value` and `time` are NaN where there is no sample; of a counter the value is a rate. `first` is the time of the
    first sample that there is at all, where it is known: what is missing later is a hole.
    """

    def __init__(
        self,
        series: Series,
        points: Sequence[Point],
        step: float,
        *,
        last: tuple[float, float] | None,
        counter: bool = False,
        interval: float | None = None,
        source: str = "",
        afar: bool = False,
        first: float = math.inf,
    ) -> None:
        self.key, self.series, self.afar, self.source = str(series), series, afar, source
        self.step, self.interval, self.first = step, interval, first
        self.unit = unit_of(series.name, counter)
        self.time, self.value = last or (NAN, NAN)
        self.times: list[float] = []
        self.means: list[float] = []
        self.lows: list[float] = []
        self.highs: list[float] = []
        self._take(points)

    @property
    def named(self) -> Named:
        """Return what its name is made of."""
        return Named(self.series, self.afar)

    @property
    def has_value(self) -> bool:
        """Whether there is a sample to show."""
        return not math.isnan(self.value)

    @cached_property
    def coarse(self) -> bool:
        """Whether a point holds several samples, so that its average is not all there is to know."""
        return (self.interval or self.step) < self.step or any(low < high for low, high in self._spans())

    @property
    def end(self) -> float:
        """Until when it tells something: to its newest sample; one that only has points, to the end of the last."""
        last = self.times[-1] + self.step if self.times and self.interval is None else self.time
        return max(last, self.time)

    @cached_property
    def average(self) -> float:
        """The average of its points, by which the largest lines are found."""
        known = [mean for mean in self.means if not math.isnan(mean)]
        return sum(known) / len(known) if known else (self.value if self.has_value else 0.0)

    @cached_property
    def highest(self) -> float:
        """The highest of its samples, by which the largest lines are found where points are rolled up."""
        return max((high for high in self.highs if not math.isnan(high)), default=self.value if self.has_value else 0.0)

    @cached_property
    def whole(self) -> bool:
        """Whether all that was seen of it was whole, so that it counts something."""
        if self.unit or not self.has_value or not _is_whole(self.value):
            return False
        return all(math.isnan(low) or (_is_whole(low) and _is_whole(high)) for low, high in self._spans())

    def stale(self, now: float) -> bool:
        """Tell whether its value is too old to be shown as true."""
        return self.interval is not None and now - self.time > allowance(self.interval)

    def held(self, moment: float) -> bool:
        """Tell whether its newest value was still true at a moment that is past."""
        return moment - self.time <= max(self.step, HOLE * (self.interval or self.step))

    def text(self, unit: str = "") -> str:
        """Write its value, in the panel's unit if that has one."""
        return written(self.value, unit or self.unit, whole=self.whole).text

    def extremes(self, start: float) -> tuple[float, float]:
        """Return the lowest and the highest sample since a time; infinite where there is none."""
        first = bisect_left(self.times, start)
        lows = [low for low in self.lows[first:] if not math.isnan(low)]
        highs = [high for high in self.highs[first:] if not math.isnan(high)]
        return min(lows, default=math.inf), max(highs, default=-math.inf)

    def buckets(self, start: float) -> Iterator[tuple[float, float, float, float]]:
        """Yield start, average, lowest and highest of each bucket since a time of which something is known."""
        first = bisect_left(self.times, start)
        for at in range(first, len(self.times)):
            if not math.isnan(self.means[at]):
                yield self.times[at], self.means[at], self.lows[at], self.highs[at]

    def peak(self, start: float) -> tuple[float, float] | None:
        """Return the bucket with the highest sample since a time, by its start, and that; None where none is hidden."""
        if not self.coarse:
            return None
        found = max(self.buckets(start), key=lambda bucket: bucket[3], default=None)
        return found and (found[0], found[3])

    def drawn(self, start: float) -> list[tuple[float, float]]:
        """Return what is drawn from a time on: a value in the middle of each bucket, and the newest; NaN in holes."""
        middle = self.step / 2 if self.coarse else 0.0
        first = bisect_left(self.times, start)
        pairs = zip(self.times[first:], self.means[first:], strict=True)
        shown = [(time + middle, mean) for time, mean in pairs if time + middle < self.time]
        return [*shown, (self.time, self.value)] if self.time >= start else shown

    def _spans(self) -> zip[tuple[float, float]]:
        return zip(self.lows, self.highs, strict=True)

    def _take(self, points: Sequence[Point]) -> None:
        """Lay points one after the other; what is missing is told by points without values."""
        for time, mean, low, high in points:
            if mean is not None:
                self._push(time, mean, mean if low is None else low, mean if high is None else high)
            elif self.times or time >= self.first:  # what was before that is no hole: nothing was recorded yet
                self._push(time, NAN, NAN, NAN)
        while self.means and math.isnan(self.means[-1]):  # nothing after the newest is known to be missing yet
            for column in (self.times, self.means, self.lows, self.highs):
                column.pop()

    def _push(self, time: float, mean: float, low: float, high: float) -> None:
        self.times.append(time)
        self.means.append(mean)
        self.lows.append(low)
        self.highs.append(high)


def _is_whole(value: float) -> bool:
    return math.isfinite(value) and value == int(value)
