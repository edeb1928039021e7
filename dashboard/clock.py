"""The machine's own clock."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """The real time, for everything that takes a `Clock`."""

    def wall(self) -> float:
        """Unix seconds; jump when someone sets the clock."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment; never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""
        await asyncio.sleep(seconds)
