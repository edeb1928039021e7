"""That nothing is stored is said once, with its span when it is over; a disk that hovers about full is no flood."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from dashboard.storing import CALM, Halt, Storing
from tests.clocks import START, HandClock

FULL = "the disk is full"


class Watched:
    """Looks once a second."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.storing = Storing(self.clock)
        self.lost = 0

    def told(self, troubles: Iterable[str | None], *, losing: bool = True) -> list[Halt]:
        """Return what is said of these, a second after another; with trouble as many samples are lost, or none."""
        said = []
        for trouble in troubles:
            self.clock.move(1)
            self.lost += losing and trouble is not None
            halt = self.storing.see(trouble, self.lost)
            said += [halt] if halt is not None else []
        return said


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_it_begins_with_the_last_look_without_trouble_and_ends_with_the_first(watched: Watched) -> None:
    calm = int(CALM)
    assert watched.told([None] * 10) == []
    assert watched.told([FULL] * 100) == [Halt(START + 10, None, FULL)]
    assert watched.told([None] * 60) == [Halt(START + 10, START + 111, FULL)]
    assert watched.told([FULL]) == [Halt(START + 170, None, FULL)]
    assert watched.told([*[None] * calm, "other"] * 9) == []
    (halt,) = watched.told([None] * (calm + 1))
    assert halt.start == START + 170 and halt.end == watched.clock.wall() - calm


def test_trouble_from_the_start_on_begins_with_the_start(watched: Watched) -> None:
    (halt,) = watched.told([FULL, "other"])
    assert halt == Halt(START, None, FULL) and halt.message == FULL


def test_a_clock_that_is_set_meanwhile_moves_the_span_and_does_not_stretch_it(watched: Watched) -> None:
    watched.told([None, FULL])
    watched.clock.step(3600)
    (halt,) = watched.told([None] * 5)
    assert halt == Halt(START + 3601, START + 3603, FULL)
    assert halt.message == f"For 2 s they were not: {FULL}"


def test_of_trouble_in_which_all_waited_and_was_stored_it_is_said_that_nothing_is_missing(watched: Watched) -> None:
    watched.told([None, FULL])
    assert [halt.lost for halt in watched.told([None] * 60)] == [True]
    watched.told([FULL] * 12, losing=False)
    (halt,) = watched.told([None] * 60)
    assert not halt.lost and halt.message == "That took 13 s, and no point is missing."
