"""The log: ids that only rise, bounds by count and by age, positions that stay true while it forgets."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import InvalidParameter
from dashboard.eventlog import MOST_BYTES, EventId, MemoryLog
from tests.clocks import START, HandClock
from tests.occurrences import line, metrics, system


def filled(clock: HandClock, count: int, *, max_events: int = 100, max_age: float = 60.0) -> MemoryLog:
    """Return a log that `count` events were appended to, a second apart, named by their number."""
    log = MemoryLog(clock, max_events=max_events, max_age=max_age)
    for number in range(count):
        clock.move(1.0)
        log.admit(log.stamp([system(str(number))]))
    return log


def messages(log: MemoryLog, position: int = 0) -> list[str]:
    """Return what is held from a position on."""
    return [json.loads(entry.event.encode())["message"] for entry in log.read(position)]


def test_events_are_read_in_the_order_of_their_ids() -> None:
    log = filled(HandClock(), 5)
    ids = [entry.id for entry in log.read(0)]
    assert ids == sorted(set(ids)) and messages(log) == ["0", "1", "2", "3", "4"]
    assert ids[0] == EventId(int(START * 1000) + 1000, 0)


def test_events_of_one_moment_are_told_apart_by_their_sequence() -> None:
    clock = HandClock()
    log = MemoryLog(clock, max_events=10, max_age=60)
    clock.move(1)
    log.admit(log.stamp([system(), system()]))
    log.admit(log.stamp([system()]))
    assert [entry.id.seq for entry in log.read(0)] == [0, 1, 2]


@given(st.lists(st.floats(-7200, 7200).map(lambda seconds: round(seconds, 3)), max_size=30))
def test_ids_rise_whatever_the_clock_does(steps: list[float]) -> None:
    clock = HandClock()
    log = MemoryLog(clock, max_events=1000, max_age=1e9)
    before = log.bounds().newest
    for step in steps:
        clock.step(step)
        log.admit(log.stamp([system()]))
        assert log.bounds().newest > before
        before = log.bounds().newest


def test_ids_rise_over_a_restart_on_a_clock_that_was_set_back() -> None:
    clock = HandClock()
    first = filled(clock, 3)
    mark = first.bounds().newest.ms + 15_000
    clock.step(-3600)
    second = MemoryLog(clock, max_events=10, max_age=60, begin_above=mark)
    second.admit(second.stamp([system()]))
    assert second.bounds().newest > EventId(mark, 0) > first.bounds().newest
    assert second.bounds().origin == second.bounds().floor == EventId(mark, 0)


def test_the_oldest_leave_when_there_are_too_many() -> None:
    log = filled(HandClock(), 7, max_events=3)
    assert messages(log) == ["4", "5", "6"]
    assert (log.start, log.end) == (4, 7)
    assert log.bounds().floor < log.read(0)[0].id


def test_the_oldest_leave_when_they_are_too_old_by_a_clock_that_never_jumps() -> None:
    clock = HandClock()
    log = filled(clock, 5, max_age=10)
    clock.step(7200)
    log.admit(log.stamp([system("later")]))
    assert messages(log) == ["0", "1", "2", "3", "4", "later"]
    clock.move(7.5)
    log.admit(log.stamp([system("last")]))
    assert messages(log) == ["2", "3", "4", "later", "last"]


def test_positions_stay_true_while_the_head_is_cut_off_in_bulk() -> None:
    clock = HandClock()
    log = filled(clock, 5_000, max_events=100, max_age=1e9)
    assert (log.start, log.end) == (4_900, 5_000)
    for position in (4_900, 4_950, 4_999):
        assert messages(log, position)[0] == str(position)
    assert messages(log, 12) == messages(log, 4_900)
    assert messages(log, 5_000) == []


def test_a_full_log_holds_no_more_than_twice_what_it_shows() -> None:
    log = filled(HandClock(), 5_000, max_events=400, max_age=1e9)
    assert len(log._entries) <= 1_000


@given(st.integers(1, 40), st.integers(1, 60), st.data())
def test_an_id_finds_the_position_behind_it(held: int, count: int, data: st.DataObject) -> None:
    log = filled(HandClock(), count, max_events=held)
    entries = log.read(0)
    at = data.draw(st.integers(0, len(entries) - 1))
    id = entries[at].id
    assert log.position_after(id) == log.start + at + 1
    assert log.position_after(EventId(id.ms, id.seq + 1)) == log.start + at + 1
    assert log.position_after(EventId(id.ms - 1, 9)) == log.start + at
    assert log.position_after(EventId(0, 0)) == log.start
    assert log.position_after(EventId(10**15, 0)) == log.end


def test_the_oldest_leave_when_all_are_too_large_together() -> None:
    log = MemoryLog(HandClock(), max_events=100_000, max_age=60)
    for number in range(300):
        entries = log.stamp([line(f"{number:06}" + "x" * 500_000)])
        assert len(entries[0].data) > 500_000  # encoded for the disk, as lines are
        log.admit(entries)
    assert sum(len(entry.data) for entry in log.read(0)) < MOST_BYTES
    assert log.end == 300 and 20 < log.end - log.start < 130
    assert log.bounds().floor < log.read(0)[0].id


def test_an_empty_log_can_be_gone_on_from_at_its_bound() -> None:
    log = MemoryLog(HandClock(), max_events=3, max_age=60)
    bounds = log.bounds()
    assert bounds.origin == bounds.floor == bounds.newest
    assert not log.read(0) and log.start == log.end == 0


def test_a_log_emptied_by_age_can_be_gone_on_from_at_its_newest() -> None:
    clock = HandClock()
    log = filled(clock, 3, max_age=10)
    newest = log.bounds().newest
    clock.move(100)
    log.admit(log.stamp([]))
    assert not log.read(0)
    assert log.bounds().floor == log.bounds().newest == newest


def test_data_begins_with_the_id_and_is_encoded_once() -> None:
    clock = HandClock()
    log = MemoryLog(clock, max_events=10, max_age=60)
    log.admit(log.stamp([metrics(5.0, a=1.5)]))
    (entry,) = log.read(0)
    assert entry.frame is entry.frame
    data = entry.frame.split(b"data: ")[1].strip()
    assert data.startswith(b'{"id":"%s","type":"metrics",' % str(entry.id).encode())
    assert json.loads(data)["samples"] == {"a": 1.5}


@pytest.mark.parametrize(
    "text", ["", "1", "-", "1-", "-1", "1-2-3", " 1-2", "1-2 ", "1-2\n", "a-b", "١-٢", "1" * 16 + "-0", "1-" + "1" * 11]
)
def test_what_is_no_id_is_refused_by_the_parameters_name(text: str) -> None:
    with pytest.raises(InvalidParameter, match="after: not an event id"):
        EventId.parse(text)


@given(st.integers(0, 10**15 - 1), st.integers(0, 10**10 - 1))
def test_an_id_reads_back(ms: int, seq: int) -> None:
    assert EventId.parse(str(EventId(ms, seq))) == EventId(ms, seq)
