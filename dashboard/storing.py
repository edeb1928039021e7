"""Whether what comes in is stored: said once when it stops, and once, with its span, when it goes on."""

from __future__ import annotations

from typing import NamedTuple

from dashboard.model import Clock

CALM = 3.0
"""Seconds without trouble after which it goes on: a disk that is nearly full is no news every second."""


class Halt(NamedTuple):
    """A time in which nothing was stored, in Unix seconds of the clock as it is set now; `end` None: it goes on.

    When it is over, `lost` tells whether anything of it is missing: all may have waited, and be stored by now.
    """

    start: float
    end: float | None
    reason: str
    lost: bool = True

    @property
    def message(self) -> str:
        """Return what to say of it."""
        if self.end is None:
            return self.reason
        span = f"{max(1.0, self.end - self.start):,.0f} s"
        return (
            f"For {span} they were not: {self.reason}" if self.lost else f"That took {span}, and no point is missing."
        )


class Storing:
    """Watches whether there is trouble; `see` is to be called about once a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._good = clock.monotonic()
        self._reason: str | None = None
        self._better: float | None = None
        self._lost = 0

    def see(self, trouble: str | None, lost: int) -> Halt | None:
        """Take why nothing is stored at present (None: it is), and how much was lost so far; return what is to be said.

        It begins with the last look that found no trouble, and ends with the first that finds none any more.
        """
        now = self._clock.monotonic()
        if trouble is not None:
            self._better = None
            if self._reason is not None:
                return None
            self._reason = trouble
            return Halt(self._wall(self._good), None, trouble)
        if self._reason is None:
            self._good, self._lost = now, lost
            return None
        self._better = now if self._better is None else self._better
        if now - self._better < CALM:
            return None
        halt = Halt(self._wall(self._good), self._wall(self._better), self._reason, lost > self._lost)
        self._reason, self._better, self._good, self._lost = None, None, now, lost
        return halt

    def _wall(self, monotonic: float) -> float:
        return self._clock.wall() - (self._clock.monotonic() - monotonic)
