"""High load is said once when it lasts and once when it is over, never for a moment of it."""

from __future__ import annotations

import pytest

from dashboard.strain import HIGH_LAG, HIGH_LOAD, LASTS, LOW_LAG, LOW_LOAD, OVER, ROOM_AGAIN, Shortage, Strain
from tests.clocks import HandClock


class Watched:
    """A strain that is looked at twice a second."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.strain = Strain(self.clock)

    def for_seconds(self, seconds: float, lag: float = 0.0, load: float | None = 0.0) -> list[bool]:
        """Return what was said in a time, as whether it was too much."""
        said = []
        for _ in range(round(seconds * 2)):
            self.clock.move(0.5)
            turn = self.strain.see(lag, load)
            if turn is not None:
                assert turn.message
                said.append(turn.high)
        return said


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.mark.parametrize("high", [{"lag": HIGH_LAG * 1.1}, {"load": HIGH_LOAD * 1.1}])
def test_what_lasts_is_said_once_and_so_is_its_end(watched: Watched, high: dict[str, float]) -> None:
    assert watched.for_seconds(LASTS - 1, **high) == []
    assert watched.for_seconds(60, **high) == [True]
    assert watched.for_seconds(OVER - 1) == []
    assert watched.for_seconds(60) == [False]


def test_moments_of_it_are_not_said(watched: Watched) -> None:
    for _ in range(20):
        assert watched.for_seconds(LASTS - 1, lag=1.0) == watched.for_seconds(1) == []


def test_what_comes_and_goes_is_one_time_of_high_load(watched: Watched) -> None:
    assert watched.for_seconds(60, load=HIGH_LOAD + 1) == [True]
    for _ in range(20):
        assert watched.for_seconds(OVER - 1, load=LOW_LOAD - 1) == watched.for_seconds(6, load=HIGH_LOAD + 1) == []
    assert watched.for_seconds(OVER + 1) == [False]


def test_between_the_bounds_nothing_changes(watched: Watched) -> None:
    between = {"lag": (HIGH_LAG + LOW_LAG) / 2, "load": (HIGH_LOAD + LOW_LOAD) / 2}
    assert watched.for_seconds(100, **between) == []
    watched.for_seconds(60, lag=1.0)
    assert watched.for_seconds(100, **between) == []


def test_one_long_standstill_is_said(watched: Watched) -> None:
    watched.clock.move(LASTS + 1)
    turn = watched.strain.see(LASTS + 1, None)
    assert turn is not None and turn.high and "stood still for 6.0 s" in turn.message


def test_a_machine_without_a_load_average_is_judged_by_its_lag(watched: Watched) -> None:
    assert watched.for_seconds(60, lag=1.0, load=None) == [True]
    assert watched.for_seconds(60, load=None) == [False]


def test_that_samples_find_no_room_is_said_once_and_so_is_its_end() -> None:
    clock = HandClock()
    shortage = Shortage(clock)
    said: list[tuple[int, str]] = []
    for look in range(60):
        clock.move(5)
        turn = shortage.see(1_000 * min(max(look - 4, 0), 20), 20_000)
        if turn is not None:
            said.append((look, turn.message))
    assert said == [
        (5, "Samples find no room: 20,000 series are held, see the setting max_series."),
        (24 + round(ROOM_AGAIN / 5), "Samples find room again; 20,000 did not."),
    ]


def test_samples_that_are_refused_now_and_then_are_one_shortage() -> None:
    clock = HandClock()
    shortage = Shortage(clock)
    turns = []
    for refused in range(1, 30):
        clock.move(ROOM_AGAIN - 1)
        turns.append(shortage.see(refused, 20_000))
    assert [turn.high for turn in turns if turn is not None] == [True]
