"""Turns the journal into chunks: of each series the samples of a span, and their roll-up to 10 s."""

from __future__ import annotations

import logging
import sqlite3
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from dashboard.column import Damaged
from dashboard.history import chunks, late
from dashboard.history.chunk import pack_rolled, pack_samples, unpack_rolled, unpack_samples
from dashboard.history.journal import Frame, Frames, encode, rows
from dashboard.history.roster import Entry, Roster
from dashboard.rolled import NO_SAMPLES, NOTHING_ROLLED, Last, Rolled, Samples, combined, merged, rates, roll, spliced
from dashboard.sqlite import Database
from dashboard.tiers import RAW, TEN_SECONDS, Tier

log = logging.getLogger("dashboard")

MOST = 1_500_000
"""Samples that are taken from the journal at once at most, besides those of one row."""

_BACK = 24  # spans that are looked through at most for the sample before a counter's first

T = TypeVar("T")


class Taken(NamedTuple):
    """What is to be compacted: the journal up to a row, and of it what stays there."""

    upto: int
    frames: Frames
    staying: list[Frame]
    cuts: dict[str, float]


class Compactor:
    """Works in any one thread; what it writes goes by the database's writer, all of one turn in one transaction."""

    def __init__(self, database: Database, roster: Roster) -> None:
        self._database, self._roster = database, roster
        self._tails: dict[int, Last] = {}

    def compact(self, horizon: float, now: float, *, most: int = MOST) -> int:
        """Put what is from before `horizon` into chunks `now`, in Unix seconds; return how many samples that were.

        Raises StorageError; nothing is changed then.
        """
        taken = self._database.read(lambda connection: _take(connection, horizon, most))
        if taken is None:
            return 0
        fresh = {id: taken.frames.samples(id) for id in taken.frames.ids()}
        turn = Turn(taken.cuts, self._tails)
        self._database.read(lambda connection: turn.prepare(connection, self._entries(fresh)))
        for entry, samples in self._entries(fresh):
            turn.add(entry, samples)
        turn.finish()

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM journal WHERE seq <= ?", (taken.upto,))
            if taken.staying:
                connection.execute("INSERT INTO journal VALUES (?, ?)", (taken.upto, encode(taken.staying)))
            connection.execute("UPDATE turn SET number = number + 1")
            chunks.store(connection, RAW, turn.raw)
            chunks.store(connection, TEN_SECONDS, turn.ten)
            late.store(connection, turn.late, now)
            connection.executemany("INSERT OR IGNORE INTO due VALUES (?)", ((key,) for key in turn.ten))
            self._roster.save(connection)

        self._database.write(run).result()
        known = self._roster.by_id
        self._tails = {id: tail for id, tail in turn.tails.items() if known(id) is not None}
        return taken.frames.count

    def forget(self) -> None:
        """Forget what was remembered of a file that is gone."""
        self._tails = {}

    def _entries(self, fresh: dict[int, Samples]) -> Iterator[tuple[Entry, Samples]]:
        for id, samples in fresh.items():
            entry = self._roster.by_id(id)
            if entry is not None:
                yield entry, samples


class Turn:
    """One turn of compaction: chunks that are there, and those that take their place."""

    def __init__(self, cuts: dict[str, float], tails: dict[int, Last]) -> None:
        self._cuts, self.tails = cuts, dict(tails)
        self.raw: dict[int, bytes] = {}
        self.ten: dict[int, bytes] = {}
        self.late: dict[int, Samples] = {}
        self._old: dict[int, bytes] = {}
        self._rolled: dict[int, Rolled] = {}

    def prepare(self, connection: sqlite3.Connection, fresh: Iterable[tuple[Entry, Samples]]) -> None:
        """Read what is there of the spans that these samples are in, and before them."""
        raw: set[int] = set()
        ten: set[int] = set()
        gone: set[int] = set()
        for entry, samples in fresh:
            for number, _, _ in spans(samples, RAW.span):
                ten.add(chunks.key(number * RAW.span // TEN_SECONDS.span, entry.id))
                if number * RAW.span < self._cuts[RAW.name]:
                    gone.add(chunks.key(number, entry.id))
                    continue
                raw.add(chunks.key(number, entry.id))
                if entry.counter and not self._follows(entry, number, samples):
                    back = min(_BACK, 1 + int(2 * (entry.interval or 0) // RAW.span))
                    raw.update(chunks.key(number - one, entry.id) for one in range(1, back + 1))
        self._old = dict(chunks.fetch(connection, RAW, sorted(raw)))
        self.late = late.fetch(connection, sorted(gone))
        for key, chunk in chunks.fetch(connection, TEN_SECONDS, sorted(ten)):
            self._rolled[key] = _read(unpack_rolled, chunk, NOTHING_ROLLED, TEN_SECONDS, key)

    def add(self, entry: Entry, samples: Samples) -> None:
        """Take the samples of a series."""
        for number, low, high in spans(samples, RAW.span):
            part = samples if high - low == len(samples.times) else Samples(*(column[low:high] for column in samples))
            self._add_span(entry, number, part)

    def finish(self) -> None:
        """Pack what became of the roll-ups."""
        self.ten = {key: pack_rolled(self._rolled[key]) for key in self.ten if self._rolled[key].times}

    def _add_span(self, entry: Entry, number: int, fresh: Samples) -> None:
        key = chunks.key(number, entry.id)
        start = number * RAW.span
        ten = chunks.key(start // TEN_SECONDS.span, entry.id)
        old = self._rolled.get(ten, NOTHING_ROLLED)
        if start < self._cuts[RAW.name]:  # the samples beside these are gone: only their roll-up is left
            self.late[key], new = late.news(self.late.get(key, NO_SAMPLES), fresh, counter=entry.counter)
            self._rolled[ten] = combined(old, roll(new, TEN_SECONDS.step))
        else:
            whole = merged(self._samples(key), fresh)
            self.raw[key] = pack_samples(whole)
            new = rates(whole, self._before(entry, number, whole)) if entry.counter else whole
            rolled = roll(new, TEN_SECONDS.step)
            self._rolled[ten] = spliced(old, rolled, start, start + RAW.span)
            tail = self.tails.get(entry.id)
            if entry.counter and (tail is None or tail.time <= whole.times[-1]):
                self.tails[entry.id] = Last(whole.times[-1], whole.values[-1], whole.gaps[-1])
        self.ten[ten] = b""

    def _follows(self, entry: Entry, number: int, samples: Samples) -> bool:
        """Tell whether what is remembered is the sample before those of a span."""
        tail = self.tails.get(entry.id)
        return tail is not None and tail.time < number * RAW.span <= samples.times[0]

    def _before(self, entry: Entry, number: int, samples: Samples) -> Last | None:
        """Return the sample before those of a span, when there is one near."""
        tail = self.tails.get(entry.id)
        if tail is not None and tail.time < number * RAW.span:
            return tail
        for one in range(1, _BACK + 1):
            found = self._samples(chunks.key(number - one, entry.id))
            if found.times:
                return Last(found.times[-1], found.values[-1], found.gaps[-1])
        return None

    def _samples(self, key: int) -> Samples:
        chunk = self.raw.get(key) or self._old.get(key)
        return NO_SAMPLES if chunk is None else _read(unpack_samples, chunk, NO_SAMPLES, RAW, key)


def spans(samples: Samples, span: int) -> Iterator[tuple[int, int, int]]:
    """Yield the number of each span that samples are in, and from where to where they are."""
    times = samples.times
    low = 0
    while low < len(times):
        number = int(times[low] // span)
        high = bisect_left(times, (number + 1) * span, low)
        yield number, low, high
        low = high


def _take(connection: sqlite3.Connection, horizon: float, most: int) -> Taken | None:
    """Return the journal up to the last row before the first that has nothing from before the horizon."""
    waiting: list[Frame] = []
    staying: list[Frame] = []
    frames, upto, waiting_upto = Frames(), -1, -1
    cuts = chunks.cuts(connection)
    for seq, found in rows(connection):
        if found is None:
            log.error("a row of the journal is damaged and was dropped: a second of points is lost")
        waiting += found or ()
        waiting_upto = seq
        if not waiting or any(frame.time < horizon for frame in waiting):
            for frame in waiting:
                if frame.time < horizon:
                    frames.add(frame)
                else:
                    staying.append(frame)
            waiting, upto = [], waiting_upto
        if frames.count >= most:
            break
    # A row that could only be put back as it is, is left alone.
    return Taken(upto, frames, staying, cuts) if frames.count or (upto >= 0 and not staying) else None


def _read(unpack: Callable[[bytes], T], chunk: bytes, nothing: T, tier: Tier, key: int) -> T:
    try:
        return unpack(chunk)
    except Damaged:
        start = chunks.number_of(key) * tier.span
        end = start + tier.span
        log.error("points of the tier %s from %d to %d are damaged and were dropped", tier.name, start, end)
        return nothing


def closed(now: float, slack: float) -> float:
    """Return the end of the last span of samples that is over, with all that may be late."""
    return (now - slack) // RAW.span * RAW.span
