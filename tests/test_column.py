"""Columns of numbers: whatever goes in comes out the same, what is alike takes next to nothing, damage is noticed."""

from __future__ import annotations

import random
from array import array

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.column import Damaged, pack, pack_whole, seal, unpack, unpack_whole, unseal

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DECIMALS = st.builds(lambda whole, places: whole / 10**places, st.integers(-(10**12), 10**12), st.integers(0, 11))
LARGE = st.integers(-(2**60), 2**60).map(float)
TINY = st.sampled_from([5e-324, 1e-300, -1e-9, 1e-10, 0.1 + 0.2, -0.0, 1e22, 2.0**53, 1 / 3])
ANY = st.one_of(
    *(st.lists(values, min_size=1, max_size=40) for values in (FLOATS, DECIMALS, LARGE, TINY)),
    st.lists(st.one_of(FLOATS, DECIMALS, LARGE, TINY), min_size=1, max_size=40),
    st.builds(lambda value, count: [value] * count, st.one_of(FLOATS, DECIMALS), st.integers(1, 50)),
    st.builds(
        lambda first, step, count: [first + step * at for at in range(count)],
        st.integers(0, 2**40),
        st.sampled_from([0.0, 1.0, 0.5, 15.0, 0.1]),
        st.integers(1, 50),
    ),
)


@settings(max_examples=250)
@given(st.lists(ANY, min_size=1, max_size=3))
@example([[1.5], [float(2**53)], [0.1]])
@example([[0.5, 2.0**60]])
def test_whatever_is_packed_comes_out_the_same(columns: list[list[float]]) -> None:
    """Columns of one chunk stand one after another, and each is told to the last bit."""
    count = min(map(len, columns))
    columns = [column[:count] for column in columns]
    body, at, found = unseal(seal(count, [pack(array("d", column)) for column in columns]))
    assert found == count
    for column in columns:
        values, at = unpack(body, at, count)
        assert values.tolist() == column
    assert at == len(body)


@settings(max_examples=100)
@given(st.lists(st.integers(-(2**52), 2**52), min_size=1, max_size=60))
def test_integers_come_out_the_same(numbers: list[int]) -> None:
    """Also those that are only told beside another column."""
    found, end = unpack_whole(pack_whole(numbers), 0, len(numbers))
    assert list(found) == numbers and end == len(pack_whole(numbers))


def size(*columns: list[float]) -> int:
    return len(seal(len(columns[0]), [pack(array("d", column)) for column in columns]))


def test_what_is_alike_takes_next_to_nothing() -> None:
    """900 samples: even times, a constant, a counter that grows evenly, pages of memory, a ratio that is noise."""
    random.seed(4)
    times = [1_700_000_000.0 + second for second in range(900)]
    assert size(times, [0.25] * 900) < 40
    assert size(times, [8e9 + 1234.0 * second for second in range(900)]) < 40
    assert size(times, [8e9 + 4096.0 * random.randrange(64) for _ in range(900)]) < 850
    assert size(times, [round(random.gauss(0.2, 0.02), 3) for _ in range(900)]) < 900
    jitter = [time + random.randrange(5) / 1000 for time in times]
    assert size(jitter, [1.0] * 900) < 500


def test_numbers_without_a_pattern_take_no_more_than_their_bits() -> None:
    """The worst case is known."""
    random.seed(4)
    assert size([random.random() for _ in range(900)]) < 900 * 8 + 40


def test_damage_is_noticed() -> None:
    """A byte that is another one, and a chunk that is cut off, are never taken for numbers."""
    chunk = seal(900, [pack(array("d", [float(at % 7) for at in range(900)]))])
    for at in range(0, len(chunk), 5):
        with pytest.raises(Damaged):
            unseal(chunk[:at] + bytes([chunk[at] ^ 1]) + chunk[at + 1 :])
    with pytest.raises(Damaged):
        unseal(chunk[:-1])
    body, at, count = unseal(chunk)
    with pytest.raises(Damaged):
        unpack(body[: at + 20], at, count)
