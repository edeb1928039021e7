"""The history: what it takes from the gate, and what it answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Sequence

from dashboard.history.nouns import Known, Minute, Reading
from dashboard.model import Batch, Clock
from dashboard.selector import Selector
from dashboard.sqlite import Database
from dashboard.tiers import Bounds


class History:
    """Every series, stored in `database`; it runs no thread of its own before the first sample."""

    def __init__(
        self, database: Database, clock: Clock, bounds: Bounds, is_counter: Callable[[str], bool]
    ) -> None:
        """Keep as much as `bounds` says; `is_counter` tells of a name whether its samples are totals."""
        self._database, self._clock, self._bounds, self._is_counter = database, clock, bounds, is_counter

    def append(self, batch: Batch, refused: Container[str] = ()) -> None:
        """Take a batch but for the samples whose keys are refused. On the event loop's thread; never waits or raises."""

    async def run(self) -> None:
        """Write once a second, and keep house, until cancelled."""

    def flush(self) -> None:
        """Have what was appended written now. On the event loop's thread; never waits."""

    def catalogue(self, selectors: Sequence[Selector]) -> list[Known]:
        """Return the series that any selector chooses (all, when there are none), sorted by their text; any thread.

        Raises StorageError when it is not known which are stored.
        """
        raise NotImplementedError

    def read(self, texts: Sequence[str], start: float, end: float, step: float, *, raw: bool = False) -> Reading:
        """Return the points of series from `start` to `end`, up to now; on a worker's thread, for it may wait.

        `step` 0 is as collected, where that is kept; else points are aligned to multiples of the step, which becomes
        what the tier has. Counters come as rates per second, with `raw` as totals where these are kept. Raises
        StorageError.
        """
        raise NotImplementedError

    def top(self, start: float, end: float) -> list[Minute]:
        """Return which processes took most in each minute from `start` to `end`; on a worker's thread.

        Raises StorageError.
        """
        raise NotImplementedError

    def trouble(self) -> str | None:
        """Return why nothing is stored at present; None while all is well. Any thread."""
        raise NotImplementedError

    def opened(self, connection: sqlite3.Connection) -> None:
        """Learn what a file holds that was just opened; as `sqlite.Owner.opened`, to be called by its owner."""

    def lost(self) -> None:
        """Learn that all that was stored is gone; as `sqlite.Owner.lost`, to be called by its owner."""
