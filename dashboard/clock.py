"""The machine's own clock."""

from __future__ import annotations

import asyncio
import time

from dashboard.model import Clock

_TOTAL = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The clock that goes on while the machine sleeps: macOS's CLOCK_MONOTONIC does, Linux's stands still then."""


STEADY = 3_600.0
"""Seconds after which a clock that jumped is believed."""

_JUMP = 60.0  # seconds by which a clock must be set for that to be one


class Steady:
    """Tells whether a clock is believed: one that was never set may say any year, and be set right in a moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.monotonic()
        self._offset = clock.wall() - self._since

    def __call__(self) -> bool:
        """Tell whether it did not jump for an hour, as far as it was looked at."""
        wall, monotonic = self._clock.wall(), self._clock.monotonic()
        if abs(wall - monotonic - self._offset) > _JUMP:
            self._offset, self._since = wall - monotonic, monotonic
        return monotonic - self._since >= STEADY


class SystemClock:
    """The real time, for everything that takes a `Clock`."""

    def wall(self) -> float:
        """Unix seconds; jump when someone sets the clock."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment, those of the machine's sleep among them; never jump."""
        return time.clock_gettime(_TOTAL)

    def slept(self) -> float:
        """Seconds that the machine slept since some moment."""
        return time.clock_gettime(_TOTAL) - time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` in which the machine was awake."""
        await asyncio.sleep(seconds)
