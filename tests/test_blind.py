"""The time in which nobody watched is told, with its cause; no clock that is set is taken for it."""

from __future__ import annotations

import pytest

from dashboard.blind import KILLED, OFF, SLEPT, STOOD, Blind, Vigil, between_runs
from tests.clocks import START, HandClock

INTERVAL = 1.0


class SleepyClock(HandClock):
    """A clock of a machine that can sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = 0.0

    def slept(self) -> float:
        return self.asleep

    def sleep(self, seconds: float) -> None:
        """Let the machine sleep."""
        self.move(seconds)
        self.asleep += seconds


class Watched:
    """A vigil that looks twice a second while the program has its turn."""

    def __init__(self) -> None:
        self.clock = SleepyClock()
        self.vigil = Vigil(self.clock, INTERVAL)

    def for_seconds(self, seconds: float) -> list[Blind]:
        """Return what was told in a time."""
        told = []
        for _ in range(round(seconds * 2)):
            self.clock.move(0.5)
            blind = self.vigil.look()
            told += [blind] if blind is not None else []
        return told


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_program_that_has_its_turn_is_never_blind(watched: Watched) -> None:
    assert watched.for_seconds(60) == []
    watched.clock.move(2 * INTERVAL + 0.5)  # and the half second until the next look: as late as a value may be
    assert watched.for_seconds(60) == []


def test_a_stop_is_told_once_from_the_last_look_to_the_first(watched: Watched) -> None:
    assert watched.for_seconds(10) == []
    watched.clock.move(4)
    assert watched.for_seconds(60) == [Blind(START + 10, START + 14.5, STOOD)]


@pytest.mark.parametrize("step", [3600.0, -3600.0, 4.0, 0.6])
def test_a_clock_that_is_set_is_no_blind_time(watched: Watched, step: float) -> None:
    watched.for_seconds(10)
    watched.clock.step(step)
    assert watched.for_seconds(60) == []


def test_a_stop_in_which_the_clock_is_set_is_told_in_the_new_time(watched: Watched) -> None:
    watched.clock.move(8)
    watched.clock.step(-3600)
    assert watched.for_seconds(1) == [Blind(START - 3600, START - 3600 + 8.5, STOOD)]


def test_of_a_sleep_it_is_said_that_the_machine_slept(watched: Watched) -> None:
    watched.clock.sleep(600)
    (blind,) = watched.for_seconds(60)
    assert (blind.end - blind.start, blind.cause) == (600.5, SLEPT)
    watched.clock.sleep(1)
    watched.clock.move(4)
    (blind,) = watched.for_seconds(60)
    assert blind.cause == STOOD


@pytest.mark.parametrize(("killed", "cause"), [(False, OFF), (True, KILLED)])
def test_between_two_runs_it_is_the_time_since_the_last_sign_of_life(killed: bool, cause: str) -> None:
    assert between_runs(START, START + 60, INTERVAL, killed=killed) == Blind(START, START + 60, cause)


def test_an_outage_is_told_however_seldom_is_collected() -> None:
    """Of what programs push each second, two hours are missing then, too."""
    assert between_runs(START, START + 7_200, 3_600.0, killed=False) == Blind(START, START + 7_200, OFF)
    clock = SleepyClock()
    vigil = Vigil(clock, 3_600.0)
    clock.move(22)
    assert vigil.look() == Blind(START, START + 22, STOOD)
    clock.move(20)
    assert vigil.look() is None and between_runs(START, START + 20, 3_600.0, killed=False) is None


@pytest.mark.parametrize("last", [None, START - 3, START, START + 60])
def test_without_an_earlier_run_or_a_time_that_is_known_nothing_is_told(last: float | None) -> None:
    assert between_runs(last, START, INTERVAL, killed=True) is None


def test_the_message_names_both_ends_and_their_days_where_they_differ() -> None:
    midnight = 1_700_006_400.0
    assert Blind(midnight + 130.9, midnight + 250.2, SLEPT).message == f"blind 00:02:10–00:04:10 UTC: {SLEPT}"
    over = Blind(midnight - 1, midnight + 1, SLEPT).message
    assert over == f"blind 2023-11-14 23:59:59–2023-11-15 00:00:01 UTC: {SLEPT}"
