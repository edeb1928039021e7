"""Chunks as they lie on disk: the samples, or the rolled-up points, of one series in one span."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat
from operator import add, mul, sub, truediv

from dashboard.column import MAX_DECIMALS, Damaged, Whole, pack, pack_whole, seal, unpack, unpack_whole, unseal, whole
from dashboard.rolled import Rolled, Samples

_EXACT, _DECIMAL = b"\0", b"\1"


def pack_samples(samples: Samples) -> bytes:
    """Pack samples, of which there must be one at least."""
    times, values, gaps = samples
    return seal(len(times), (_packed(times.tobytes()), pack(values), _packed(gaps.tobytes())))


def unpack_samples(chunk: bytes) -> Samples:
    """Return what was packed; raise Damaged."""
    body, at, count = unseal(chunk)
    times, at = unpack(body, at, count)
    values, at = unpack(body, at, count)
    gaps, at = unpack(body, at, count)
    return Samples(times, values, gaps)


def pack_rolled(rolled: Rolled) -> bytes:
    """Pack rolled-up points, of which there must be one at least.

    Maxima are told by how far they are above the minima, and sums by how far above as many minima: where nothing
    moves, both are nothing.
    """
    heads = [_packed(column.tobytes()) for column in (rolled.times, rolled.gaps, rolled.counts)]
    if not all(map(float.is_integer, rolled.sums)):
        rolled = rolled._replace(sums=array("d", map(_exact, rolled.sums)))
    alike = _alike(rolled)
    if alike is None:
        return seal(len(rolled.times), [*heads, _EXACT, *map(pack, (rolled.lows, rolled.highs, rolled.sums))])
    decimals, lows, highs, sums = alike
    least = map(mul, lows, map(int, rolled.counts))
    columns = (lows, list(map(sub, highs, lows)), list(map(sub, sums, least)))
    return seal(len(lows), [*heads, _DECIMAL, bytes([decimals]), *map(pack_whole, columns)])


def unpack_rolled(chunk: bytes) -> Rolled:
    """Return what was packed; raise Damaged."""
    body, at, count = unseal(chunk)
    times, at = unpack(body, at, count)
    gaps, at = unpack(body, at, count)
    counts, at = unpack(body, at, count)
    form, at = body[at : at + 1], at + 1
    if form == _EXACT:
        lows, at = unpack(body, at, count)
        highs, at = unpack(body, at, count)
        sums, at = unpack(body, at, count)
        return Rolled(times, sums, lows, highs, counts, gaps)
    if form != _DECIMAL or at >= len(body) or body[at] > MAX_DECIMALS:
        raise Damaged("not rolled-up points")
    power, at = 10 ** body[at], at + 1
    low, at = unpack_whole(body, at, count)
    spread, at = unpack_whole(body, at, count)
    above, at = unpack_whole(body, at, count)
    lows = _scaled(low, power)
    highs = _scaled(list(map(add, low, spread)), power) if any(spread) else lows
    sums = _scaled(list(map(add, above, map(mul, low, map(int, counts)))), power)
    return Rolled(times, sums, lows, highs, counts, gaps)


@lru_cache(64)
def _packed(column: bytes) -> bytes:
    """Pack a column that many series have in common, each time but the first from memory."""
    return pack(array("d", column))


def _exact(total: float) -> float:
    """Return a sum as it is without what adding binary fractions of decimals leaves behind."""
    return total if total.is_integer() else float(f"{total:.12g}")


def _alike(rolled: Rolled) -> tuple[int, list[int], list[int], list[int]] | None:
    """Return minima, maxima and sums as integers of one scale, None when that cannot be."""
    lows = whole(rolled.lows)
    highs = lows if lows is None or rolled.highs == rolled.lows else whole(rolled.highs)
    sums = whole(rolled.sums) if highs is not None else None
    if lows is None or highs is None or sums is None:
        return None
    decimals = max(lows.decimals, highs.decimals, sums.decimals)
    low, high, total = (_raised(column, decimals) for column in (lows, highs, sums))
    if any(max(map(abs, column)) >= 1 << 52 for column in (low, high, total)):
        return None
    return decimals, low, high, total


def _raised(column: Whole, decimals: int) -> list[int]:
    factor = 10 ** (decimals - column.decimals)
    return column.numbers if factor == 1 else list(map(mul, column.numbers, repeat(factor)))


def _scaled(numbers: Sequence[int], power: int) -> array[float]:
    return array("d", numbers if power == 1 else map(truediv, numbers, repeat(power)))
