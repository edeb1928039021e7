"""The kept events in one database: stored, read back by id, and trimmed to their bounds."""

from __future__ import annotations

import heapq
import logging
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice

from dashboard.archive import NONE, Kept, subject_of
from dashboard.clock import Steady
from dashboard.eventlog import Entry, EventId
from dashboard.model import Clock
from dashboard.sqlite import Database

log = logging.getLogger("dashboard")

TRIM = 512
"""Events that one commit trims away at most, besides twice those that it brings."""

SWEEP = 5_000
"""Events of one type that a mark trims away at most."""

VACUUM = 512
"""Free pages that a mark gives back to the disk at most."""

_HEAD = 30
"""Bytes of an event besides its data, roughly."""

_BETWEEN = (
    "SELECT ms, seq, recipient, CAST(coalesce(data, '') AS BLOB), sum FROM event"
    " WHERE type = ? AND (ms, seq) > (?, ?) AND (ms, seq) <= (?, ?) ORDER BY ms, seq"
)
_NEWEST = "SELECT ms, seq FROM event WHERE type = ? ORDER BY ms DESC, seq DESC LIMIT 1"
_OLDEST = "SELECT ms, seq, length(data) FROM event WHERE type = ? ORDER BY ms, seq LIMIT ?"


@dataclass(frozen=True)
class Bound:
    """How much of a type is kept; `age` in seconds. None: without this bound."""

    count: int | None = None
    bytes: int | None = None
    age: float | None = None

    def exceeded(self, count: int, bytes: int) -> bool:
        """Tell whether so much is too much."""
        return (self.count is not None and count > self.count) or (self.bytes is not None and bytes > self.bytes)

    @property
    def lowered(self) -> Bound:
        """What to trim down to, so that not every commit has to trim again."""
        count, bytes = (limit and limit - limit // 64 for limit in (self.count, self.bytes))
        return Bound(count, bytes, self.age)


class Shelf:
    """The tables of kept events in a database. Its writer's thread does all but `read`, which the caller's does."""

    def __init__(self, database: Database, bounds: Mapping[str, Bound], clock: Clock) -> None:
        """Keep the types that `bounds` names. No file is touched yet."""
        self._database, self._bounds, self._clock = database, bounds, clock
        self._steady = Steady(clock)
        database.join(self)
        self.newest = NONE
        """The largest id that was committed, at first that of the runs before."""
        self.floors: Mapping[str, EventId] = dict.fromkeys(bounds, NONE)
        """For each type, the id up to which events may be gone. Replaced whole, for it is read from any thread."""

    @property
    def types(self) -> frozenset[str]:
        """The types that are kept here."""
        return frozenset(self._bounds)

    def look(self) -> EventId | None:
        """Learn what an earlier run left, and return the id that ids must begin above; None when that is unknown."""
        found = self._database.glance(lambda connection: (self._stored(connection), _mark(connection)))
        if found is None:
            return None
        (self.newest, floors), mark = found
        self.floors = {type: floors.get(type, self.newest) for type in self._bounds}
        return max(self.newest, EventId(mark, 0))

    def begin(self, id: EventId) -> None:
        """Take all up to this id for lost when there turns out to be no file, or one that cannot be read."""
        self.newest = id
        self.floors = dict.fromkeys(self._bounds, id)

    def commit(self, entries: Sequence[Entry]) -> Future[None]:
        """Store entries, all of types that are kept here, in the order of their ids."""
        return self._database.write(
            lambda connection: self._store(connection, entries),
            lambda: self._stored_upto(entries[-1].id),
            weight=len(entries),
        )

    def read(self, after: EventId, upto: EventId, types: Collection[str], limit: int) -> list[Kept]:
        """As Archive.read, of this database alone."""
        rows, damaged = self._database.read(lambda connection: _select(connection, after, upto, types, limit))
        if damaged:
            self._drop(damaged)
        return rows

    def mark(self, ms: int, done: Callable[[], None]) -> Future[None]:
        """Store the mark, and keep house; `done` is called in the writer's thread."""
        return self._database.write(lambda connection: self._keep_house(connection, ms), done)

    def opened(self, connection: sqlite3.Connection) -> None:
        """Learn the floors of a file; of a new one they are all that was before."""
        connection.executemany(
            "INSERT OR IGNORE INTO held VALUES (?, 0, 0, ?, ?)", [(type, *self.newest) for type in self._bounds]
        )
        stored = _floors(connection)
        self.floors = {type: max(floor, stored[type]) for type, floor in self.floors.items()}

    def lost(self) -> None:
        """Begin anew: `opened` sets the floors of the file that comes next."""

    def _stored_upto(self, id: EventId) -> None:
        self.newest = max(self.newest, id)

    def _stored(self, connection: sqlite3.Connection) -> tuple[EventId, dict[str, EventId]]:
        """Return the largest id that was given as far as this file knows, and the floors."""
        floors = _floors(connection)
        rows = (connection.execute(_NEWEST, (type,)).fetchone() for type in self._bounds)
        return max([NONE, *floors.values(), *(EventId(*row) for row in rows if row)]), floors

    def _store(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
        latest = {subject: entry.id for entry in entries if (subject := subject_of(entry)) is not None}
        rows = []
        count: Counter[str] = Counter()
        bytes: Counter[str] = Counter()
        for entry in entries:
            subject = subject_of(entry)
            if subject is not None and latest[subject] != entry.id:
                continue
            row = Kept(entry.id, entry.type, entry.to, entry.data)
            rows.append((row.type, *row.id, row.to, subject, row.data, _sum(row)))
            count[row.type] += 1
            bytes[row.type] += _size(len(row.data))
        for subject in latest:
            _forget(connection, subject)
        connection.executemany("INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        for type in count:
            _count(connection, type, count[type], bytes[type])
            self._trim(connection, type, TRIM + 2 * count[type])

    def _keep_house(self, connection: sqlite3.Connection, ms: int) -> None:
        connection.execute("UPDATE mark SET ms = max(ms, ?)", (ms,))
        steady = self._steady()  # else a clock that is wrong for a moment would take everything
        for type, bound in self._bounds.items():
            horizon = 0 if bound.age is None or not steady else int((self._clock.wall() - bound.age) * 1000)
            self._trim(connection, type, SWEEP, horizon)
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        if free > max(1024, pages // 8):
            for _ in range(VACUUM):  # it frees a page for each step, and this module takes one step
                connection.execute("PRAGMA incremental_vacuum(1)")

    def _trim(self, connection: sqlite3.Connection, type: str, most: int, horizon: int = 0) -> None:
        """Delete what is beyond the bound or from before `horizon` (Unix milliseconds), the oldest first."""
        count, bytes = connection.execute("SELECT count, bytes FROM held WHERE type = ?", (type,)).fetchone()
        bound = self._bounds[type]
        if bound.exceeded(count, bytes):
            bound = bound.lowered
        elif not _any_before(connection, type, horizon):
            return
        last, gone, freed = NONE, 0, 0
        oldest = connection.execute(_OLDEST, (type, most)).fetchall()
        if len(oldest) < most:  # they are all, so now it is known what damage may have made wrong
            real = len(oldest), sum(_size(length) for _, _, length in oldest)
            _count(connection, type, real[0] - count, real[1] - bytes)
            count, bytes = real
        for ms, seq, length in oldest:
            if ms >= horizon and not bound.exceeded(count - gone, bytes - freed):
                break
            last, gone, freed = EventId(ms, seq), gone + 1, freed + _size(length)
        if gone:
            connection.execute("DELETE FROM event WHERE type = ? AND (ms, seq) <= (?, ?)", (type, *last))
            _count(connection, type, -gone, -freed)
            self._raise_floor(connection, type, last)

    def _raise_floor(self, connection: sqlite3.Connection, type: str, id: EventId) -> None:
        """Say what is gone before it is: whoever reads and then looks must not find less than was there."""
        floor = max(self.floors[type], id)
        self.floors = {**self.floors, type: floor}
        connection.execute("UPDATE held SET floor_ms = ?, floor_seq = ? WHERE type = ?", (*floor, type))

    def _drop(self, damaged: Sequence[Kept]) -> None:
        """Let the floors tell of events that are not what was written."""

        def drop(connection: sqlite3.Connection) -> None:
            for id, type, _, data in damaged:
                found = connection.execute("DELETE FROM event WHERE type = ? AND ms = ? AND seq = ?", (type, *id))
                _count(connection, type, -found.rowcount, -found.rowcount * _size(len(data)))
                self._raise_floor(connection, type, id)

        log.error("%s: %d events are damaged and were dropped", self._database.path, len(damaged))
        self.floors = {
            type: max([floor, *(row.id for row in damaged if row.type == type)]) for type, floor in self.floors.items()
        }
        self._database.write(drop)


def _select(
    connection: sqlite3.Connection,
    after: EventId,
    upto: EventId,
    types: Collection[str],
    limit: int,
) -> tuple[list[Kept], list[Kept]]:
    """Return events in the order of ids, and those on the way that are not what was written."""
    damaged: list[Kept] = []

    def whole(type: str, rows: sqlite3.Cursor) -> Iterator[Kept]:
        for ms, seq, recipient, data, sum in rows:
            row = Kept(EventId(ms, seq), type, recipient, data)
            if sum == _sum(row):
                yield row
            else:
                damaged.append(row)

    with ExitStack() as stack:
        cursors = {type: stack.enter_context(closing(connection.cursor())) for type in types}
        for type, cursor in cursors.items():
            cursor.execute(_BETWEEN, (type, *after, *upto))
        merged = heapq.merge(*(whole(type, cursor) for type, cursor in cursors.items()), key=lambda row: row.id)
        return list(islice(merged, limit)), damaged


def _any_before(connection: sqlite3.Connection, type: str, horizon: int) -> bool:
    oldest = connection.execute(_OLDEST, (type, 1)).fetchone() if horizon > 0 else None
    return oldest is not None and oldest[0] < horizon


def _size(length: int) -> int:
    """Return the bytes that an event with so much data takes, by SQLite's rule for what a page of 4096 cannot hold."""
    payload = length + _HEAD
    if payload <= 1002:
        return payload + 18
    tail = 489 + (payload - 489) % 4092
    local = tail if tail <= 1002 else 489
    return local + 18 + -(-(payload - local) // 4092) * 4096


def _count(connection: sqlite3.Connection, type: str, count: int, bytes: int) -> None:
    """Add to what is held of a type."""
    connection.execute(
        "UPDATE held SET count = max(0, count + ?), bytes = max(0, bytes + ?) WHERE type = ?", (count, bytes, type)
    )


def _forget(connection: sqlite3.Connection, subject: str) -> None:
    """Delete the state of a subject that another takes the place of."""
    found = connection.execute("SELECT type, length(data) FROM event WHERE task = ?", (subject,)).fetchall()
    for type, length in found:
        connection.execute("DELETE FROM event WHERE task = ?", (subject,))
        _count(connection, type, -1, -_size(length))


def _floors(connection: sqlite3.Connection) -> dict[str, EventId]:
    rows = connection.execute("SELECT type, floor_ms, floor_seq FROM held")
    return {type: EventId(ms, seq) for type, ms, seq in rows}


def _mark(connection: sqlite3.Connection) -> int:
    (ms,) = connection.execute("SELECT max(ms) FROM mark").fetchone()
    return int(ms)


def _sum(row: Kept) -> int:
    """Return the checksum of an event, by which it is known that it is what was written, under its own id."""
    return zlib.crc32(row.data, zlib.crc32(f"{row.id} {row.type} {row.to}".encode()))
