"""What is done now and then: compact the journal, roll up, delete what is too old or too much."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from dashboard.errors import StorageError
from dashboard.history.compactor import Compactor, closed
from dashboard.history.roller import Roller
from dashboard.history.roster import Roster
from dashboard.model import Clock
from dashboard.sqlite import Database
from dashboard.tiers import Bounds


class Upkeep:
    """One turn at a time, whoever asks for it."""

    def __init__(self, database: Database, roster: Roster, clock: Clock, bounds: Bounds) -> None:
        self._clock = clock
        self._compactor = Compactor(database, roster)
        self._roller = Roller(database, roster, clock, bounds)
        self._lock = threading.Lock()

    def tidy(self, slack: float, *, everything: bool, stopping: Callable[[], bool]) -> int:
        """Do all that is due, or until `stopping`; return how many samples the journal has given up.

        What came in the last `slack` seconds stays in the journal, but with `everything`. Raises StorageError.
        """
        with self._lock:
            horizon = closed(self._clock.wall(), slack)
            limits = self._roller.limits()
            self._roller.set_right(limits)
            # Before anything is deleted, for what was sent twice is known by what is there. A full disk needs the room.
            try:
                taken = self._compact(math.inf if everything else horizon, stopping)
            except StorageError:
                self._roller.trim(limits)
                taken = self._compact(math.inf if everything else horizon, stopping)
            while not stopping() and self._roller.roll_up(horizon):
                pass
            while not stopping() and self._roller.trim(limits):
                pass
            return taken

    def _compact(self, horizon: float, stopping: Callable[[], bool]) -> int:
        taken = 0
        while not stopping() and (count := self._compactor.compact(horizon, self._clock.wall())):
            taken += count
        return taken

    def forget(self) -> None:
        """Forget what was remembered of a file that is gone."""
        self._compactor.forget()
