"""Rolled-up points of a series in one span, as an answer has them: numbers no longer than a chart shows, and JSON."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from itertools import repeat
from operator import mul, truediv
from typing import NamedTuple

import msgspec

from dashboard.column import is_constant
from dashboard.points import Point
from dashboard.rolled import Rolled

_DIGITS = 6  # of the largest number of a series; so many after the point are told of the others, too
_SHORT = 10  # characters of a number that is not worth rounding
_LOOKS = 8  # numbers of a column that tell whether the others are short
_COLUMNS = 4 * 8  # bytes of a point that is held, besides its time and interval, which many have in common


class Piece:
    """Points of one step that follow one another, and their JSON, which is written once and then held."""

    __slots__ = ("_top", "_written", "even", "rolled", "starts")

    def __init__(self, rolled: Rolled, step: float) -> None:
        times = rolled.times
        self.rolled = rolled
        self.even = not times or times[-1] - times[0] <= (len(times) - 1) * step * 1.000001
        """Whether each of its points follows the one before at once."""
        self.starts = _progression(times, step) if self.even else _whole(times)
        self._top: float | None = None
        self._written = (0, b"")

    @property
    def size(self) -> int:
        """Bytes that it holds, roughly."""
        return _COLUMNS * len(self.rolled.times) + len(self._written[1])

    def top(self, low: int, high: int) -> float:
        """Return how far from zero its points are at most, from one place to before another, of which there are any."""
        _, _, lows, highs, _, _ = self.rolled
        if high - low < len(lows):
            return max(max(highs[low:high]), -min(lows[low:high]))
        if self._top is None:
            self._top = max(max(highs), -min(lows))
        return self._top

    def points(self, digits: int, low: int, high: int) -> list[Point]:
        """Return the points from one place to before another, with so many digits after the point at most."""
        rolled = self.rolled
        if high - low < len(rolled.times):
            rolled = Rolled(*(column[low:high] for column in rolled))
        return list(zip(self.starts[low:high], *_values(rolled, digits), strict=True))

    def text(self, digits: int, low: int, high: int, hold: Callable[[], None] | None) -> bytes:
        """Return the same points as they stand in a list of JSON, without its brackets.

        `hold` is called when there is more to hold than before; without it nothing is.
        """
        if hold is None:
            return msgspec.json.encode(self.points(digits, low, high))[1:-1]
        held, text = self._written
        count = len(self.rolled.times)
        if not text or held != digits:
            text = msgspec.json.encode(self.points(digits, 0, count))[1:-1]
            self._written = (digits, text)
            hold()
        if high - low == count:
            return text
        begin = self._find(text, low)
        return text[begin:] if high == count else text[begin : self._find(text, high) - 1]

    def _find(self, text: bytes, place: int) -> int:
        """Return where a point begins: nothing but a time stands behind a bracket."""
        return text.index(b"[%b," % msgspec.json.encode(self.starts[place]))


class Part(NamedTuple):
    """A piece, and under what it is held in memory; None when that is not worth it."""

    piece: Piece
    place: tuple[str, int, bytes] | None


def digits_for(top: float) -> int:
    """Return how many digits after the point are told of numbers that are so far from zero at most."""
    return 15 if top < 1e-9 else max(1, _DIGITS - 1 - math.floor(math.log10(top)))


def _values(rolled: Rolled, digits: int) -> tuple[Sequence[float], Sequence[float], Sequence[float]]:
    """Return averages, minima and maxima as they are written."""
    _, sums, lows, highs, counts, _ = rolled
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


def progression(start: float, step: float, count: int) -> Sequence[float]:
    """Return times that are one step apart, whole ones without a point."""
    if float(start).is_integer() and float(step).is_integer():
        return range(int(start), int(start) + count * int(step), int(step))
    return [start + step * at for at in range(count)]


def _progression(times: array[float], step: float) -> Sequence[float]:
    return progression(times[0], step, len(times)) if times else ()


def _whole(times: array[float]) -> Sequence[float]:
    return list(map(int, times)) if all(map(float.is_integer, times)) else times
