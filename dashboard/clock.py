"""The machine's own clock."""

from __future__ import annotations

import asyncio
import time

_TOTAL = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The clock that goes on while the machine sleeps: macOS's CLOCK_MONOTONIC does, Linux's stands still then."""


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
