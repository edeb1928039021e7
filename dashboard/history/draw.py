"""From roll-ups to the points of an answer: holes told by nulls, numbers no longer than a chart shows."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import repeat
from operator import mul, sub, truediv

from dashboard.column import is_constant
from dashboard.points import HOLE, Point, collected
from dashboard.rolled import Rolled, Samples

_DIGITS = 6  # of the largest number of a series; so many after the point are told of the others, too
_SHORT = 10  # characters of a number that is not worth rounding
_LOOKS = 8  # numbers of a column that tell whether the others are short
_NEAR = 5  # samples on either side of a distance that tell what was usual then


def drawn(rolled: Rolled, *, start: float, end: float, step: float, interval: float | None) -> list[Point]:
    """Return the points of a series from `start` to `end`, both multiples of `step`.

    A bucket without samples is left out while the next sample was not yet overdue, and has no values from then on.
    `interval` in seconds is for samples that were declared without one, unless they came less often then.
    """
    times, gaps = rolled.times, rolled.gaps
    if not times:
        return []
    even = times[-1] - times[0] <= (len(times) - 1) * step * 1.000001
    starts = _progression(times[0], step, len(times)) if even else _whole(times)
    points: list[Point] = list(zip(starts, *_values(rolled), strict=True))
    if even and times[0] <= start and times[-1] >= end - step:
        return points
    filled: list[Point] = _empty(start, times[0], step)
    if even:
        filled += points
    else:
        at = 0
        for place in range(1, len(times)):
            if times[place] - times[place - 1] > step * 1.5:
                filled += points[at:place]
                gap = max(gaps[place - 1], gaps[place]) or _then(times, place, interval, step * 1.5)
                filled += _hole(times[place - 1], times[place], step, gap)
                at = place
        filled += points[at:]
    filled += _hole(times[-1], end, step, gaps[-1] or interval)
    return filled


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
    return [(time, None, None, None) for time in _progression(start, step, max(0, round((end - start) / step)))]


def _values(rolled: Rolled) -> tuple[Sequence[float], Sequence[float], Sequence[float]]:
    """Return averages, minima and maxima as they are written."""
    _, sums, lows, highs, counts, _ = rolled
    top = max(max(highs, default=0.0), -min(lows, default=0.0))
    digits = 15 if top < 1e-9 else max(1, _DIGITS - 1 - math.floor(math.log10(top)))
    low = _written(lows, digits)
    if lows == highs:
        return low, low, low
    size = counts[0]
    if is_constant(counts):
        averages = sums if size == 1 else array("d", map(truediv, sums, repeat(size)))
    else:
        averages = array("d", map(truediv, sums, counts))
    return _written(averages, digits), low, _written(highs, digits)


def _written(values: array[float], digits: int) -> Sequence[float]:
    """Return numbers with so many digits after the point; whole ones without a point."""
    if is_constant(values):
        return [_one(values[0], digits)] * len(values)
    if all(map(float.is_integer, values)):
        return list(map(int, values)) if max(map(abs, values)) < 1e15 else values
    if all(len(repr(value)) <= _SHORT for value in values[:: max(1, len(values) // _LOOKS)]):
        return values  # to round costs four times what else is done for a point
    power = 10.0**digits
    return list(map(truediv, map(round, map(mul, values, repeat(power))), repeat(power)))


def _one(value: float, digits: int) -> float:
    return int(value) if value.is_integer() and abs(value) < 1e15 else round(value, digits)


def _progression(start: float, step: float, count: int) -> Sequence[float]:
    """Return times that are one step apart."""
    if float(start).is_integer() and float(step).is_integer():
        return range(int(start), int(start) + count * int(step), int(step))
    return [start + step * at for at in range(count)]


def _whole(times: array[float]) -> Sequence[float]:
    """Return times without a point where all are whole."""
    return list(map(int, times)) if all(map(float.is_integer, times)) else times
