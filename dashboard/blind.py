"""The time in which nobody watched: between two runs, and while the process or the machine stood still."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from dashboard.model import Clock

OFF = "the dashboard was not running"
KILLED = "the dashboard was not running: it was killed, or the machine went down"
STOOD = "the dashboard stood still: it was stopped, or had no turn"
SLEPT = "the machine slept"
UNSTORED = "nothing could be stored"

OFTEN = 10.0
"""Seconds between two samples up to which a missing one is what tells of a time without a watch."""


class Blind(NamedTuple):
    """A time without a watch, in Unix seconds of the clock as it is set now, and why."""

    start: float
    end: float
    cause: str

    @property
    def message(self) -> str:
        """Return a sentence with both times in UTC; their days, too, when these are not the same."""
        times = [datetime.fromtimestamp(int(time), UTC) for time in (self.start, self.end)]
        form = "%H:%M:%S" if times[0].date() == times[1].date() else "%Y-%m-%d %H:%M:%S"
        return f"blind {'–'.join(time.strftime(form) for time in times)} UTC: {self.cause}"


def shortest(interval: float) -> float:
    """Return the seconds beyond which a time without a watch is told.

    Programs push as often as they like, however seldom is collected here.
    """
    return 2 * min(interval, OFTEN) + 1


def between_runs(last: float | None, now: float, interval: float, *, killed: bool) -> Blind | None:
    """Return the time since an earlier run's `last` sign of life.

    None when there was no such run, when it is short, or when the clock is behind that: then nobody knows how long.
    """
    if last is None or now - last <= shortest(interval):
        return None
    return Blind(last, now, KILLED if killed else OFF)


class StillClock(Clock, Protocol):
    """A clock that knows of the machine's sleep, which `monotonic` counts."""

    def slept(self) -> float:
        """Seconds that the machine slept since some moment."""
        ...


class Vigil:
    """Notices that the program had no turn; `look` is to be called about twice a second.

    Only time that never jumps is counted, so that a wall clock that is set is not taken for it.
    """

    def __init__(self, clock: StillClock, interval: float) -> None:
        self._clock, self._shortest = clock, shortest(interval)
        self._last, self._slept = clock.monotonic(), clock.slept()

    def look(self) -> Blind | None:
        """Return the time since the look before, when it is too long."""
        now, slept = self._clock.monotonic(), self._clock.slept()
        missed, asleep = now - self._last, slept - self._slept
        self._last, self._slept = now, slept
        if missed <= self._shortest:
            return None
        end = self._clock.wall()
        return Blind(end - missed, end, SLEPT if asleep > missed / 2 else STOOD)
