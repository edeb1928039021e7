"""From roll-ups to the points of an answer: pieces that follow one another, and holes told by nulls."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from operator import sub
from typing import NamedTuple

import msgspec

from dashboard.column import is_constant
from dashboard.history.piece import Part, Piece, digits_for, progression
from dashboard.points import HOLE, Point, collected
from dashboard.rolled import Samples

_NEAR = 5  # samples on either side of a distance that tell what was usual then

Hold = Callable[[tuple[str, int, bytes], Piece], None]
"""Holds a piece in memory, or takes note that it has grown."""


class Cut(NamedTuple):
    """The points of a part from one place to before another, of which there is one at least."""

    part: Part
    low: int
    high: int

    @property
    def times(self) -> array[float]:
        return self.part.piece.rolled.times[self.low : self.high]

    @property
    def first(self) -> float:
        return self.part.piece.rolled.times[self.low]

    @property
    def last(self) -> float:
        return self.part.piece.rolled.times[self.high - 1]


class Curve:
    """The points of a series from `start` to `end`, both multiples of `step`.

    A bucket without samples is left out while the next sample was not yet overdue, and has no values from then on.
    `interval` in seconds is for samples that were declared without one, unless they came less often then.
    """

    def __init__(
        self, parts: Sequence[Part], hold: Hold, *, start: float, end: float, step: float, interval: float | None
    ) -> None:
        """Take what has points in time's order; `hold` is called for what becomes worth holding."""
        self._start, self._end, self._step, self._interval, self._hold = start, end, step, interval, hold
        self._cuts = [cut for part in parts if (cut := _cut(part, start, end)) is not None]
        self._times: array[float] | None = None  # of all cuts, once these are needed
        self._digits = digits_for(max((part.piece.top(low, high) for part, low, high in self._cuts), default=0.0))

    def __bool__(self) -> bool:
        return bool(self._cuts)

    def points(self) -> list[Point]:
        """Return them all."""
        return self._after(0) if self._cuts else []

    def split(self, since: float) -> tuple[bytes, list[Point]]:
        """Return those before a time, written as in a list of JSON without its brackets, and the others.

        Of the others there is one at least, the last of all that have values with them.
        """
        texts: list[bytes] = []
        at = 0
        while at < len(self._cuts) - 1 and self._cuts[at].last < since and self._cuts[at + 1].first < since:
            if before := self._before(at):
                texts.append(msgspec.json.encode(before)[1:-1])
            texts.append(self._text(at))
            at += 1
        cut = self._cuts[at]
        before = self._before(at)
        count = bisect_left(cut.part.piece.rolled.times, min(since, cut.last), cut.low, cut.high) - cut.low
        if not count or not cut.part.piece.even or (before and before[-1][0] >= since):
            rest = self._after(at)
            last = next(at for at in reversed(range(len(rest))) if rest[at][1] is not None)
            count = bisect_left(rest, since, 0, last, key=lambda point: point[0])
            if count:
                texts.append(msgspec.json.encode(rest[:count])[1:-1])
            return b",".join(texts), rest[count:]
        if before:
            texts.append(msgspec.json.encode(before)[1:-1])
        texts.append(self._even(cut, cut.low + count))
        rest = cut.part.piece.points(self._digits, cut.low + count, cut.high)
        return b",".join(texts), rest + (self._after(at + 1) if at + 1 < len(self._cuts) else self._tail())

    def _after(self, at: int) -> list[Point]:
        """Return what is from before a cut on, with the hole in front of it."""
        points: list[Point] = []
        for place in range(at, len(self._cuts)):
            points += self._before(place)
            points += self._drawn(place)
        return points + self._tail()

    def _before(self, at: int) -> list[Point]:
        """Return the hole before a cut, if there is any."""
        cut = self._cuts[at]
        if not at:
            return _empty(self._start, cut.first, self._step)
        before = self._cuts[at - 1]
        if cut.first - before.last <= self._step * 1.5:
            return []
        gaps = before.part.piece.rolled.gaps[before.high - 1], cut.part.piece.rolled.gaps[cut.low]
        return self._hole(at, cut.low, gaps)

    def _tail(self) -> list[Point]:
        """Return the hole after the last cut."""
        last = self._cuts[-1]
        gap = last.part.piece.rolled.gaps[last.high - 1]
        return _hole(last.last, self._end, self._step, gap or self._interval)

    def _hole(self, at: int, place: int, gaps: tuple[float, float]) -> list[Point]:
        """Return the hole before a place in a cut, of which the gaps beside it are known."""
        if self._times is None:
            self._times = array("d", [time for cut in self._cuts for time in cut.times])
        place += sum(cut.high - cut.low for cut in self._cuts[:at]) - self._cuts[at].low
        gap = max(gaps) or _then(self._times, place, self._interval, self._step * 1.5)
        return _hole(self._times[place - 1], self._times[place], self._step, gap)

    def _text(self, at: int) -> bytes:
        cut = self._cuts[at]
        if not cut.part.piece.even:
            return msgspec.json.encode(self._drawn(at))[1:-1]
        return self._even(cut, cut.high)

    def _even(self, cut: Cut, high: int) -> bytes:
        """Return the points of a cut, which has no holes, up to a place."""
        piece, place = cut.part
        return piece.text(self._digits, cut.low, high, place and partial(self._hold, place, piece))

    def _drawn(self, at: int) -> list[Point]:
        """Return the points of a cut with the holes between them."""
        (piece, _), low, high = self._cuts[at]
        points = piece.points(self._digits, low, high)
        if piece.even:
            return points
        times, gaps = piece.rolled.times, piece.rolled.gaps
        filled: list[Point] = []
        done = low
        for place in range(low + 1, high):
            if times[place] - times[place - 1] > self._step * 1.5:
                filled += points[done - low : place - low]
                filled += self._hole(at, place, (gaps[place - 1], gaps[place]))
                done = place
        return filled + points[done - low :]


class Collected:
    """The points of a series as they were collected."""

    def __init__(self, points: list[Point]) -> None:
        self._points = points

    def __bool__(self) -> bool:
        return bool(self._points)

    def points(self) -> list[Point]:
        """Return them all."""
        return self._points

    def split(self, since: float) -> tuple[bytes, list[Point]]:
        """Return those before a time but for the last, with which a hole may begin, and the others, as a Curve does."""
        points = self._points
        count = bisect_left(points, since, key=lambda point: point[0])
        if count < 2:
            return b"", points
        return msgspec.json.encode(points[: count - 1])[1:-1], points[count - 1 :]


def as_collected(samples: Samples, interval: float | None) -> list[Point]:
    """Return one point a sample, and one without values in each hole.

    `interval` is for samples that declared none, unless they came less often then.
    """
    times, values, gaps = samples
    if gaps[0] and is_constant(gaps):
        return collected(times, values, gaps[0])
    points: list[Point] = []
    for at, (time, value) in enumerate(zip(times, values, strict=True)):
        declared = max(gaps[at - 1], gaps[at]) if at else 0.0
        gap = declared or interval if at else None
        if gap and time - times[at - 1] > HOLE * gap:
            gap = declared or _then(times, at, gap, gap)
            if gap and time - times[at - 1] > HOLE * gap:
                points.append((times[at - 1] + gap, None, None, None))
        points.append((time, value, value, value))
    return points


def _cut(part: Part, start: float, end: float) -> Cut | None:
    times = part.piece.rolled.times
    low = bisect_left(times, start) if times and times[0] < start else 0
    high = bisect_left(times, end) if times and times[-1] >= end else len(times)
    return Cut(part, low, high) if low < high else None


def _then(times: array[float], at: int, interval: float | None, least: float) -> float | None:
    """Return the interval of series that declare none as it was before or after the time at a place.

    It is the median of the distances there on the side where that is longer, if it is over `least` seconds: what came
    less often then than it does now has no holes for that.
    """
    usual = max(map(_median, (times[max(0, at - _NEAR) : at], times[at : at + _NEAR])))
    return usual if usual > least else interval


def _median(times: array[float]) -> float:
    """Return the usual distance of a few times, 0 where they are too few to tell."""
    apart = sorted(map(sub, times[1:], times))
    middle = len(apart) // 2
    return (apart[middle] + apart[~middle]) / 2 if len(apart) > 1 else 0.0


def _hole(before: float, after: float, step: float, interval: float | None) -> list[Point]:
    """Return the buckets between one that has samples and another, as far as samples were overdue in them."""
    if interval is None:
        return []
    due = before + max(0.0, step - interval) + HOLE * interval  # which is when the last sample was, at the latest
    first = before + step
    while first < after and first + step <= due:
        first += step
    return _empty(first, after, step)


def _empty(start: float, end: float, step: float) -> list[Point]:
    return [(time, None, None, None) for time in progression(start, step, max(0, round((end - start) / step)))]
