"""Chunks of one moment, put together with what is not yet in any."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import cast

from dashboard.column import Damaged
from dashboard.history import chunks
from dashboard.history.cache import Cache, Unpacked
from dashboard.history.chunk import unpack_rolled, unpack_samples
from dashboard.history.roller import overlaid
from dashboard.history.roster import Entry
from dashboard.rolled import (
    NO_SAMPLES,
    NOTHING_ROLLED,
    Rolled,
    Samples,
    between,
    combined,
    joined,
    merged,
    rates,
    reroll,
    roll,
    rolled_between,
    rolled_joined,
    spliced,
)
from dashboard.tiers import RAW, TEN_SECONDS, Tier

_BACK = 172_800.0  # seconds in which the sample is looked for that a counter's first rate in a span needs


class Stored:
    """What one transaction of a reader sees. `fetch` comes first; `incomplete` gathers the spans that are damaged."""

    def __init__(self, connection: sqlite3.Connection, cache: Cache) -> None:
        self._connection, self._cache = connection, cache
        self.cuts = chunks.cuts(connection)
        self.incomplete: set[tuple[float, float]] = set()
        self._due: dict[int, list[int]] = {}
        self._found: dict[tuple[str, int], Unpacked] = {}

    def fetch(self, tier: Tier, wanted: Sequence[tuple[Entry, Samples]], start: float, end: float) -> None:
        """Read all that is needed of these series, each with what is not yet in chunks, from `start` to `end`."""
        ids = {entry.id for entry, _ in wanted}
        keys: set[int] = set()
        for entry, _ in wanted:
            low, high = max(start, entry.first), min(end, entry.last[0] + 1)
            keys.update(chunks.key(number, entry.id) for number in _numbers(tier, low, high))
        self._load(tier, keys)
        if tier is RAW:
            return
        ten: set[int] = set()
        raw: set[int] = set()
        if tier is not TEN_SECONDS:
            self._due = self._overdue(ids, start, end)
        for entry, fresh in wanted:
            numbers = touched(between(fresh, start, end), RAW)
            for number in numbers:
                back = min(_BACK, 2 * (entry.interval or 60.0)) if entry.counter else 0.0
                raw.update(
                    chunks.key(one, entry.id)
                    for one in _numbers(RAW, number * RAW.span - back, (number + 1) * RAW.span)
                )
            if tier is not TEN_SECONDS:
                hours = {*self._due.get(entry.id, ()), *touched(between(fresh, start, end), TEN_SECONDS)}
                ten.update(chunks.key(number, entry.id) for number in hours)
        self._load(RAW, raw)
        self._load(TEN_SECONDS, ten)

    def samples(self, entry: Entry, fresh: Samples, start: float, end: float) -> Samples:
        """Return the samples of a series from `start` to before `end`."""
        parts = [
            cast("Samples", found)
            for number in _numbers(RAW, max(start, entry.first), min(end, entry.last[0] + 1))
            if (found := self._found.get((RAW.name, chunks.key(number, entry.id)))) is not None
        ]
        whole = joined(parts) if parts else NO_SAMPLES
        return between(merged(whole, between(fresh, start, end)), start, end)

    def rolled(self, tier: Tier, entry: Entry, fresh: Samples, start: float, end: float) -> Rolled:
        """Return the points of a tier for a series from `start` to before `end`, with what it does not have yet."""
        parts = [
            cast("Rolled", found)
            for number in _numbers(tier, max(start, entry.first), min(end, entry.last[0] + 1))
            if (found := self._found.get((tier.name, chunks.key(number, entry.id)))) is not None
        ]
        whole = rolled_joined(parts) if parts else NOTHING_ROLLED
        if tier is TEN_SECONDS:
            for number in touched(between(fresh, start, end), RAW):
                whole = self._with_samples(whole, entry, number, fresh)
        else:
            hours = {*self._due.get(entry.id, ()), *touched(between(fresh, start, end), TEN_SECONDS)}
            for number in sorted(hours):
                begin = float(number * TEN_SECONDS.span)
                after = begin + TEN_SECONDS.span
                fine = self.rolled(TEN_SECONDS, entry, fresh, max(begin, start), min(after, end))
                whole = overlaid(whole, reroll(fine, tier.step), begin, TEN_SECONDS.span, self.cuts)
        return rolled_between(whole, start, end)

    def _with_samples(self, whole: Rolled, entry: Entry, number: int, fresh: Samples) -> Rolled:
        """Return points of the tier of 10 s with those of a span of samples that is not compacted yet."""
        begin, end = float(number * RAW.span), float((number + 1) * RAW.span)
        if begin < self.cuts[RAW.name]:
            new = between(fresh, begin, end)
            return combined(whole, roll(rates(new) if entry.counter else new, TEN_SECONDS.step))
        back = min(_BACK, 2 * (entry.interval or 60.0)) if entry.counter else 0.0
        samples = self.samples(entry, fresh, begin - back, end)
        samples = between(rates(samples) if entry.counter else samples, begin, end)
        return spliced(whole, roll(samples, TEN_SECONDS.step), begin, end)

    def _overdue(self, ids: Collection[int], start: float, end: float) -> dict[int, list[int]]:
        """Return, by series, the spans of the tier of 10 s that coarser ones do not have yet."""
        low, high = (int(time // TEN_SECONDS.span) for time in (start, end))
        found: dict[int, list[int]] = {}
        for (key,) in self._connection.execute(
            "SELECT id FROM due WHERE id >= ? AND id < ?", (chunks.before(low), chunks.before(high + 1))
        ):
            if (id := chunks.id_of(key)) in ids:
                found.setdefault(id, []).append(chunks.number_of(key))
        return found

    def _load(self, tier: Tier, keys: Iterable[int]) -> None:
        """Unpack chunks, or take them as they were unpacked before when they are still the same."""
        held: list[int] = []
        missing: list[int] = []
        for key in sorted(keys):
            if (tier.name, key) not in self._found:
                (held if self._cache.has(tier.name, key) else missing).append(key)
        for key, sum in chunks.sums(self._connection, tier, held):
            found = self._cache.get(tier.name, key, sum)
            if found is None:
                missing.append(key)
            else:
                self._found[tier.name, key] = found
        unpack = unpack_samples if tier is RAW else unpack_rolled
        for key, chunk in chunks.fetch(self._connection, tier, missing):
            try:
                unpacked: Unpacked = unpack(chunk)
            except Damaged:
                begin = float(chunks.number_of(key) * tier.span)
                self.incomplete.add((begin, begin + tier.span))
            else:
                self._found[tier.name, key] = unpacked
                self._cache.put(tier.name, key, chunk[:4], unpacked)


def touched(samples: Samples, tier: Tier) -> list[int]:
    """Return the numbers of the spans of a tier that have any of these samples."""
    if not samples.times:
        return []
    first, last = (int(time // tier.span) for time in (samples.times[0], samples.times[-1]))
    if last - first < 2:
        return list(range(first, last + 1))
    return sorted({int(time // tier.span) for time in samples.times})


def _numbers(tier: Tier, start: float, end: float) -> range:
    """Return the numbers of the spans of a tier that are wholly or partly from `start` to `end`."""
    return range(int(start // tier.span), int(-(-end // tier.span)))
