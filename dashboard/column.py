"""Columns of numbers, packed: what is whole or decimal as small differences, everything else by its changed bits.

A column is told exactly. Whole numbers and decimals become integers; these, their differences, or the differences of
those (whichever are smallest), less the least of them and divided by what all have in common, take as many bytes each
as the largest needs. Other numbers are combined with the one before by exclusive or. Either way bytes of one rank stand
together, so that `seal`, which deflates all columns of a chunk at once, finds them alike.
"""

from __future__ import annotations

import math
import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, repeat
from operator import floordiv, mul, sub, truediv
from typing import NamedTuple, TypeVar

N = TypeVar("N", int, float)

MAX_DECIMALS = 9
"""Digits after the point of what still counts as a decimal."""

_LARGEST = 1 << 53
_SAMPLE = 8  # values that are looked at to guess how many decimals there are
_TRIED = 128  # differences that are looked at to choose among them
_RAW_DEFLATE = -15
_FLOATS = 0x20
_WIDTHS = "?BHIQ"  # by the code of a width; the first has no bytes at all
_BYTES = (0, 1, 2, 4, 8)


class Damaged(ValueError):
    """Bytes that are no packed columns."""


class Whole(NamedTuple):
    """A column as integers: each value is one of these, divided by ten to the power of `decimals`."""

    decimals: int
    numbers: list[int]


def is_constant(values: Sequence[float]) -> bool:
    """Tell whether a column, which has at least one value, has the same one everywhere."""
    return values[0] == values[-1] and values[1:] == values[:-1]


def whole(values: Sequence[float]) -> Whole | None:
    """Return a column as integers, None when it has numbers that are no decimals."""
    if all(map(float.is_integer, values)):
        numbers = list(map(int, values))
        return Whole(0, numbers) if _fits(numbers) else None
    stride = max(1, len(values) // _SAMPLE)
    guess = max(map(_decimals, values[::stride]))
    found = _at(guess, values)
    if found is None and guess <= MAX_DECIMALS:
        most = max(map(_decimals, values))
        found = _at(most, values) if most > guess else None
    return found


def pack(values: Sequence[float]) -> bytes:
    """Pack a column, which must have at least one value, and finite ones only."""
    if is_constant(values):
        found = whole(values[:1])
        return _packed(found.decimals, found.numbers * len(values)) if found else _bits(values)
    found = whole(values)
    return _packed(*found) if found else _bits(values)


def pack_whole(numbers: list[int]) -> bytes:
    """Pack a column of integers below 2^53, of which there must be at least one."""
    return _packed(0, numbers)


def unpack(data: bytes, at: int, count: int) -> tuple[array[float], int]:
    """Return the column of `count` values that begins at a place, not to be changed, and where it ends.

    Raises Damaged.
    """
    try:
        if data[at] & _FLOATS:
            return _unpack_bits(data, at + 1, count)
        decimals, numbers, at = _unpacked(data, at, count)
    except (IndexError, OverflowError, ValueError, MemoryError) as error:
        raise Damaged(str(error)) from None
    if isinstance(numbers, _Even):
        return _even(decimals, numbers, count), at
    return _floats(decimals, numbers), at


def unpack_whole(data: bytes, at: int, count: int) -> tuple[Sequence[int], int]:
    """Return the column of integers that `pack_whole` packed, and where it ends; raise Damaged."""
    try:
        _, numbers, at = _unpacked(data, at, count)
    except (IndexError, OverflowError, ValueError, MemoryError) as error:
        raise Damaged(str(error)) from None
    return (numbers.listed(count) if isinstance(numbers, _Even) else numbers), at


def seal(count: int, columns: Iterable[bytes]) -> bytes:
    """Join the packed columns of a chunk, each with `count` values, deflate them and put a checksum in front."""
    body = varint(count) + b"".join(columns)
    packer = zlib.compressobj(9, zlib.DEFLATED, _RAW_DEFLATE)
    deflated = packer.compress(body) + packer.flush()
    content = b"\1" + deflated if len(deflated) < len(body) else b"\0" + body
    return zlib.crc32(content).to_bytes(4, "little") + content


def unseal(chunk: bytes) -> tuple[bytes, int, int]:
    """Return the bytes of the columns, where the first begins, and how many values each has; raise Damaged."""
    content = chunk[4:]
    if len(content) < 2 or zlib.crc32(content) != int.from_bytes(chunk[:4], "little"):
        raise Damaged("the checksum is another")
    try:
        body = zlib.decompress(content[1:], _RAW_DEFLATE) if content[0] else content[1:]
        count, at = _read_varint(body, 0)
    except (zlib.error, IndexError) as error:
        raise Damaged(str(error)) from None
    return body, at, count


class _Even(NamedTuple):
    """Integers that are all alike, or grow evenly."""

    first: int
    step: int

    def listed(self, count: int) -> Sequence[int]:
        if self.step:
            return range(self.first, self.first + self.step * count, self.step)
        return [self.first] * count


def _packed(decimals: int, numbers: list[int]) -> bytes:
    order = _order(numbers)
    seeds, rest = [], numbers
    for _ in range(order):
        seeds.append(rest[0])
        rest = list(map(sub, rest[1:], rest))
    least = min(rest, default=0)
    most = max(rest, default=0) - least
    unit = 1
    if most > 255:
        rest = list(map(sub, rest, repeat(least)))
        unit = math.gcd(*rest)
        if unit > 1:
            most //= unit
            rest = list(map(floordiv, rest, repeat(unit)))
    elif most:
        rest = list(map(sub, rest, repeat(least)))
    width = 0 if not most else 1 if most < 1 << 8 else 2 if most < 1 << 16 else 3 if most < 1 << 32 else 4
    head = bytes([order | width << 2, decimals]) + b"".join(varint(_zigzag(seed)) for seed in seeds)
    head += varint(_zigzag(least)) + varint(unit)
    return head + _planes(array(_WIDTHS[width], rest)) if width else head


def _unpacked(data: bytes, at: int, count: int) -> tuple[int, Sequence[int] | _Even, int]:
    form, decimals = data[at], data[at + 1]
    order, width = form & 3, form >> 2
    if width >= len(_WIDTHS) or order > 2 or decimals > MAX_DECIMALS:
        raise Damaged("not a column")
    at += 2
    seeds = []
    for _ in range(order):
        seed, at = _read_varint(data, at)
        seeds.append(_unzigzag(seed))
    least, at = _read_varint(data, at)
    least = _unzigzag(least)
    unit, at = _read_varint(data, at)
    left = count - order
    if not width:
        if order < 2:
            return decimals, _Even(seeds[0] if order else least, least if order else 0), at
        numbers: Sequence[int] = [least] * left
    else:
        size = _BYTES[width]
        if at + left * size > len(data):
            raise Damaged("a column is cut off")
        rest = _unplaned(_WIDTHS[width], data[at : at + left * size])
        at += left * size
        numbers = [number * unit + least for number in rest] if unit > 1 or least else rest
    for seed in reversed(seeds):
        numbers = list(accumulate(numbers, initial=seed))
    return decimals, numbers, at


def _order(numbers: list[int]) -> int:
    """Choose what is told: the numbers (0), their differences (1), or the differences of those (2)."""
    if len(numbers) < 3:
        return 0
    begun = len(numbers) // 2 if len(numbers) > 2 * _TRIED else 0
    tried = numbers[begun : begun + _TRIED]
    steps = list(map(sub, tried[1:], tried))
    turns = list(map(sub, steps[1:], steps))
    sizes = (_spread(tried), _spread(steps), sum(map(abs, turns)))
    if not sizes[1]:
        return 1  # what is even in its middle is told best by where it is not
    return min((1, 0, 2), key=lambda order: sizes[order] / (len(tried) - order))


def _spread(numbers: list[int]) -> int:
    middle = sum(numbers) // len(numbers)
    return sum(map(abs, map(sub, numbers, repeat(middle))))


def _fits(numbers: Sequence[int]) -> bool:
    return min(numbers) > -_LARGEST and max(numbers) < _LARGEST


def _at(decimals: int, values: Sequence[float]) -> Whole | None:
    if decimals > MAX_DECIMALS:
        return None
    power = 10**decimals
    if max(values) >= _LARGEST / power or min(values) <= -_LARGEST / power:
        return None
    numbers = list(map(round, map(mul, values, repeat(power))))
    exact = all(map(float.__eq__, map(truediv, numbers, repeat(power)), values))
    return Whole(decimals, numbers) if exact else None


def _decimals(value: float) -> int:
    """Return how many digits a number has after the point, as it is written shortest."""
    mantissa, _, exponent = repr(value).partition("e")
    digits = len(mantissa.partition(".")[2]) if not mantissa.endswith(".0") else 0
    return max(0, digits - int(exponent or 0))


def _floats(decimals: int, numbers: Sequence[int]) -> array[float]:
    if not decimals:
        return array("d", numbers)
    return array("d", map(truediv, numbers, repeat(10**decimals)))


@lru_cache(256)
def _even(decimals: int, numbers: _Even, count: int) -> array[float]:
    """Return a column that grows evenly: the times of all series of a source are one and the same."""
    if not numbers.step:
        return array("d", [numbers.first / 10**decimals]) * count
    return _floats(decimals, numbers.listed(count))


def _bits(values: Sequence[float]) -> bytes:
    joined = int.from_bytes(_ordered(array("d", values), "big").tobytes(), "big")
    changed = (joined ^ joined >> 64).to_bytes(8 * len(values), "big")
    return bytes([_FLOATS]) + b"".join([changed[rank::8] for rank in range(8)])


def _unpack_bits(data: bytes, at: int, count: int) -> tuple[array[float], int]:
    end = at + 8 * count
    if end > len(data):
        raise Damaged("a column is cut off")
    changed = bytearray(8 * count)
    for rank in range(8):
        changed[rank::8] = data[at + rank * count : at + (rank + 1) * count]
    joined, shift = int.from_bytes(changed, "big"), 64
    while shift < 64 * count:  # each round undoes twice as many of the steps that are combined
        joined ^= joined >> shift
        shift <<= 1
    values = array("d")
    values.frombytes(joined.to_bytes(8 * count, "big"))
    return _ordered(values, "big"), end


def _planes(numbers: array[int]) -> bytes:
    data = _ordered(numbers, "little").tobytes()
    size = numbers.itemsize
    return b"".join([data[rank::size] for rank in range(size)]) if size > 1 else data


def _unplaned(kind: str, data: bytes) -> array[int]:
    numbers: array[int] = array(kind)
    size = numbers.itemsize
    if size > 1:
        joined, count = bytearray(len(data)), len(data) // size
        for rank in range(size):
            joined[rank::size] = data[rank * count : (rank + 1) * count]
        data = bytes(joined)
    numbers.frombytes(data)
    return _ordered(numbers, "little")


def _ordered(numbers: array[N], order: str) -> array[N]:
    if sys.byteorder != order:
        numbers.byteswap()
    return numbers


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else ~(number << 1)


def _unzigzag(number: int) -> int:
    return ~(number >> 1) if number & 1 else number >> 1


def varint(number: int) -> bytes:
    """Return a number from zero on in groups of seven bits, the lowest first, as Protocol Buffers have it."""
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    data.append(number)
    return bytes(data)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return number, at
        shift += 7
        if shift > 140:
            raise Damaged("a number without an end")
