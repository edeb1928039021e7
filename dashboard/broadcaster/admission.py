"""From published to readable: what a disk keeps is committed first, and nothing overtakes."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial

from dashboard.archive import Archive
from dashboard.errors import StorageError
from dashboard.eventlog import Entry, MemoryLog
from dashboard.events import KEPT

PATIENCE = 1.0
"""Seconds that a commit may hold up what was published with it and after it."""

AT_THE_END = 0.4
"""Seconds that are left for it at the end: every stream is to have its `bye` before it would be cut off."""

MOST = 5000
"""Events on their way to the disk at which pushes wait, and beyond which one that is overdue is given no more."""


class _Flight:
    """What one flush published: `ready` when nothing keeps it from being read."""

    __slots__ = ("entries", "kept", "ready", "timer")

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.kept = [entry for entry in entries if entry.type in KEPT]
        self.ready = not self.kept
        self.timer: asyncio.TimerHandle | None = None


class Admission:
    """Admits flushes to the log in their order, each when its kept events are on disk or the disk is overdue.

    `admitted` is called when there is something new to read, `not_stored` with entries that the disk did not take in
    time and the reason. While a commit is overdue the later ones do not wait, so that a dead disk costs a second once.
    """

    def __init__(
        self,
        log: MemoryLog,
        archive: Archive,
        admitted: Callable[[], None],
        not_stored: Callable[[Sequence[Entry], str], None],
    ) -> None:
        self._log, self._archive = log, archive
        self._admitted, self._not_stored = admitted, not_stored
        self._flights: deque[_Flight] = deque()
        self._overdue: set[_Flight] = set()
        self._outstanding = 0
        self._ending = False

    def hurry(self) -> None:
        """Let whatever is on its way to the disk, now and from now on, hold up the rest no longer than `AT_THE_END`."""
        self._ending = True
        for flight in self._flights:
            if not flight.ready and flight.timer is not None:
                flight.timer.cancel()
                self._wait_for(flight)

    @property
    def idle(self) -> bool:
        """Whether all that was taken can be read."""
        return not self._flights

    def leaves_room(self, coming: int) -> bool:
        """Whether more may come behind the `coming` ones; for a disk that is overdue nothing waits."""
        return bool(self._overdue) or self._outstanding + coming < MOST

    def take(self, entries: Sequence[Entry]) -> None:
        """Take the entries of one flush."""
        flight = _Flight(entries)
        self._flights.append(flight)
        if flight.kept:
            self._commit(flight)
        self._advance()

    def _commit(self, flight: _Flight) -> None:
        if self._overdue and self._outstanding + len(flight.kept) > MOST:
            self._give_up(flight, "the disk does not keep up")
            return
        self._outstanding += len(flight.kept)
        done = self._archive.commit(flight.kept)
        if done.done():
            self._committed(flight, done)
            return
        done.add_done_callback(partial(_tell, asyncio.get_running_loop(), partial(self._committed, flight)))
        if self._overdue:
            self._late(flight)
        else:
            self._wait_for(flight)

    def _wait_for(self, flight: _Flight) -> None:
        patience = AT_THE_END if self._ending else PATIENCE
        flight.timer = asyncio.get_running_loop().call_later(patience, self._late, flight, patience)

    def _late(self, flight: _Flight, patience: float = PATIENCE) -> None:
        self._overdue.add(flight)
        self._give_up(flight, f"the disk took longer than {patience:g} s")
        self._advance()

    def _give_up(self, flight: _Flight, reason: str) -> None:
        flight.ready = True
        self._not_stored(flight.kept, reason)

    def _committed(self, flight: _Flight, done: Future[None]) -> None:
        self._outstanding -= len(flight.kept)
        if flight.timer is not None:
            flight.timer.cancel()
        if flight in self._overdue:
            self._overdue.discard(flight)
            return
        flight.ready = True
        error = done.exception()
        if error is not None:
            types = error.types if isinstance(error, StorageError) else ()
            self._not_stored([one for one in flight.kept if not types or one.type in types], str(error))
        self._advance()

    def _advance(self) -> None:
        moved = False
        while self._flights and self._flights[0].ready:
            self._log.admit(self._flights.popleft().entries)
            moved = True
        if moved:
            self._admitted()


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[Future[None]], None], done: Future[None]) -> None:
    """Bring a commit's end from the writer's thread into the event loop, if that still runs."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(what, done)
