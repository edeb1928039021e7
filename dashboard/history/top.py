"""Which processes took most, minute by minute."""

from __future__ import annotations

import sqlite3
import threading
import zlib
from collections.abc import Iterable
from operator import attrgetter

import msgspec

from dashboard.history.nouns import Busy, Minute
from dashboard.model import ProcessRow

MOST = 10
"""Names that a minute keeps by CPU, and by memory."""

_NAMES = 200  # that are counted in a minute at most


class Record(msgspec.Struct, frozen=True, array_like=True):
    """A minute as it is stored: how often processes were looked at, and what each name took."""

    looks: int
    rows: list[Busy]


class _Sums:
    __slots__ = ("cpu", "cpu_max", "processes", "resident", "resident_max")

    def __init__(self) -> None:
        self.cpu = self.cpu_max = self.resident = self.resident_max = 0.0
        self.processes = 0


class Top:
    """Counts the minute that goes on, and holds those that are over until they are written."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = -1
        self._looks = 0
        self._sums: dict[str, _Sums] = {}
        self._over: dict[int, Record] = {}

    def add(self, time: float, rows: Iterable[ProcessRow]) -> None:
        """Take the processes of one look, at a time in Unix seconds."""
        with self._lock:
            minute = int(time // 60) * 60
            if minute != self._minute:
                self._end()
                self._minute = minute
            self._looks += 1
            for name, (cpu, resident, count) in _by_name(rows).items():
                sums = self._sums.get(name)
                if sums is None:
                    if len(self._sums) >= _NAMES:
                        continue
                    sums = self._sums[name] = _Sums()
                sums.cpu += cpu
                sums.resident += resident
                sums.cpu_max, sums.resident_max = max(sums.cpu_max, cpu), max(sums.resident_max, resident)
                sums.processes = max(sums.processes, count)

    def end(self) -> None:
        """Take the minute that goes on for over."""
        with self._lock:
            self._end()

    def over(self) -> dict[int, Record]:
        """Return the minutes that are not written, by their start."""
        with self._lock:
            return dict(self._over)

    def written(self, minutes: Iterable[int]) -> None:
        """Let go of minutes."""
        with self._lock:
            for minute in minutes:
                self._over.pop(minute, None)

    def unwritten(self) -> dict[int, Record]:
        """Return the minutes that are not written, and the one that goes on."""
        with self._lock:
            found = dict(self._over)
            if self._looks:
                found[self._minute] = self._record()
            return found

    def _end(self) -> None:
        if self._looks:
            self._over[self._minute] = self._record()
            while len(self._over) > 60:  # an hour that no disk takes is enough to hold
                del self._over[next(iter(self._over))]
        self._minute, self._looks, self._sums = -1, 0, {}

    def _record(self) -> Record:
        looks = self._looks
        rows = [
            Busy(
                name,
                round(sums.cpu / looks, 4),
                sums.cpu_max,
                round(sums.resident / looks),
                sums.resident_max,
                sums.processes,
            )
            for name, sums in self._sums.items()
        ]
        return Record(looks, _most(rows))


def write(connection: sqlite3.Connection, minutes: dict[int, Record]) -> None:
    """Store minutes; one of which a part is stored already becomes whole."""
    for minute, record in minutes.items():
        row = connection.execute("SELECT data FROM top WHERE minute = ?", (minute,)).fetchone()
        known = _decoded(row[0]) if row else None
        whole = record if known is None or known == record else _joined(known, record)
        data = zlib.compress(msgspec.msgpack.encode(whole), 9)
        connection.execute("INSERT OR REPLACE INTO top VALUES (?, ?)", (minute, data))


def read(connection: sqlite3.Connection, start: float, end: float) -> dict[int, Record]:
    """Return the stored minutes that are wholly or partly from `start` to `end`."""
    rows = connection.execute("SELECT minute, data FROM top WHERE minute > ? AND minute < ?", (start - 60, end))
    return {minute: record for minute, data in rows if (record := _decoded(data)) is not None}


def minute(start: int, record: Record) -> Minute:
    """Return a minute as others see it."""
    by_cpu = sorted(record.rows, key=attrgetter("cpu"), reverse=True)[:MOST]
    by_memory = sorted(record.rows, key=attrgetter("resident"), reverse=True)[:MOST]
    return Minute(float(start), tuple(by_cpu), tuple(by_memory))


def _by_name(rows: Iterable[ProcessRow]) -> dict[str, tuple[float, float, int]]:
    found: dict[str, tuple[float, float, int]] = {}
    for row in rows:
        cpu, resident, count = found.get(row.name, (0.0, 0.0, 0))
        found[row.name] = (cpu + row.cpu_ratio, resident + row.resident_bytes, count + 1)
    return found


def _most(rows: list[Busy]) -> list[Busy]:
    """Return those that are among the first by CPU or by memory."""
    chosen = {
        row.name
        for key in (attrgetter("cpu"), attrgetter("resident"))
        for row in sorted(rows, key=key, reverse=True)[:MOST]
    }
    return [row for row in rows if row.name in chosen]


def _joined(one: Record, other: Record) -> Record:
    looks = one.looks + other.looks
    rows = {row.name: _scaled(row, one.looks / looks) for row in one.rows}
    for row in other.rows:
        part = _scaled(row, other.looks / looks)
        known = rows.get(row.name)
        if known is None:
            rows[row.name] = part
        else:
            rows[row.name] = Busy(
                row.name,
                known.cpu + part.cpu,
                max(known.cpu_max, part.cpu_max),
                known.resident + part.resident,
                max(known.resident_max, part.resident_max),
                max(known.processes, part.processes),
            )
    return Record(looks, _most(list(rows.values())))


def _scaled(row: Busy, share: float) -> Busy:
    return row._replace(cpu=row.cpu * share, resident=row.resident * share)


def _decoded(data: bytes) -> Record | None:
    try:
        return msgspec.msgpack.decode(zlib.decompress(data), type=Record)
    except (TypeError, zlib.error, msgspec.DecodeError):
        return None
