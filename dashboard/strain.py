"""Whether the machine or the program has more to do or to hold than it can: said once, and once when it is over."""

from __future__ import annotations

from typing import NamedTuple

from dashboard.model import Clock

LASTS = 5.0
"""Seconds of too much after which it is said."""

OVER = 15.0
"""Seconds of little enough after which it is over."""

HIGH_LAG, LOW_LAG = 0.25, 0.1
"""Seconds by which the event loop is late: over the first is too much, under the second is little enough."""

HIGH_LOAD, LOW_LOAD = 3.0, 2.0
"""Load average of a minute for each core: over the first is too much, under the second is little enough."""

ROOM_AGAIN = 60.0
"""Seconds without a refused sample after which there is room for all."""


class Turn(NamedTuple):
    """A change: whether it is too much now, and what to say of it."""

    high: bool
    message: str


class Strain:
    """Watch lag and load; `see` is to be called about twice a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._high_since: float | None = None
        self._low_since: float | None = None
        self._told_since: float | None = None

    def see(self, lag: float, load: float | None) -> Turn | None:
        """Take how late the event loop was, and the load for each core (None: unknown); return what is to be said."""
        now, load = self._clock.monotonic(), load or 0.0
        if lag > HIGH_LAG or load > HIGH_LOAD:
            began = now - lag if lag > HIGH_LAG else now
            self._high_since = began if self._high_since is None else self._high_since
        else:
            self._high_since = None
        if lag < LOW_LAG and load < LOW_LOAD:
            self._low_since = now if self._low_since is None else self._low_since
        else:
            self._low_since = None
        if self._told_since is None:
            return self._rise(now, lag, load)
        return self._fall(now, self._told_since)

    def _rise(self, now: float, lag: float, load: float) -> Turn | None:
        if self._high_since is None or now - self._high_since < LASTS:
            return None
        self._told_since = self._high_since
        if lag > LASTS:
            return Turn(True, f"The program stood still for {lag:.1f} s: it was stopped, or had no turn.")
        if lag > HIGH_LAG:
            return Turn(True, f"The program is {lag:.1f} s late with its work: numbers and pages come late.")
        return Turn(True, f"The machine has a load of {load:.1f} for each core: numbers may come late.")

    def _fall(self, now: float, since: float) -> Turn | None:
        if self._low_since is None or now - self._low_since < OVER:
            return None
        self._told_since = None
        return Turn(False, f"The load is normal again; it was high for {self._low_since - since:.0f} s.")


class Shortage:
    """Watch whether samples find room; `see` is to be called every few seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refused = self._before = 0
        self._last: float | None = None

    def see(self, refused: int, held: int) -> Turn | None:
        """Take how many samples found no room since the start, and how many series are held; return what to say."""
        now, new = self._clock.monotonic(), refused > self._refused
        began = new and self._last is None
        if began:
            self._before = self._refused
        self._refused = refused
        self._last = now if new else self._last
        if began:
            return Turn(True, f"Samples find no room: {held:,} series are held, see the setting max_series.")
        if self._last is None or now - self._last < ROOM_AGAIN:
            return None
        self._last = None
        return Turn(False, f"Samples find room again; {refused - self._before:,} did not.")
