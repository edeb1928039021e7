"""The times in which nobody watched or nothing could be stored, as `state.db` keeps them: also over a kill."""

from __future__ import annotations

import math
import sqlite3
import threading

from dashboard.blind import Blind
from dashboard.clock import Steady
from dashboard.model import Clock
from dashboard.sqlite import Database

KEEP = 2 * 365 * 86_400.0
"""Seconds for which a time is kept."""

AHEAD = 60.0
"""Seconds by which a time's end may be ahead of the clock: one further ahead was told by a clock that was wrong."""

MOST = 5_000
"""Times that are kept at most, the newest."""


class BlindLog:
    """All such times, held in memory too. No call waits or raises: what a disk does not take is written later."""

    def __init__(self, database: Database, clock: Clock, last_alive: float | None) -> None:
        """Join a database; `last_alive` ends what an earlier run left open, in Unix seconds."""
        self._database, self._clock, self._last_alive = database, clock, last_alive
        self._steady = Steady(clock)
        self._lock = threading.Lock()
        self._known: tuple[Blind, ...] = ()  # by their start; replaced whole, for it is read from any thread
        self._open: Blind | None = None
        self._unwritten: tuple[Blind, ...] = ()
        self._changes = self._written = 0
        database.join(self)

    def add(self, blind: Blind) -> None:
        """Take a time that is over."""
        with self._lock:
            self._take(blind)
        self.keep()

    def begin(self, start: float, cause: str) -> None:
        """Take note that a time has begun, which goes on until `end`, or until the end of this run."""
        with self._lock:
            self._open = Blind(start, start, cause)
            self._changes += 1
        self.keep()

    def end(self, blind: Blind | None) -> None:
        """Take what had begun, now that it is over and its span is known; None: it turned out to be none."""
        with self._lock:
            if blind is not None:
                self._take(blind)
            self._open = None
            self._changes += 1
        self.keep()

    def keep(self) -> None:
        """Write what is not yet written; to be called now and then."""
        if self._steady() and any(blind.end > self._clock.wall() + AHEAD for blind in self._known):
            with self._lock:
                self._learn([])
                self._changes += 1
        if self._changes == self._written:
            return
        fresh: tuple[Blind, ...] = ()
        changes = 0

        def run(connection: sqlite3.Connection) -> None:
            nonlocal fresh, changes
            with self._lock:
                fresh, changes = self._unwritten, self._changes
            self._write(connection, fresh)

        def done() -> None:
            written = {id(blind) for blind in fresh}
            with self._lock:
                self._written = changes
                self._unwritten = tuple(blind for blind in self._unwritten if id(blind) not in written)

        self._database.write(run, done)

    def between(self, start: float, end: float) -> list[Blind]:
        """Return those that touch the time from `start` to `end`, by their start; one that goes on ends now."""
        latest = self._clock.wall() + AHEAD
        found = [blind for blind in self._known if start < blind.end <= latest and blind.start < end]
        open = self._open
        if open is not None and open.start < end:
            found.append(open._replace(end=max(open.start, self._clock.wall())))
        return found

    def opened(self, connection: sqlite3.Connection) -> None:
        """Learn what earlier runs left, and put into a new file what is known."""
        if self._open is not None:  # which this run left open, when the file was opened before
            connection.execute("DELETE FROM blind WHERE end IS NULL AND start = ?", (self._open.start,))
        connection.execute(
            "UPDATE blind SET end = max(start, coalesce(?, start)) WHERE end IS NULL", (self._last_alive,)
        )
        rows = connection.execute("SELECT start, end, cause FROM blind ORDER BY start DESC LIMIT ?", (MOST,)).fetchall()
        with self._lock:
            self._learn([Blind(*row) for row in rows])
            known = self._known
        self._write(connection, known)

    def lost(self) -> None:
        """Begin anew: `opened` writes all that is known."""

    def _take(self, blind: Blind) -> None:
        self._learn([blind])
        self._unwritten = (*self._unwritten, blind)[-MOST:]
        self._changes += 1

    def _learn(self, blinds: list[Blind]) -> None:
        known = {(blind.start, blind.cause): blind for blind in (*self._known, *blinds)}
        first, last = self._bounds()
        self._known = tuple(sorted(blind for blind in known.values() if first <= blind.end <= last)[-MOST:])

    def _bounds(self) -> tuple[float, float]:
        """Return between which times one must end to be kept; a clock that may yet be set right rules none out."""
        now = self._clock.wall()
        return (now - KEEP, now + AHEAD) if self._steady() else (-math.inf, math.inf)

    def _write(self, connection: sqlite3.Connection, blinds: tuple[Blind, ...]) -> None:
        """Write these, and the open one as it is now; doing so again changes nothing."""
        open = self._open
        connection.execute("DELETE FROM blind WHERE end IS NULL")
        connection.executemany("INSERT OR REPLACE INTO blind (start, end, cause) VALUES (?, ?, ?)", blinds)
        if open is not None:
            connection.execute("INSERT OR REPLACE INTO blind VALUES (?, NULL, ?)", (open.start, open.cause))
        connection.execute(
            "DELETE FROM blind WHERE end < ? OR end > ?"
            " OR start < (SELECT start FROM blind ORDER BY start DESC LIMIT 1 OFFSET ?)",
            (*self._bounds(), MOST - 1),
        )
