"""The window: every series' last minutes within its bounds, whatever the order and the clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.model import Batch, Family, Series
from dashboard.selector import Selector
from dashboard.window import Line, Standing, Window

NOW = 1_700_000_000.0
STALENESS = json.loads((Path(__file__).parent / "cases" / "staleness.json").read_text("utf-8"))


def batch(
    time: float, samples: dict[str, float], *, source: str = "h/load", instance: str = "h", interval: float | None = 1.0
) -> Batch:
    """Return one collection."""
    return Batch(source, time, interval, {"instance": instance}, samples)


def only(window: Window) -> Line:
    """Return the one series that is held."""
    (line,) = window.select([])
    return line


@pytest.fixture
def window() -> Window:
    return Window(keep=900, max_series=100)


def test_a_series_is_its_name_with_the_labels_of_the_resource(window: Window) -> None:
    window.append(batch(NOW, {'cpu{cpu="0"}': 0.5}))
    line = only(window)
    assert line.text == 'cpu{cpu="0",instance="h"}' and line.series == Series.parse(line.text)
    assert (line.last, line.interval, line.source) == ((NOW, 0.5), 1.0, "h/load")


def test_samples_older_than_the_window_leave_when_newer_come(window: Window) -> None:
    for second in range(3_000):
        window.append(batch(NOW + second, {"a": float(second)}))
    times = only(window).times
    assert window.reach <= times[-1] - times[0] <= 900 + 64 and window.reach > 900


def test_samples_of_a_series_have_a_bound_however_close_they_come() -> None:
    window = Window(keep=900, max_series=10, max_points=100)
    for number in range(1_000):
        window.append(batch(NOW + number / 1_000, {"a": 1.0}))
    assert 100 <= len(only(window).times) <= 164


def test_samples_of_all_series_have_a_bound_and_the_oldest_give_way(caplog: pytest.LogCaptureFixture) -> None:
    """What is still there is all that came since the time that it tells: whoever asks for more asks the disk."""
    window = Window(keep=900, max_series=100, max_samples=2_000)
    for second in range(600):
        now = NOW + second
        window.append(batch(now, {f"a{number}": 1.0 for number in range(10)}))
        if second % 60 == 0:
            window.append(batch(now, {"seldom": 1.0}))
        window.sweep(now)
        lines = list(window.select([]))
        assert sum(len(line.times) for line in lines) <= 2_000
        for line in lines:
            step = 60 if line.key == "seldom" else 1
            came = [NOW + at for at in range(0, second + 1, step) if NOW + at >= window.since(now)]
            assert list(line.times)[-len(came) or len(line.times) :] == came and len(line.times) >= min(
                2, second // step + 1
            )
    assert 100 < now - window.since(now) < 200 - 32
    (line,) = caplog.messages
    assert "samples, the most that it may" in line and "the setting window's 900" in line


def test_where_a_series_has_too_many_samples_it_is_told_since_when_all_are_there() -> None:
    window = Window(keep=900, max_series=10, max_points=100)
    for second in range(300):
        window.append(batch(NOW + second, {"a": 1.0}))
    since = window.since(NOW + 300)
    assert since == only(window).times[1] and since >= NOW + 100
    window.step_back(NOW)
    assert window.since(NOW) == NOW


def test_a_late_sample_goes_to_its_place_and_the_newest_stays(window: Window) -> None:
    for second in (0, 1, 3):
        window.append(batch(NOW + second, {"a": float(second)}), standing="guest")
    window.append(batch(NOW + 2, {"a": 2.0}, source="h/late", interval=60.0))
    line = only(window)
    assert list(line.values) == [0.0, 1.0, 2.0, 3.0]
    assert (line.last, line.source, line.interval) == ((NOW + 3, 3.0), "h/load", 1.0)


def test_of_a_series_that_only_late_samples_came_of_the_newest_is_known(window: Window) -> None:
    window.append(batch(NOW - 500, {"a": 1.0}))
    window.append(batch(NOW - 400, {"a": 2.0}))
    assert only(window).last == (NOW - 400, 2.0)


def test_the_same_sample_twice_is_one_and_of_two_values_at_one_time_the_later_counts(window: Window) -> None:
    for value in (1.0, 1.0, 2.0):
        window.append(batch(NOW, {"a": value}))
    line = only(window)
    assert (list(line.times), list(line.values), line.last) == ([NOW], [2.0], (NOW, 2.0))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=40))
def test_whatever_the_order_of_arrival_times_rise_and_the_last_value_of_each_counts(
    arrivals: list[tuple[int, int]],
) -> None:
    window = Window(keep=900, max_series=10)
    expected: dict[float, float] = {}
    for second, value in arrivals:
        window.append(batch(NOW + second, {"a": float(value)}))
        expected[NOW + second] = float(value)
    for line in window.select([]):
        assert dict(zip(line.times, line.values, strict=True)) == expected
        assert list(line.times) == sorted(expected)
        assert line.last == (max(expected), expected[max(expected)])


def test_after_the_clock_was_set_back_nothing_is_left_of_the_future(window: Window) -> None:
    for second in range(0, 3_700, 100):
        window.append(batch(NOW + second, {"a": 1.0, "dead": 2.0}))
    now = NOW + 100
    window.step_back(now)
    for line in window.select([]):
        assert not line.times or line.times[-1] <= now + 1
        assert line.last[0] <= now
    window.append(batch(now + 1, {"a": 3.0}))
    live, dead = window.select([])
    assert live.last == (now + 1, 3.0)
    assert dead.last == (now, 2.0), "a series that has ended must grow old, not stay of the future for an hour"


def test_a_series_without_a_sample_in_the_whole_window_is_forgotten(window: Window) -> None:
    window.append(batch(NOW, {"a": 1.0, "b": 1.0}))
    window.append(batch(NOW + 500, {"b": 1.0}))
    window.sweep(NOW + 933)
    assert [line.text for line in window.select([])] == ['b{instance="h"}']
    window.append(batch(NOW + 934, {"a": 7.0}))
    assert list(next(window.select([])).values) == [7.0]


def test_a_series_whose_next_sample_is_not_overdue_stays_with_its_two_newest(window: Window) -> None:
    """Of a counter that comes once an hour the rate is known all the time, until it is overdue."""
    for hour in range(4):
        window.append(batch(NOW + 3_600 * hour, {"jobs_total": 100.0 * hour}, interval=3_600))
        window.sweep(NOW + 3_600 * hour + 3_599)
    line = only(window)
    assert list(window.newest(line).values) == [200.0, 300.0] and len(line.times) == 2
    due = NOW + 3_600 * 3 + 2 * 3_600 + 1
    assert line.holds(due) and not line.holds(due + 1)
    window.sweep(due)
    assert only(window) is line
    window.sweep(due + 1)
    assert len(window) == 0


def test_series_that_come_seldom_have_a_quarter_of_the_room(window: Window) -> None:
    for number in range(60):
        window.append(batch(NOW + number, {f"s{number}": 1.0}, interval=86_400))
    window.sweep(NOW + 2_000)
    assert {line.series.name for line in window.select([])} == {f"s{number}" for number in range(35, 60)}


def test_sources_that_are_gone_leave_nothing_behind(window: Window) -> None:
    for number in range(50):
        window.append(batch(NOW, {"a": 1.0}, source=f"s{number}", instance=f"i{number}"))
    window.sweep(NOW + 1_000)
    assert len(window) == 0 and not window._sources


def test_series_beyond_the_bound_are_refused_by_key_and_those_held_go_on() -> None:
    window = Window(keep=900, max_series=3)
    assert window.append(batch(NOW, {f"a{number}": 1.0 for number in range(5)})) == dict.fromkeys(
        ["a3", "a4"], "too_many_series"
    )
    assert window.append(batch(NOW + 1, {f"a{number}": 2.0 for number in range(5)})) == dict.fromkeys(
        ["a3", "a4"], "too_many_series"
    )
    assert (len(window), window.refused) == (3, 4)
    assert [line.last[1] for line in window.select([])] == [2.0, 2.0, 2.0]
    window.sweep(NOW + 2_000)
    assert window.append(batch(NOW + 2_000, {"a4": 1.0})) == {}


@pytest.mark.parametrize("standing", ["guest", "added"])
def test_all_but_the_built_in_collectors_leave_room_for_these(standing: Standing) -> None:
    window = Window(keep=900, max_series=20)
    pushed = {f"a{number}": 1.0 for number in range(20)}
    assert len(window.append(batch(NOW, pushed, source="h/push"), standing=standing)) == 2
    assert window.append(batch(NOW, {"b": 1.0, "c": 1.0})) == {}


def test_a_guest_cannot_write_what_another_source_feeds_until_that_has_stopped() -> None:
    window = Window(keep=900, max_series=20)
    window.append(batch(NOW, {"a": 1.0}))
    assert window.append(batch(NOW + 1, {"a": 9.0}, source="h/push"), standing="guest") == {"a": "taken"}
    assert only(window).last == (NOW, 1.0) and window.refused == 0
    later = NOW + 3_600
    assert window.append(batch(later, {"a": 9.0}, source="h/push"), standing="guest") == {}
    assert only(window).last == (later, 9.0)


def test_what_a_guest_gave_a_collector_may_take_and_it_stays_one_line(window: Window) -> None:
    window.append(batch(NOW, {"a": 1.0}, source="h/push"), standing="guest")
    assert window.append(batch(NOW + 1, {"a": 2.0}), standing="added") == {}
    line = only(window)
    assert list(line.values) == [1.0, 2.0] and line.source == "h/load"
    assert window.append(batch(NOW + 2, {"a": 9.0}, source="h/push"), standing="guest") == {"a": "taken"}


@pytest.mark.parametrize("standing", ["own", "added"])
def test_a_series_is_the_collectors_that_gave_it_first_also_while_it_fails(window: Window, standing: Standing) -> None:
    window.append(batch(NOW, {"a": 1.0}), standing=standing)
    for second in (0, 1, 600):
        other = batch(NOW + second, {"a": 9.0, "b": 2.0}, source="h/other")
        assert window.append(other, standing=standing) == {"a": "taken"}
        assert window.owner("a", other) == "h/load"
    assert [line.last for line in window.select([])] == [(NOW, 1.0), (NOW + 600, 2.0)]
    window.sweep(NOW + 2_000)
    assert window.append(batch(NOW + 2_000, {"a": 9.0}, source="h/other"), standing=standing) == {}


@pytest.mark.parametrize("standing", ["guest", "added"])
def test_families_of_a_built_in_collector_are_its_own_before_its_first_sample(
    window: Window, standing: Standing
) -> None:
    window.declare([Family("a", "gauge", "", "Help.")], owner="h/load", instance="h")
    early = batch(NOW, {"a": 9.0, 'a{x="1"}': 9.0, 'a{instance="h"}': 9.0}, source="h/early")
    assert window.append(early, standing=standing) == dict.fromkeys(early.samples, "taken")
    assert window.owner("a", early) == "h/load" and len(window) == 0
    assert window.append(batch(NOW, {"a": 1.0}, source="i/early", instance="i"), standing=standing) == {}
    assert window.append(batch(NOW, {"a": 1.0})) == {}


def test_an_interval_that_is_not_declared_is_the_median_of_the_last_five_arrivals(window: Window) -> None:
    for second in (0, 10, 20, 21):
        window.append(batch(NOW + second, {"a": 1.0}, interval=None))
    assert only(window).interval is None
    window.append(batch(NOW + 31, {"a": 1.0}, interval=None))
    assert only(window).interval == 10.0


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in STALENESS if "arrivals" in case])
def test_an_interval_is_learned_as_the_shared_cases_say(window: Window, case: dict[str, Any]) -> None:
    for second in case["arrivals"]:
        window.append(batch(NOW + second, {"a": 1.0}, interval=None))
    assert only(window).interval == case["learned"]


def test_series_are_chosen_by_any_of_the_selectors_and_sorted(window: Window) -> None:
    window.append(batch(NOW, {"b": 1.0, 'a{x="2"}': 1.0, 'a{x="1"}': 1.0, "c": 1.0}))
    chosen = window.select([Selector.parse("a"), Selector.parse("b"), Selector.parse('a{x="1"}')])
    assert [line.key for line in chosen] == ['a{x="1"}', 'a{x="2"}', "b"]


def test_columns_are_a_copy_from_start_to_before_end_with_one_earlier_for_a_counters_rate(window: Window) -> None:
    for second in range(10):
        window.append(batch(NOW + second, {"a": float(second), "b_total": float(second)}))
    gauge, counter = (window.columns(line, NOW + 3, NOW + 6) for line in window.select([]))
    assert not gauge.counter and list(gauge.values) == [3.0, 4.0, 5.0]
    assert counter.counter and list(counter.values) == [2.0, 3.0, 4.0, 5.0]
    window.append(batch(NOW + 3, {"a": 99.0}))
    assert list(gauge.values) == [3.0, 4.0, 5.0]


def test_samples_of_a_range_are_counted_without_reading_them(window: Window) -> None:
    for second in range(10):
        window.append(batch(NOW + second, {"a": 1.0}))
    assert [only(window).count(NOW + start, NOW + end) for start, end in ((3, 6), (-9, 99), (4, 4), (20, 30))] == [
        3,
        10,
        0,
        0,
    ]


def test_what_a_name_is_comes_from_its_declaration_else_from_its_ending(window: Window) -> None:
    declared = Family("odd_total", "gauge", "", "Declared.")
    latency = Family("wait_seconds", "histogram", "seconds", "Declared.")
    window.declare([declared, latency])
    assert window.family("odd_total") == declared and not window.is_counter("odd_total")
    assert all(window.family(f"wait_seconds_{part}") == latency for part in ("bucket", "count", "sum"))
    pushed = window.family("jobs_done_total")
    assert (pushed.type, pushed.unit) == ("counter", "") and pushed.help
    assert (window.family("room_celsius").type, window.family("room_celsius").unit) == ("gauge", "celsius")
    assert window.family("sent_bytes_total").unit == "bytes"
