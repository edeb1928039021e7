"""Answers questions: from chunks, the journal, and what is not yet written, all of one moment."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dashboard.errors import TotalsGone
from dashboard.history.cache import Cache
from dashboard.history.draw import Collected, Curve, as_collected
from dashboard.history.journal import Frame, Frames, Head
from dashboard.history.nouns import Known, Reading, Stretch, Take
from dashboard.history.piece import Part, Piece
from dashboard.history.roster import Entry
from dashboard.history.stored import Stored, reach
from dashboard.rolled import Samples, between, merged, rates, roll
from dashboard.sqlite import Database
from dashboard.tiers import RAW, Tier, choose, fitting

CACHE = 16_000_000
"""Bytes of unpacked chunks that are held at most."""


class Question(NamedTuple):
    """What is asked for: Unix seconds, and `step` in seconds."""

    entries: Sequence[Entry]
    start: float
    end: float
    step: float
    raw: bool


class Reader:
    """Reads one database, on as many threads as ask."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache = Cache(CACHE)
        self._head = Head()
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Forget what is held of a file that is gone."""
        self._cache.clear()
        with self._lock:
            self._head = Head()

    def read(self, question: Question, unwritten: Iterable[Frame], take: Take | None = None) -> Reading:
        """Return the answer; `unwritten` was taken before this is called. Raises StorageError or TotalsGone."""
        return self._database.read(lambda connection: self._read(connection, question, Frames(unwritten), take))

    def _read(
        self, connection: sqlite3.Connection, question: Question, unwritten: Frames, take: Take | None
    ) -> Reading:
        stored = Stored(connection, self._cache)
        known = [
            (entry, one)
            for entry in question.entries
            if (one := entry.known()).first < question.end and one.last[0] >= question.start
        ]
        first = min((one.first for _, one in known), default=question.start)
        begin = max(question.start, first)
        cut = stored.cuts[RAW.name]
        totals = question.raw and cut <= begin
        if question.raw and not totals and any(entry.counter for entry, _ in known):
            raise TotalsGone(math.ceil(cut / question.step) * question.step if question.step else cut)
        tier = RAW if totals else choose(begin, question.step, stored.cuts)
        step = fitting(tier, question.step)
        start, end = question.start, question.end
        if step:
            start, end = math.floor(start / step) * step, math.ceil(end / step) * step
        fresh = self._fresh(connection, [entry.id for entry, _ in known], unwritten)
        if self._head.damaged:
            stored.incomplete.add((max(start, first), end))
        span = _Span(tier, start, end, step, question.raw)
        wanted = [(entry, fresh[entry.id]) for entry, _ in known]
        if tier is RAW and step and RAW.span % step == 0:
            stored.fetch_rolled(step, wanted, start, end, rate=not question.raw)
        else:
            back = max((reach(entry) for entry, _ in known), default=0.0) if tier is RAW else 0.0
            stored.fetch(tier, wanted, start - back, end, step)
        stretches = []
        for entry, one in known:
            if found := span.points(stored, entry, one, fresh):
                stretches.append(Stretch(one, found.points()) if take is None else take(one, found, step))
        incomplete = sorted((max(one, start), min(other, end)) for one, other in stored.incomplete)
        return Reading(step, tier.name, stretches, [gap for gap in incomplete if gap[0] < gap[1]])

    def _fresh(self, connection: sqlite3.Connection, ids: Sequence[int], unwritten: Frames) -> dict[int, Samples]:
        """Return of each series what is not yet in chunks."""
        with self._lock:
            self._head.follow(connection)
            written = {id: self._head.frames.samples(id) for id in ids}
        return {id: merged(samples, unwritten.samples(id)) for id, samples in written.items()}


class _Span(NamedTuple):
    """How the points of each series are made."""

    tier: Tier
    start: float
    end: float
    step: float
    raw: bool

    def points(self, stored: Stored, entry: Entry, known: Known, fresh: dict[int, Samples]) -> Collected | Curve:
        start, end, step = self.start, self.end, self.step
        if self.tier is not RAW:
            parts = stored.pieces(self.tier, entry, fresh[entry.id], start, end, step)
        elif step and RAW.span % step == 0:
            parts = stored.rolled_samples(step, entry, fresh[entry.id], start, end, rate=not self.raw)
        else:
            counter = entry.counter and not self.raw
            samples = stored.samples(entry, fresh[entry.id], start - (reach(entry) if counter else 0.0), end)
            samples = between(rates(samples) if counter else samples, start, end)
            if not step:
                return Collected(as_collected(samples, known.interval) if samples.times else [])
            parts = [Part(Piece(roll(samples, step), step), None)]
        return Curve(parts, stored.hold, start=start, end=end, step=step, interval=known.interval)
