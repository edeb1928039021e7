"""Which processes took most, minute by minute."""

from __future__ import annotations

import heapq
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple

import msgspec

from dashboard.history.nouns import Busy, Minute
from dashboard.model import ProcessRow, Program

MOST = 10
"""Names that a minute keeps by CPU, and by memory."""

_NAMES = 1_000  # that are counted in a minute at most
_WAITING = 60  # minutes that are held at most: an hour that no disk takes is enough


class Record(msgspec.Struct, frozen=True, array_like=True):
    """A minute as it is stored: how often processes were looked at, and what each name took."""

    looks: int
    rows: list[Busy]


class Unwritten(NamedTuple):
    """What this run knows of minutes by their start; of the one that `goes_on` it is what so many `looks` found."""

    minutes: dict[int, Record]
    goes_on: int
    looks: int


class _Sums:
    __slots__ = ("cpu", "cpu_max", "processes", "resident", "resident_max")

    def __init__(self) -> None:
        self.cpu = self.cpu_max = self.resident = self.resident_max = 0.0
        self.processes = 0


class Top:
    """Counts the minute that goes on, and holds those that are over until they are written.

    The minute that goes on is written, too, as far as it is known: else a kill would take all of it. What there was of
    a minute before this run wrote to it is remembered, so that what is written again and again counts once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = -1
        self._looks = self._looks_written = 0
        self._sums: dict[str, _Sums] = {}
        self._over: dict[int, Record] = {}
        self._before: dict[int, Record | None] = {}

    def add(self, time: float, programs: Iterable[Program]) -> None:
        """Take what processes took at one look, by name, at a time in Unix seconds."""
        with self._lock:
            minute = int(time // 60) * 60
            if minute != self._minute:
                self._end()
                self._minute = minute
                if minute not in self._over:
                    self._before.pop(minute, None)  # where the clock was set back, this run has written to it
            self._looks += 1
            for program in programs:
                sums = self._sums.get(program.name)
                if sums is None:
                    if len(self._sums) >= _NAMES:
                        self._sums = {name: self._sums[name] for name in self._first(_NAMES // 4)}
                    sums = self._sums[program.name] = _Sums()
                sums.cpu += program.cpu_ratio
                sums.resident += program.resident_bytes
                sums.cpu_max = max(sums.cpu_max, program.cpu_ratio)
                sums.resident_max = max(sums.resident_max, program.resident_bytes)
                sums.processes = max(sums.processes, program.processes)

    def has_news(self) -> bool:
        """Tell whether something is not written."""
        return bool(self._over) or self._looks != self._looks_written

    def unwritten(self) -> Unwritten:
        """Return the minutes that are not written, and all of the one that goes on."""
        with self._lock:
            minutes = dict(self._over)
            if self._looks:
                minutes[self._minute] = self._with_over(self._record())
            return Unwritten(minutes, self._minute, self._looks)

    def write(self, connection: sqlite3.Connection, unwritten: Unwritten) -> None:
        """Store minutes; doing so again changes nothing."""
        for minute, record in unwritten.minutes.items():
            if minute not in self._before:
                before = read(connection, minute, minute + 1).get(minute)
                with self._lock:
                    self._before[minute] = before
                    while len(self._before) > 2 * _WAITING:
                        del self._before[next(iter(self._before))]
            data = zlib.compress(msgspec.msgpack.encode(self.whole(minute, record)))
            connection.execute("INSERT OR REPLACE INTO top VALUES (?, ?)", (minute, data))

    def whole(self, minute: int, record: Record, stored: Record | None = None) -> Record:
        """Return a minute with what there was of it before; `stored` is what the file has of it."""
        before = self._before.get(minute, stored)
        return record if before is None else _joined(before, record)

    def written(self, unwritten: Unwritten) -> None:
        """Let go of minutes."""
        with self._lock:
            if unwritten.goes_on == self._minute:
                self._looks_written = unwritten.looks
            for minute, record in unwritten.minutes.items():
                if self._over.get(minute) == record:
                    del self._over[minute]

    def lost(self) -> None:
        """Learn that all that was stored is gone."""
        with self._lock:
            self._before = {}

    def _end(self) -> None:
        if self._looks:
            self._over[self._minute] = self._with_over(self._record())
            while len(self._over) > _WAITING:
                del self._over[next(iter(self._over))]
        self._minute, self._looks, self._looks_written, self._sums = -1, 0, 0, {}

    def _with_over(self, record: Record) -> Record:
        """Return the minute that goes on with what waits of it, where the clock was set back to it."""
        known = self._over.get(self._minute)
        return record if known is None else _joined(known, record)

    def _record(self) -> Record:
        looks, chosen = self._looks, self._first(MOST)
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
            if name in chosen
        ]
        return Record(looks, rows)

    def _first(self, count: int) -> set[str]:
        """Return so many names of those that took most CPU, and as many of those that took most memory."""
        sums = self._sums
        by_cpu = heapq.nlargest(count, sums, key=lambda name: sums[name].cpu)
        return {*by_cpu, *heapq.nlargest(count, sums, key=lambda name: sums[name].resident)}


def by_name(rows: Iterable[ProcessRow]) -> Iterator[Program]:
    """Yield what processes take by name, where whoever gave them has not added it up."""
    found: dict[str, tuple[float, int, int]] = {}
    for row in rows:
        cpu, resident, count = found.get(row.name, (0.0, 0, 0))
        found[row.name] = (cpu + row.cpu_ratio, resident + row.resident_bytes, count + 1)
    return (Program(name, *sums) for name, sums in found.items())


def read(connection: sqlite3.Connection, start: float, end: float) -> dict[int, Record]:
    """Return the stored minutes that are wholly or partly from `start` to `end`."""
    rows = connection.execute("SELECT minute, data FROM top WHERE minute > ? AND minute < ?", (start - 60, end))
    return {minute: record for minute, data in rows if (record := _decoded(data)) is not None}


def minute(start: int, record: Record) -> Minute:
    """Return a minute as others see it."""
    by_cpu = sorted(record.rows, key=attrgetter("cpu"), reverse=True)[:MOST]
    by_memory = sorted(record.rows, key=attrgetter("resident"), reverse=True)[:MOST]
    return Minute(float(start), tuple(by_cpu), tuple(by_memory))


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
