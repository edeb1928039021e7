"""From samples to the points of a chart: rates of counters, buckets of a step, holes. Pure functions.

The same rules stand in `static/js/rates.js`; `tests/cases/rates.json` holds both to them.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence

Point = tuple[float, float | None, float | None, float | None]
"""Start of the bucket in Unix seconds, average, minimum, maximum; None where there is nothing."""

HOLE = 2.0
"""So many intervals without a sample are a hole."""


def rates(times: Sequence[float], totals: Sequence[float], interval: float | None) -> tuple[array[float], array[float]]:
    """Return the rate per second of a counter at each time but the first.

    A fall is a reset and gives no rate; neither does a step across a hole of over two intervals, nor a rise that no
    number can tell.
    """
    longest = HOLE * interval if interval else math.inf
    out_times, out_rates = array("d"), array("d")
    for at in range(1, len(times)):
        elapsed, grown = times[at] - times[at - 1], totals[at] - totals[at - 1]
        if 0 < elapsed <= longest and grown >= 0 and grown / elapsed < math.inf:
            out_times.append(times[at])
            out_rates.append(grown / elapsed)
    return out_times, out_rates


def collected(times: Sequence[float], values: Sequence[float], interval: float | None) -> list[Point]:
    """Return one point a sample, and one without values in each hole."""
    points: list[Point] = []
    longest = HOLE * interval if interval else math.inf
    for at, time in enumerate(times):
        if at and time - times[at - 1] > longest:
            points.append((times[at - 1] + (interval or 0.0), None, None, None))
        value = values[at]
        points.append((time, value, value, value))
    return points


def bucketed(
    times: Sequence[float], values: Sequence[float], interval: float | None, *, start: float, end: float, step: float
) -> list[Point]:
    """Return one point for each step from `start` to `end`, aligned to multiples of `step`.

    An empty bucket is left out while the next sample was not yet overdue, and has no values from then on.
    """
    points: list[Point] = []
    longest = HOLE * interval if interval else math.inf
    step = int(step) if step == int(step) else step  # whole times are written without a point
    first = math.floor(start / step)
    low = bisect_left(times, first * step)
    for bucket in range(first, math.ceil(end / step)):
        begin = bucket * step
        high = bisect_left(times, begin + step, lo=low)
        if high > low:
            chosen = values[low:high]
            points.append((begin, short(sum(chosen) / len(chosen)), short(min(chosen)), short(max(chosen))))
        elif not low or begin + step - times[low - 1] > longest:
            points.append((begin, None, None, None))
        low = high
    return points


def short(value: float) -> float:
    """Return a value with four significant digits, but never less exact than a tenth: more is only seen on the wire."""
    size = abs(value)
    if size >= 1e15:
        return value
    if value == int(value):
        return int(value)  # which is written without a point
    return round(value, max(1, 3 - math.floor(math.log10(size))))
