"""From samples to points: rates, buckets, holes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.points import bucketed, collected, rates

CASES = json.loads((Path(__file__).parent / "cases" / "rates.json").read_text("utf-8"))
TIMES = st.lists(st.integers(0, 400), unique=True, max_size=30).map(sorted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_rates_are_as_the_shared_cases_say(case: dict[str, list[float]]) -> None:
    times, values = rates(case["times"], case["totals"], case["interval"])  # type: ignore[arg-type]
    assert [list(pair) for pair in zip(times, values, strict=True)] == case["rates"]


@given(TIMES, st.data())
def test_rates_are_never_negative_and_never_above_the_steepest_step(times: list[int], data: st.DataObject) -> None:
    totals = data.draw(st.lists(st.integers(0, 1000), min_size=len(times), max_size=len(times)))
    found, values = rates(times, totals, 10.0)
    assert set(found) <= set(times[1:])
    assert all(0 <= value <= 1000 for value in values)


def test_as_collected_a_point_is_a_sample() -> None:
    assert collected([1.0, 2.0], [5.0, 7.0], 1.0) == [(1.0, 5.0, 5.0, 5.0), (2.0, 7.0, 7.0, 7.0)]
    assert collected([], [], 1.0) == []


def test_as_collected_a_hole_has_one_point_without_values_where_the_next_sample_was_due() -> None:
    assert collected([1.0, 4.0], [5.0, 7.0], 1.0) == [
        (1.0, 5.0, 5.0, 5.0),
        (2.0, None, None, None),
        (4.0, 7.0, 7.0, 7.0),
    ]
    assert len(collected([1.0, 3.0], [5.0, 7.0], 1.0)) == 2
    assert len(collected([1.0, 400.0], [5.0, 7.0], None)) == 2


def test_a_bucket_has_average_minimum_and_maximum_of_its_samples_from_its_start_on() -> None:
    points = bucketed([10.0, 12.0, 19.9, 20.0], [1.0, 2.0, 6.0, 8.0], 5.0, start=10, end=30, step=10)
    assert points == [(10, 3.0, 1.0, 6.0), (20, 8.0, 8.0, 8.0)]


def test_buckets_are_aligned_to_the_step_whatever_the_start() -> None:
    for start in (0.0, 3.0, 9.99):
        assert [point[0] for point in bucketed([5.0, 15.0], [1.0, 2.0], 10.0, start=start, end=20, step=10)] == [0, 10]


def test_where_there_is_nothing_there_is_null() -> None:
    points = bucketed([50.0, 51.0], [1.0, 2.0], 1.0, start=0, end=100, step=10)
    assert [point[0] for point in points if point[1] is None] == [0, 10, 20, 30, 40, 60, 70, 80, 90]
    assert bucketed([], [], None, start=0, end=20, step=10) == [(0, None, None, None), (10, None, None, None)]


def test_steps_shorter_than_the_interval_leave_buckets_out_until_a_sample_is_overdue() -> None:
    points = bucketed([0.0, 5.0], [1.0, 2.0], 5.0, start=0, end=20, step=1)
    assert [point[0] for point in points if point[1] is not None] == [0, 5]
    assert [point[0] for point in points if point[1] is None] == [15, 16, 17, 18, 19]


@given(TIMES, st.integers(0, 200), st.integers(1, 300), st.sampled_from([0.5, 1, 7, 60]))
def test_every_sample_between_start_and_end_is_in_exactly_one_bucket(
    times: list[int], start: int, length: int, step: float
) -> None:
    end = start + length
    values = [float(time) for time in times]
    points = bucketed(times, values, 10.0, start=start, end=end, step=step)
    starts = [point[0] for point in points]
    assert starts == sorted(set(starts)) and all(begin % step == 0 for begin in starts)
    inside = [time for time in times if start <= time < end]
    for time in inside:
        assert (
            sum(
                begin <= time < begin + step and low is not None and high is not None and low <= time <= high
                for begin, _, low, high in points
            )
            == 1
        )
