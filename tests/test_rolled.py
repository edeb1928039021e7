"""Roll-ups stand for exactly the samples that went in, by whatever way; counters come as rates."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.history.chunk import pack_rolled, unpack_rolled
from dashboard.rolled import (
    NOTHING_ROLLED,
    Last,
    Rolled,
    Samples,
    combined,
    merged,
    ordered,
    rates,
    reroll,
    roll,
    spliced,
)

T0 = 1_700_000_000


def samples(*pairs: tuple[float, float], gap: float = 1.0) -> Samples:
    return Samples(
        array("d", [time for time, _ in pairs]),
        array("d", [value for _, value in pairs]),
        array("d", [gap] * len(pairs)),
    )


def every(apart: float, values: list[float], first: float = T0, gap: float = 1.0) -> Samples:
    return samples(*((first + apart * at, value) for at, value in enumerate(values)), gap=gap)


def model(given: Samples, step: float) -> dict[float, tuple[float, float, float, int]]:
    buckets = defaultdict(list)
    for time, value in zip(given.times, given.values, strict=True):
        buckets[time // step * step].append(value)
    return {begin: (sum(found), min(found), max(found), len(found)) for begin, found in buckets.items()}


def plain(rolled: Rolled) -> dict[float, tuple[float, float, float, int]]:
    rows = zip(rolled.times, rolled.sums, rolled.lows, rolled.highs, rolled.counts, strict=True)
    return {time: (total, low, high, int(count)) for time, total, low, high, count in rows}


def same(rolled: Rolled, expected: dict[float, tuple[float, float, float, int]]) -> bool:
    found = plain(rolled)
    return list(found) == sorted(expected) and all(
        math.isclose(found[time][0], total, rel_tol=1e-9, abs_tol=1e-9) and found[time][1:] == rest
        for time, (total, *others) in expected.items()
        for rest in [tuple(others)]
    )


VALUES = st.lists(st.integers(0, 5000).map(lambda number: number / 100), min_size=1, max_size=80)
EVEN = st.builds(every, st.sampled_from([1.0, 2.0, 0.5, 5.0, 7.0]), VALUES, st.integers(T0, T0 + 30).map(float))
ODD = st.lists(st.tuples(st.integers(0, 4000).map(lambda tenth: T0 + tenth / 10), st.integers(0, 99)), min_size=1).map(
    lambda pairs: ordered(samples(*pairs))
)


@settings(max_examples=150)
@given(st.one_of(EVEN, ODD), st.sampled_from([10, 4, 1, 3, 60]))
def test_a_roll_up_stands_for_the_samples_in_it(given: Samples, step: int) -> None:
    """Even times go another way than others: both say the same as a plain count."""
    assert same(roll(given, step), model(given, step))


@settings(max_examples=80)
@given(st.one_of(EVEN, ODD))
def test_coarser_roll_ups_follow_from_finer_ones(given: Samples) -> None:
    """Through 10 s and a minute to a quarter of an hour nothing is lost."""
    assert same(reroll(reroll(roll(given, 10), 60), 900), model(given, 900))


@settings(max_examples=80)
@given(ODD, ODD)
def test_roll_ups_of_two_parts_combine_to_that_of_both(one: Samples, other: Samples) -> None:
    """What comes late, when the samples themselves are gone, is counted in."""
    both = Samples(*(first + second for first, second in zip(one, other, strict=True)))
    assert same(combined(roll(one, 10), roll(other, 10)), model(both, 10))


def test_a_spike_of_one_second_is_in_the_coarsest_roll_up() -> None:
    """100 % for one second among two hours of nearly nothing."""
    values = [0.02] * 7200
    values[4321] = 1.0
    quarters = reroll(reroll(roll(every(1.0, values), 10), 60), 900)
    assert max(quarters.highs) == 1.0 and quarters.highs.count(1.0) == 1
    assert sum(quarters.sums) / sum(quarters.counts) == pytest.approx(sum(values) / 7200)


def test_the_average_of_a_constant_is_the_constant() -> None:
    """Adding binary fractions leaves no trace in what is stored."""
    rolled = reroll(roll(every(1.0, [0.1] * 900, T0 - T0 % 900), 10), 900)
    stored = unpack_rolled(pack_rolled(rolled))
    assert stored.sums.tolist() == [90.0] and stored.lows.tolist() == stored.highs.tolist() == [0.1]


def test_a_counter_gives_rates_and_a_reset_none() -> None:
    """Whole rates stay whole; a fall gives nothing, and what follows goes on."""
    found = rates(every(2.0, [10.0, 14.0, 15.0, 2.0, 4.0], gap=2.0))
    assert found.times.tolist() == [T0 + 2, T0 + 4, T0 + 8]
    assert found.values.tolist() == [2.0, 0.5, 1.0]
    assert rates(every(1.0, [0.1, 0.2, 0.30000000000000004])).values.tolist() == [0.1, 0.1]


def test_a_rate_needs_the_sample_before_and_no_hole_between() -> None:
    """The last sample of the chunk before counts; a hole of over two intervals gives no rate."""
    assert rates(every(1.0, [5.0, 6.0]), Last(T0 - 1, 3.0, 1.0)).values.tolist() == [2.0, 1.0]
    assert rates(every(1.0, [5.0, 6.0]), Last(T0 - 3, 3.0, 1.0)).values.tolist() == [1.0]
    assert rates(samples((T0, 0.0), (T0 + 2, 4.0), (T0 + 5, 5.0))).values.tolist() == [2.0]


def test_an_interval_that_changes_loses_no_rate() -> None:
    """Samples 10 s apart were no holes when they came, though the next ones are a second apart."""
    slow, fast = every(10.0, [0.0, 10.0, 30.0], gap=10.0), every(1.0, [31.0, 32.0], T0 + 30, gap=1.0)
    assert rates(merged(slow, fast)).values.tolist() == [1.0, 2.0, 0.1, 1.0]


def test_undeclared_intervals_are_the_usual_one() -> None:
    """Of what declares nothing, a pause much longer than others is a hole."""
    found = rates(samples(*((T0 + time, float(time)) for time in (0, 5, 10, 15, 20, 60, 65)), gap=0.0))
    assert found.times.tolist() == [T0 + 5, T0 + 10, T0 + 15, T0 + 20, T0 + 65]


def test_a_sample_of_the_same_time_replaces() -> None:
    """Whether it comes in order or not."""
    found = merged(every(1.0, [1.0, 2.0, 3.0]), samples((T0 + 1, 9.0), (T0 + 5, 5.0)))
    assert list(zip(found.times, found.values, strict=True)) == [(T0, 1), (T0 + 1, 9), (T0 + 2, 3), (T0 + 5, 5)]


def test_points_of_a_span_are_replaced() -> None:
    """Those of a span that is rolled up anew give way, those around it stay."""
    old, new = roll(every(10.0, [1.0] * 6, gap=10.0), 10), roll(every(10.0, [7.0], T0 + 20, gap=10.0), 10)
    assert spliced(old, new, T0 + 10, T0 + 40).highs.tolist() == [1.0, 7.0, 1.0, 1.0]
    assert spliced(old, NOTHING_ROLLED, T0, T0 + 60).times.tolist() == []
