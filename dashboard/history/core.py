"""The history: what it takes from the gate, and what it answers."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
import threading
from collections.abc import Callable, Container, Sequence
from concurrent.futures import Future
from itertools import chain
from typing import TYPE_CHECKING

from dashboard.config import Settings
from dashboard.errors import StorageError
from dashboard.history import top
from dashboard.history.journal import Frame, Frames, encode, rows
from dashboard.history.nouns import Known, Minute, Reading, Take
from dashboard.history.roster import Entry, Roster
from dashboard.model import Batch, Clock
from dashboard.selector import Selector, Selectors
from dashboard.sqlite import Database
from dashboard.tiers import RAW, Bounds

if TYPE_CHECKING:
    from dashboard.history.reader import Reader
    from dashboard.history.upkeep import Upkeep

log = logging.getLogger("dashboard")

EVERY = 1.0
"""Seconds between two writes to the journal."""

MOST_WAITING = 1_000_000
"""Samples that wait for the disk at most; further ones are dropped, and that is told as trouble."""

AT_ONCE = 50_000
"""Samples after which is written without waiting for the second to be over."""


CROWDED = 1_000_000
"""Samples in the journal from which on it is compacted, also what may yet be added to."""

IDLE = 600.0
"""Seconds without a question after which nothing is held in memory for the next."""

AGAIN = 60.0
"""Seconds after which what could not be tidied up is tried again."""

SLACK = 65.0
"""Seconds after the end of a span until which its samples may come without being late."""


def kept(settings: Settings) -> Bounds:
    """Return how much the settings keep."""
    ages = {
        "raw": settings.keep_raw_age,
        "10s": settings.keep_10s_age,
        "1m": settings.keep_1m_age,
        "15m": settings.keep_15m_age,
    }
    # Twice what is live, for else series that go on would be forgotten with those that ended.
    return Bounds(ages, settings.keep_history_bytes, series=max(Bounds.series, 2 * settings.max_series))


class Arrival:
    """A batch that is not yet stored."""

    __slots__ = ("batch", "frame", "generation", "refused")

    def __init__(self, batch: Batch, refused: Container[str]) -> None:
        self.batch, self.refused = batch, refused
        self.frame: Frame | None = None
        self.generation = -1


class History:
    """Every series, stored in `database`; nothing is opened, and no thread runs, before the first sample or question.

    All may be called from any thread but where it says otherwise.
    """

    def __init__(self, database: Database, clock: Clock, bounds: Bounds, is_counter: Callable[[str], bool]) -> None:
        """Keep as much as `bounds` says; `is_counter` tells of a name whether its samples are totals."""
        self._database, self._clock, self._bounds = database, clock, bounds
        self._roster = Roster(is_counter)
        self._top = top.Top()
        self._lock = threading.Lock()
        self._arrived: list[Arrival] = []
        self._leaving: list[list[Arrival]] = []
        self._waiting = 0  # samples that are in either
        self._fresh = 0  # samples that arrived since the last write
        self._dropping = False
        self.lost_samples = 0
        """Samples that were taken and are not stored, for the disk did not take them."""
        self._seq = 0
        self._opened = False
        self._journaled = 0  # samples in the journal, roughly
        self._reader: Reader | None = None
        self._asked = 0.0  # when it was last, by the clock that is never set
        self._upkeep: Upkeep | None = None
        self._tidied = 0  # the last span of samples that was over when that was done
        self._again = -math.inf  # when to tidy up at the earliest, by the clock that is never set
        self._closing = False
        database.join(self)

    def append(self, batch: Batch, refused: Container[str] = ()) -> None:
        """Take a batch, but no sample whose key is refused. On the event loop's thread; never waits, never raises."""
        if batch.rows or batch.programs:
            self._top.add(batch.timestamp, batch.programs or top.by_name(batch.rows))
        count = len(batch.samples)
        if not count:
            return
        if self._waiting + self._fresh > MOST_WAITING:
            self._drop(count)
            return
        self._dropping = False
        self._arrived.append(Arrival(batch, refused))
        self._fresh += count
        if self._fresh >= AT_ONCE:
            self.flush()

    async def run(self) -> None:
        """Write once a second until cancelled."""
        while True:
            await asyncio.sleep(EVERY)
            self.flush()

    async def keep_house(self, every: float = 5.0) -> None:
        """Compact, roll up and trim as it becomes due, until cancelled."""
        while True:
            await asyncio.sleep(every)
            self._rest()
            if self._opened and self._due():
                try:
                    await asyncio.to_thread(self.tidy)
                except StorageError as error:
                    log.debug("history is not tidied: %s", error)  # which the database has told of

    def flush(self) -> None:
        """Have what was appended written now. On the event loop's thread; never waits."""
        if not self._arrived and not self._top.has_news():
            return
        with self._lock:
            leaving, self._arrived = self._arrived, []
            self._leaving.append(leaving)
            count, self._fresh = self._fresh, 0
            self._waiting += count
        saved: list[Entry] = []
        data: tuple[int, bytes] | None = None
        minutes: top.Unwritten | None = None

        def run(connection: sqlite3.Connection) -> None:
            nonlocal data, minutes
            frames = self._frames(leaving)
            if data is None or data[0] != self._roster.generation:
                data = self._roster.generation, encode(frames)
            if frames:
                self._seq += 1
                connection.execute("INSERT INTO journal VALUES (?, ?)", (self._seq, data[1]))
            saved[:] = self._roster.save_new(connection)
            if self._top.has_news():
                minutes = self._top.unwritten()
                self._top.write(connection, minutes)

        def done() -> None:
            self._roster.saved(saved)
            if minutes is not None:
                self._top.written(minutes)
            with self._lock:
                self._journaled += count

        def over(written: Future[None]) -> None:
            with self._lock:
                if written.exception() is not None:
                    self.lost_samples += count
                self._leaving.remove(leaving)
                self._waiting -= count

        self._database.write(run, done, weight=1 + count // 100).add_done_callback(over)

    def catalogue(self, selectors: Sequence[Selector]) -> list[Known]:
        """Return the series that any selector chooses (all, when there are none), sorted by their text.

        Waits for the disk the first time; raises StorageError when it is not known then which are stored.
        """
        self._open()
        self._frames(self._unwritten())
        return self._roster.known(Selectors(selectors).match if selectors else None)

    def read(
        self,
        texts: Sequence[str],
        start: float,
        end: float,
        step: float,
        *,
        raw: bool = False,
        take: Take | None = None,
    ) -> Reading:
        """Return the points of series from `start` to `end`, up to now; on a worker's thread, for it may wait.

        `step` 0 is as collected, where that is kept; else points are aligned to multiples of the step, which becomes
        what the tier has. Counters come as rates per second, with `raw` as totals. `take` is given each series as
        soon as it is read, and gives what is to stay of it. Raises StorageError, or TotalsGone.
        """
        from dashboard.history.reader import Question, Reader  # only here, for its memory: many never ask

        self._open()
        unwritten = self._frames(self._unwritten())
        entries = [entry for text in texts if (entry := self._roster.entry(text)) is not None]
        with self._lock:
            reader = self._reader = self._reader or Reader(self._database)
            self._asked = self._clock.monotonic()
        return reader.read(Question(entries, start, end, step, raw), unwritten, take)

    def top(self, start: float, end: float) -> list[Minute]:
        """Return which processes took most in each minute from `start` to `end`; on a worker's thread.

        Raises StorageError.
        """
        unwritten = self._top.unwritten().minutes.items()
        found = self._database.read(lambda connection: top.read(connection, start, end))
        fresh = {at: self._top.whole(at, one, found.get(at)) for at, one in unwritten if start - 60 < at < end}
        return [top.minute(at, record) for at, record in sorted({**found, **fresh}.items())]

    def trouble(self) -> str | None:
        """Return why nothing is stored at present; None while all is well."""
        found = self._database.trouble()
        if found is None and self._dropping:
            return f"{self._database.path}: the disk is too slow for what comes in, so points are not stored"
        return found

    def tidy(self) -> None:
        """Compact, roll up and trim what is due; on a worker's thread. Raises StorageError."""
        from dashboard.history.upkeep import Upkeep  # only here, for its memory

        turn = self._turn()
        self._open()
        with self._lock:
            upkeep = self._upkeep = self._upkeep or Upkeep(self._database, self._roster, self._clock, self._bounds)
        taken = upkeep.tidy(SLACK, everything=self._journaled >= CROWDED, stopping=lambda: self._closing)
        with self._lock:  # only now, for more came meanwhile
            self._journaled -= taken
        self._tidied, self._again = turn, -math.inf

    def step_back(self, now: float) -> None:
        """Learn that the clock was set back to `now`, in Unix seconds: what is newer is not the newest."""
        self._roster.step_back(now)

    def close(self) -> None:
        """Have what is left written, by the time that the database is closed."""
        self._closing = True
        self.flush()

    def opened(self, connection: sqlite3.Connection) -> None:
        """Learn what a file holds that was just opened; as `sqlite.Tenant.opened`."""
        self._roster.load(connection)
        frames = Frames(frame for _, found in rows(connection) for frame in found or ())
        self._roster.replay(frames)
        self._journaled = frames.count
        (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
        self._seq = max(self._seq, last)
        self._opened = True

    def lost(self) -> None:
        """Learn that all that was stored is gone; as `sqlite.Tenant.lost`."""
        self._opened = False
        self._roster.forget_all()
        self._top.lost()
        self._journaled = 0
        if (reader := self._reader) is not None:  # which `_rest` may let go of meanwhile
            reader.forget()
        if self._upkeep is not None:
            self._upkeep.forget()

    def _open(self) -> None:
        if not self._opened:
            self._database.read(lambda connection: None)

    def _rest(self) -> None:
        """Let go of what is held for questions, when there was none for a while."""
        with self._lock:
            if self._clock.monotonic() - self._asked > IDLE:
                self._reader = None

    def _due(self) -> bool:
        """Tell whether there is something to tidy up."""
        now, turn = self._clock.monotonic(), self._turn()
        self._tidied = self._tidied or turn  # of what an earlier run left the next turn takes care
        if now < self._again or (turn == self._tidied and self._journaled < CROWDED):
            return False
        self._again = now + AGAIN  # should it fail
        return True

    def _turn(self) -> int:
        """Return the number of the last span of samples that is over."""
        return int((self._clock.wall() - SLACK) // RAW.span)

    def _unwritten(self) -> list[Arrival]:
        """Return what is not yet stored, or was this very moment."""
        with self._lock:
            return [*chain.from_iterable(self._leaving), *self._arrived]

    def _frames(self, arrivals: Sequence[Arrival]) -> list[Frame]:
        generation = self._roster.generation
        frames = []
        for arrival in arrivals:
            if arrival.frame is None or arrival.generation != generation:
                arrival.frame = self._roster.frame(arrival.batch, arrival.refused)
                arrival.generation = generation
            if arrival.frame.ids:
                frames.append(arrival.frame)
        return frames

    def _drop(self, count: int) -> None:
        with self._lock:
            self.lost_samples += count
        if not self._dropping:
            log.error("%s: the disk is too slow for what comes in: points are dropped", self._database.path)
        self._dropping = True
