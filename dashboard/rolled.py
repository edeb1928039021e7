"""Samples, and points that stand for many of them: roll-ups with sum, minimum, maximum and count. Pure functions.

A sum rather than an average: it is exact for decimals, and coarser roll-ups follow from finer ones without a loss. All
columns of one value are arrays of one length, sorted by time, and shared: they are not to be changed.
"""

from __future__ import annotations

import math
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise, repeat
from operator import add, sub, truediv
from typing import NamedTuple, TypeVar

from dashboard.column import is_constant
from dashboard.points import HOLE

_LARGEST = sys.float_info.max
_WIDEST = 64  # samples in a bucket up to which whole columns are compared rather than one bucket after another


class Samples(NamedTuple):
    """Values at their times in Unix seconds; `gaps` are the intervals that were declared with them, 0 for none."""

    times: array[float]
    values: array[float]
    gaps: array[float]


class Rolled(NamedTuple):
    """Points that begin at `times`, multiples of one step; `gaps` are the longest intervals of the samples in them."""

    times: array[float]
    sums: array[float]
    lows: array[float]
    highs: array[float]
    counts: array[float]
    gaps: array[float]


Column = TypeVar("Column", bound=Samples | Rolled)


class Last(NamedTuple):
    """The sample before others, which the first rate of a counter needs."""

    time: float
    value: float
    gap: float


NO_SAMPLES = Samples(array("d"), array("d"), array("d"))
NOTHING_ROLLED = Rolled(*(array("d") for _ in Rolled._fields))


def between(samples: Samples, start: float, end: float) -> Samples:
    """Return the samples from `start` to before `end`."""
    low, high = bisect_left(samples.times, start), bisect_left(samples.times, end)
    return samples if high - low == len(samples.times) else Samples(*(column[low:high] for column in samples))


def rolled_between(rolled: Rolled, start: float, end: float) -> Rolled:
    """Return the points that begin from `start` to before `end`."""
    low, high = bisect_left(rolled.times, start), bisect_left(rolled.times, end)
    return rolled if high - low == len(rolled.times) else Rolled(*(column[low:high] for column in rolled))


def joined(parts: Sequence[Samples]) -> Samples:
    """Return parts that follow one another as one."""
    return parts[0] if len(parts) == 1 else Samples(*(_chained(columns) for columns in zip(*parts, strict=True)))


def rolled_joined(parts: Sequence[Rolled]) -> Rolled:
    """Return roll-ups that follow one another as one."""
    return parts[0] if len(parts) == 1 else Rolled(*(_chained(columns) for columns in zip(*parts, strict=True)))


def ordered(samples: Samples) -> Samples:
    """Sort samples by their times; of several at one time the last stays."""
    if all(map(float.__lt__, samples.times, samples.times[1:])):
        return samples
    found = dict(zip(samples.times, zip(samples.values, samples.gaps, strict=True), strict=True))
    times = sorted(found)
    return Samples(
        array("d", times),
        array("d", [found[time][0] for time in times]),
        array("d", [found[time][1] for time in times]),
    )


def merged(old: Samples, new: Samples) -> Samples:
    """Return both by time; at the same time the new one stays."""
    if not old.times or not new.times:
        return new if new.times else old
    parts = joined((old, new))
    return parts if old.times[-1] < new.times[0] else ordered(parts)


def rates(samples: Samples, before: Last | None = None) -> Samples:
    """Return the rates per second of a counter at each sample that has one before it.

    A fall is a reset and gives no rate; neither does a step across a hole of over two intervals, the longer of the two
    that were declared, nor a rise that no number can tell.
    """
    if before is not None and samples.times:
        samples = joined((Samples(*(array("d", [value]) for value in before)), samples))
    times, values, gaps = samples
    if len(times) < 2:
        return NO_SAMPLES
    grown = list(map(sub, values[1:], values))
    step = even_step(times)
    even = step is not None and gaps[0] and is_constant(gaps) and step <= HOLE * gaps[0]
    if step is not None and even and min(grown) >= 0 and max(grown) / min(step, 1) < math.inf:
        found = grown if step == 1 else list(map(truediv, grown, repeat(step)))
        return Samples(times[1:], array("d", _short(found)), gaps[1:])
    elapsed = list(map(sub, times[1:], times))
    usual = sorted(elapsed)[len(elapsed) // 2]
    longest = [HOLE * max(one or usual, other or usual) for one, other in pairwise(gaps)]
    kept = [
        at
        for at, rise in enumerate(grown)
        if rise >= 0 and 0 < elapsed[at] <= longest[at] and rise / elapsed[at] < math.inf
    ]
    return Samples(
        array("d", [times[at + 1] for at in kept]),
        array("d", _short([grown[at] / elapsed[at] for at in kept])),
        array("d", [gaps[at + 1] for at in kept]),
    )


def roll(samples: Samples, step: float) -> Rolled:
    """Roll samples up to points of `step` seconds."""
    if not samples.times:
        return NOTHING_ROLLED
    return _told(_rolled_up(samples, step, _each, _strided, 1))


def reroll(rolled: Rolled, step: float) -> Rolled:
    """Roll points up to those of a step that is a multiple of theirs."""
    return _told(_rolled_up(rolled, step, _reroll_each, _restrided, 2))


def _rolled_up(
    found: Column,
    step: float,
    each: Callable[[Column, int, int, float], Rolled],
    strided: Callable[[Column, int, int, int], Rolled],
    least: int,
) -> Rolled:
    """Roll up by whole columns where at least so many buckets are full and even, and the rest one by one."""
    times = found.times
    apart = even_step(times)
    if apart and _divides(apart, step, times[0]):
        size = int(step / apart)
        first = int((-times[0] % step) / apart)  # where the first bucket begins that is there from its beginning
        full = (len(times) - first) // size
        if full >= least:
            last = first + full * size
            return rolled_joined(
                [
                    *([each(found, 0, first, step)] if first else ()),
                    strided(found, first, full, size),
                    *([each(found, last, len(times), step)] if last < len(times) else ()),
                ]
            )
    return each(found, 0, len(times), step)


def combined(old: Rolled, new: Rolled) -> Rolled:
    """Return the points of both; those of the same time as one that stands for all samples of both."""
    if not old.times or not new.times:
        return new if new.times else old
    if old.times[-1] < new.times[0]:
        return rolled_joined((old, new))
    found = {point[0]: point for point in zip(*old, strict=True)}
    for time, total, low, high, count, gap in zip(*new, strict=True):
        if (known := found.get(time)) is not None:
            _, total_, low_, high_, count_, gap_ = known
            found[time] = (
                time, total + total_, min(low, low_), max(high, high_), count + count_, max(gap, gap_)
            )  # fmt: skip
        else:
            found[time] = (time, total, low, high, count, gap)
    return _told(Rolled(*(array("d", column) for column in zip(*(found[time] for time in sorted(found)), strict=True))))


def spliced(old: Rolled, new: Rolled, start: float, end: float) -> Rolled:
    """Return the old points with those from `start` to before `end` replaced by the new ones, which are all there."""
    parts = (rolled_between(old, -math.inf, start), new, rolled_between(old, end, math.inf))
    kept = [part for part in parts if part.times]
    return rolled_joined(kept) if kept else NOTHING_ROLLED


def _told(rolled: Rolled) -> Rolled:
    """Return points whose sums are finite: one that no number can tell is the largest that there is."""
    if math.isfinite(sum(rolled.sums)):
        return rolled
    return rolled._replace(sums=array("d", [max(-_LARGEST, min(one, _LARGEST)) for one in rolled.sums]))


def _divides(apart: float, step: float, first: float) -> bool:
    """Tell whether buckets of a step begin where times do that are so far apart, and are not too wide for columns."""
    return apart <= step <= _WIDEST * apart and step % apart == 0 and first % apart == 0


def even_step(times: array[float]) -> float | None:
    """Return the seconds between times that are all equally far apart, None when they are not, or are only one."""
    if len(times) < 2:
        return None
    step = times[1] - times[0]
    return step if times == _progression(times[0], step, len(times)) else None


@lru_cache(64)
def _progression(first: float, step: float, count: int) -> array[float]:
    return array("d", [first + step * at for at in range(count)])


def _each(samples: Samples, at: int, count: int, step: float) -> Rolled:
    """Roll up the samples from one place to another, bucket by bucket."""
    times, values, gaps = samples
    out = Rolled(*(array("d") for _ in Rolled._fields))
    size = 1
    while at < count:
        begin = times[at] // step * step
        end = min(count, _end(times, at, size, begin + step))
        chosen = values[at:end]
        out.times.append(begin)
        out.sums.append(sum(chosen))
        out.lows.append(min(chosen))
        out.highs.append(max(chosen))
        out.counts.append(end - at)
        out.gaps.append(max(gaps[at:end]))
        at, size = end, end - at
    return out


def _reroll_each(rolled: Rolled, at: int, count: int, step: float) -> Rolled:
    """Roll up the points from one place to another, bucket by bucket."""
    times, sums, lows, highs, counts, gaps = rolled
    out = Rolled(*(array("d") for _ in rolled))
    size = 1
    while at < count:
        begin = times[at] // step * step
        end = min(count, _end(times, at, size, begin + step))
        out.times.append(begin)
        out.sums.append(sum(sums[at:end]))
        out.lows.append(min(lows[at:end]))
        out.highs.append(max(highs[at:end]))
        out.counts.append(sum(counts[at:end]))
        out.gaps.append(max(gaps[at:end]))
        at, size = end, end - at
    return out


def _restrided(rolled: Rolled, first: int, full: int, size: int) -> Rolled:
    """Roll up so many whole buckets of as many points each."""
    times, sums, lows, highs, counts, gaps = rolled
    last = first + full * size
    low, high = _folded(min, lows, first, last, size), _folded(max, highs, first, last, size)
    total = _added(sums, first, last, size)
    longest = _folded(max, gaps, first, last, size)
    return Rolled(times[first:last:size], total, low, high, _added(counts, first, last, size), longest)


def _added(values: array[float], first: int, last: int, size: int) -> array[float]:
    if is_constant(values):
        return array("d", [values[0] * size]) * ((last - first) // size)
    columns = [values[at:last:size] for at in range(first, first + size)]
    return array("d", map(add, *columns) if size == 2 else map(sum, zip(*columns, strict=True)))


def _strided(samples: Samples, first: int, full: int, size: int) -> Rolled:
    """Roll up so many whole buckets of as many samples each."""
    times, values, gaps = samples
    last = first + full * size
    starts, counts = times[first:last:size], array("d", [size]) * full
    longest = _folded(max, gaps, first, last, size)
    if is_constant(values):
        same = array("d", values[:1]) * full
        return Rolled(starts, array("d", [values[0] * size]) * full, same, same, counts, longest)
    if size == 1:
        same = values[first:last]
        return Rolled(starts, same, same, same, counts, longest)
    lows, highs = _folded(min, values, first, last, size), _folded(max, values, first, last, size)
    return Rolled(starts, _added(values, first, last, size), lows, highs, counts, longest)


def _folded(by: Callable[..., float], values: array[float], first: int, last: int, size: int) -> array[float]:
    if size == 1 or is_constant(values):
        return values[first:last:size]
    columns = [values[at:last:size] for at in range(first, first + size)]
    return array("d", map(by, *columns))


def _end(times: array[float], at: int, size: int, end: float) -> int:
    """Return where the times before `end` end, which is most likely as far as the last time."""
    likely = at + size
    if likely <= len(times) and times[likely - 1] < end and (likely == len(times) or times[likely] >= end):
        return likely
    return bisect_left(times, end, at)


def _short(values: list[float]) -> list[float]:
    """Round rates that are not whole to nine digits: the rest is what subtracting large totals leaves."""
    if all(map(float.is_integer, values)):
        return values
    return [value if value.is_integer() else float(f"{value:.9g}") for value in values]


def _chained(columns: Sequence[array[float]]) -> array[float]:
    chained = array("d", columns[0])
    for column in columns[1:]:
        chained += column
    return chained
