"""What the history gives: series, points, and which processes took most."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from dashboard.model import Series
from dashboard.points import Point


class Known(NamedTuple):
    """A series of which something is stored, or will be at once.

    `interval` is in seconds, None while unknown; `first` and `last` are Unix seconds of its oldest and newest sample.
    """

    text: str
    series: Series
    counter: bool
    interval: float | None
    source: str
    first: float
    last: tuple[float, float | None]


class Stretch(NamedTuple):
    """The points of one series in a span; those without values are where nothing is."""

    known: Known
    points: list[Point]


class Points(Protocol):
    """The points of a series that were read, and have not been made yet."""

    def points(self) -> list[Point]:
        """Return them all."""
        ...

    def split(self, since: float) -> tuple[bytes, list[Point]]:
        """Return those before a time, written as in a list of JSON without its brackets, and the others.

        Of the others there is one at least, with which a hole may begin: the last of all that have values is with them.
        """
        ...


Take = Callable[[Known, Points, float], Stretch]
"""What makes something of each series, and of the step, as soon as it is read; gives what is to stay of it."""


class Reading(NamedTuple):
    """An answer: `step` in seconds as it came to be (0: as collected), and the tier that it is from (see `tiers`).

    `incomplete` are the spans in which something is damaged and could not be read. A series that has nothing in the
    whole span has no stretch.
    """

    step: float
    tier: str
    stretches: list[Stretch]
    incomplete: list[tuple[float, float]]


class Busy(NamedTuple):
    """What all processes of one name took in a minute.

    `cpu` and `cpu_max` count cores (1.0 is one fully used), on average and at most at one time; `resident` and
    `resident_max` are bytes likewise; `processes` is how many there were at most.
    """

    name: str
    cpu: float
    cpu_max: float
    resident: float
    resident_max: float
    processes: int


class Minute(NamedTuple):
    """The processes that took most in the minute that began at `start`: ten by CPU, and ten by memory."""

    start: float
    by_cpu: tuple[Busy, ...]
    by_memory: tuple[Busy, ...]
