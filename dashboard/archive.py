"""The archive: events that outlive the log in memory, by id, bounded for each type by count, bytes and age."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from dashboard.errors import StorageError
from dashboard.eventlog import Entry, EventId
from dashboard.events import KEPT, Notification, Task

NONE = EventId(0, 0)
"""The id that is below every other."""


class Kept(NamedTuple):
    """One event of the archive; `to` is the principal that it is for alone, `data` its JSON without `id`."""

    id: EventId
    type: str
    to: str | None
    data: bytes


class Archive(Protocol):
    """Where events of the types in KEPT live for longer than the log. `commit`, `floors` and `newest` never wait."""

    def commit(self, entries: Sequence[Entry]) -> Future[None]:
        """Store those entries that are of a kept type; the future is done when they would survive a loss of power.

        It raises StorageError, whose `types` were not stored; entries of other types were. Cancelling it has no effect.
        """
        ...

    def read(self, after: EventId, upto: EventId, types: Collection[str], limit: int) -> list[Kept]:
        """Return the events of `types` with ids in (after, upto], in the order of ids, at most `limit`; may wait.

        Of a task there is the latest state alone, under the id of that. Look at `floors` afterwards, not before: what
        is trimmed away in between is then told by them. Raises StorageError.
        """
        ...

    def floors(self) -> Mapping[str, EventId]:
        """Return for each kept type the id up to which events may have been trimmed away or lost."""
        ...

    def newest(self) -> EventId:
        """Return an id that no stored event's is above, nor one that an earlier run gave."""
        ...

    def mark(self, ms: int) -> None:
        """Have the ids of a later run begin above these Unix milliseconds; may wait, never raises."""
        ...

    def close(self) -> None:
        """Finish what is to be committed and let go of the files; a closed archive takes nothing more."""
        ...


class MemoryArchive:
    """An Archive in memory, for tests: `fault` makes commits and reads fail, `hold` leaves commits undone."""

    def __init__(self, *, max_events: int = 10_000) -> None:
        """Keep at most `max_events` of each type."""
        self.fault: StorageError | None = None
        self._max_events = max_events
        self._lock = threading.Lock()
        self._kept: dict[str, list[Kept]] = {type: [] for type in KEPT}
        self._tasks: dict[str, EventId] = {}
        self._floors = dict.fromkeys(KEPT, NONE)
        self._newest = NONE
        self._holding = False
        self._held: list[tuple[Sequence[Entry], Future[None]]] = []

    def commit(self, entries: Sequence[Entry]) -> Future[None]:
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()
        if self._holding:
            self._held.append((entries, future))
        else:
            self._store(entries, future)
        return future

    def hold(self) -> None:
        """Leave every commit undone until `release`."""
        self._holding = True

    def release(self) -> None:
        """Do what was held."""
        self._holding = False
        while self._held:
            self._store(*self._held.pop(0))

    def forget_held(self) -> None:
        """Lose what was held, as a kill does."""
        self._held.clear()

    def read(self, after: EventId, upto: EventId, types: Collection[str], limit: int) -> list[Kept]:
        if self.fault is not None:
            raise self.fault
        with self._lock:
            found = (row for type in KEPT if type in types for row in _between(self._kept[type], after, upto))
            return sorted(found, key=_id)[:limit]

    def floors(self) -> Mapping[str, EventId]:
        return dict(self._floors)

    def newest(self) -> EventId:
        return self._newest

    def mark(self, ms: int) -> None:
        self._newest = max(self._newest, EventId(ms, 0))

    def close(self) -> None:
        self.release()

    def _store(self, entries: Sequence[Entry], future: Future[None]) -> None:
        if self.fault is not None:
            future.set_exception(self.fault)
            return
        with self._lock:
            for entry in entries:
                if entry.type in KEPT:
                    self._keep(entry)
        future.set_result(None)

    def _keep(self, entry: Entry) -> None:
        rows, task = self._kept[entry.type], task_of(entry)
        if task is not None:
            last, self._tasks[task] = self._tasks.get(task), entry.id
            rows[:] = [row for row in rows if row.id != last]
        rows.append(Kept(entry.id, entry.type, recipient_of(entry), entry.event.encode()))
        self._newest = max(self._newest, entry.id)
        if len(rows) > self._max_events:
            self._floors[entry.type] = rows.pop(0).id


def task_of(entry: Entry) -> str | None:
    """Return the task, of its instance, whose latest state an entry is; None when it is of another type."""
    event = entry.event
    return f"{event.resource.get('instance', '')}/{event.task}" if isinstance(event, Task) else None


def recipient_of(entry: Entry) -> str | None:
    """Return the principal that an entry is for alone."""
    return entry.event.to if isinstance(entry.event, Notification) else None


def _between(rows: Sequence[Kept], after: EventId, upto: EventId) -> Sequence[Kept]:
    return rows[bisect_right(rows, after, key=_id) : bisect_right(rows, upto, key=_id)]


def _id(row: Kept) -> EventId:
    return row.id
