"""The archive on disk: a shelf of kept events in each of the two databases."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, wait
from itertools import islice

from dashboard.archive import NONE, Kept
from dashboard.config import Settings
from dashboard.disk import Disk
from dashboard.errors import StorageError
from dashboard.eventlog import Entry, EventId
from dashboard.events import KEPT
from dashboard.model import Clock
from dashboard.shelf import Bound, Shelf

PATIENCE = 5.0
"""Seconds that a mark waits for a disk at most."""


class DiskArchive:
    """An Archive on a disk. Nothing is written, and no thread runs, before the first commit, mark or read."""

    def __init__(self, disk: Disk, clock: Clock, bounds: Mapping[str, Bound]) -> None:
        """Look at what earlier runs left; `bounds` says how much of each kept type stays."""
        self._disk = disk
        self._state, self._history = (
            Shelf(database, {type: bound for type, bound in bounds.items() if KEPT[type] == place}, clock)
            for place, database in (("state", disk.state), ("history", disk.history))
        )
        self._shelves = (self._state, self._history)
        self._shelf_of = {type: shelf for shelf in self._shelves for type in shelf.types}
        found = [shelf.look() for shelf in self._shelves]
        self._mark = max(EventId(disk.folder.old_id_mark(), 0), *(id or NONE for id in found))
        begin = max(self._mark, EventId(int(clock.wall() * 1000), 0))
        for shelf, id in zip(self._shelves, found, strict=True):
            if id is None:
                shelf.begin(begin)

    def commit(self, entries: Sequence[Entry]) -> Future[None]:
        parts = []
        for shelf in self._shelves:
            chosen = [entry for entry in entries if entry.type in shelf.types]
            if chosen:
                parts.append((shelf.commit(chosen), frozenset(entry.type for entry in chosen)))
        return _joined(parts)

    def read(self, after: EventId, upto: EventId, types: Collection[str], limit: int) -> list[Kept]:
        found = [
            shelf.read(after, upto, chosen, limit) for shelf in self._shelves if (chosen := shelf.types & set(types))
        ]
        return list(islice(heapq.merge(*found, key=lambda row: row.id), limit))

    def floors(self) -> Mapping[str, EventId]:
        return {**self._state.floors, **self._history.floors}

    def newest(self) -> EventId:
        return max(self._mark, *(shelf.newest for shelf in self._shelves))

    def mark(self, ms: int) -> None:
        # In both, for either may be lost.
        wait([self._state.mark(ms, self._keep_folder), self._history.mark(ms, lambda: None)], PATIENCE)
        self._mark = max(self._mark, EventId(ms, 0))

    def close(self) -> None:
        """Close the disk, with all else that is on it."""
        self._disk.close()

    def _keep_folder(self) -> None:
        """Make the reserve again, and let the file go in which an earlier version kept the mark."""
        self._disk.keep_room()
        self._disk.folder.drop_old_id_mark()


def bounds_of(settings: Settings) -> dict[str, Bound]:
    """Return how much of each kept type the settings keep."""
    logs = Bound(bytes=settings.keep_log_bytes, age=settings.keep_log_age)
    others = Bound(count=settings.keep_events, age=settings.keep_events_age)
    return {type: logs if type == "log" else others for type in KEPT}


def _joined(parts: Sequence[tuple[Future[None], frozenset[str]]]) -> Future[None]:
    """Return what is done when all parts are, and raises StorageError with the types of those that failed."""
    joined: Future[None] = Future()
    joined.set_running_or_notify_cancel()
    lock = threading.Lock()
    left = len(parts)

    def one_done(_: Future[None]) -> None:
        nonlocal left
        with lock:
            left -= 1
            if left:
                return
        faults = [(fault, types) for future, types in parts if (fault := future.exception()) is not None]
        if faults:
            message = "; ".join(dict.fromkeys(str(fault) for fault, _ in faults))
            joined.set_exception(StorageError(message, frozenset().union(*(types for _, types in faults))))
        else:
            joined.set_result(None)

    if not parts:
        joined.set_result(None)
    for future, _ in parts:
        future.add_done_callback(one_done)
    return joined
