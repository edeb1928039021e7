"""The archive: events that outlive the log in memory, by id, bounded for each type by count, bytes and age."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from dashboard.errors import StorageError
from dashboard.eventlog import Entry, EventId
from dashboard.events import KEPT, Notification, System, Task

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

        Of a task there is the latest state alone, under the id of that, and so of what was not stored in one time.
        Look at `floors` afterwards, not before: what is trimmed away in between is then told by them. Raises
        StorageError.
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
    """An Archive in memory, for tests: `hold` leaves commits undone, `fault` makes them fail, and reads.

    One that names `types` fails commits of these alone.
    """

    def __init__(self, *, max_events: int = 10_000) -> None:
        """Keep at most `max_events` of each type."""
        self.fault: StorageError | None = None
        self._max_events = max_events
        self._lock = threading.Lock()
        self._kept: dict[str, list[Kept]] = {type: [] for type in KEPT}
        self._latest: dict[str, EventId] = {}
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
        if self.fault is not None and not self.fault.types:
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
        fault = self.fault
        with self._lock:
            for entry in entries:
                if entry.type in KEPT and (fault is None or (fault.types and entry.type not in fault.types)):
                    self._keep(entry)
        if fault is None or (fault.types and fault.types.isdisjoint(entry.type for entry in entries)):
            future.set_result(None)
        else:
            future.set_exception(fault)

    def _keep(self, entry: Entry) -> None:
        rows, subject = self._kept[entry.type], subject_of(entry)
        if subject is not None:
            last, self._latest[subject] = self._latest.get(subject), entry.id
            rows[:] = [row for row in rows if row.id != last]
        rows.append(Kept(entry.id, entry.type, recipient_of(entry), entry.event.encode()))
        self._newest = max(self._newest, entry.id)
        if len(rows) > self._max_events:
            self._floors[entry.type] = rows.pop(0).id


def subject_of(entry: Entry) -> str | None:
    """Return whose latest state an entry is, which makes its earlier ones superfluous; None when it has none.

    That is a task of an instance, or a time in which events were not stored, all of which the latest notice tells.
    """
    event = entry.event
    if isinstance(event, Task):
        return f"{event.resource.get('instance', '')}/{event.task}"
    if isinstance(event, System) and event.event == "not_stored" and event.start is not None:
        return f"{event.source}: not stored since {event.start}"
    return None


def recipient_of(entry: Entry) -> str | None:
    """Return the principal that an entry is for alone."""
    return entry.event.to if isinstance(entry.event, Notification) else None


def _between(rows: Sequence[Kept], after: EventId, upto: EventId) -> Sequence[Kept]:
    return rows[bisect_right(rows, after, key=_id) : bisect_right(rows, upto, key=_id)]


def _id(row: Kept) -> EventId:
    return row.id
