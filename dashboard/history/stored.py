"""Chunks of one moment, put together with what is not yet in any."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import cast

from dashboard.column import Damaged
from dashboard.history import chunks, late
from dashboard.history.cache import Cache, Unpacked
from dashboard.history.chunk import unpack_rolled, unpack_samples
from dashboard.history.piece import Part, Piece
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

_NOTHING = b" "  # the sum of a span without samples
_BACK = 172_800.0  # seconds in which the sample is looked for that a counter's first rate in a span needs


class Stored:
    """What one transaction of a reader sees. `fetch` comes first; `incomplete` gathers the spans that are damaged."""

    def __init__(self, connection: sqlite3.Connection, cache: Cache) -> None:
        self._connection, self._cache = connection, cache
        self.cuts = chunks.cuts(connection)
        self.incomplete: set[tuple[float, float]] = set()
        self._due: dict[int, list[int]] = {}
        self._late: dict[int, Samples] = {}
        self._sums: dict[int, bytes] = {}
        self._places: dict[int, tuple[str, int, bytes] | None] = {}
        self._pieces: dict[tuple[int, int], Piece] = {}
        self._coarse: dict[int, Piece] = {}
        self._tags: dict[tuple[str, int], bytes] = {}
        self._found: dict[tuple[str, int], Unpacked] = {}

    def fetch(
        self, tier: Tier, wanted: Sequence[tuple[Entry, Samples]], start: float, end: float, step: float = 0.0
    ) -> None:
        """Read all that is needed of these series, each with what is not yet in chunks, from `start` to `end`."""
        if tier not in (RAW, TEN_SECONDS):
            self._due = self._overdue({entry.id for entry, _ in wanted}, start, end)
        keys: set[int] = set()
        ten: set[int] = set()
        raw: set[int] = set()
        gone: set[int] = set()
        for entry, fresh in wanted:
            numbers = _numbers(tier, max(start, entry.first), min(end, entry.last[0] + 1))
            keys.update(chunks.key(number, entry.id) for number in numbers)
            if tier is RAW:
                continue
            for number in touched(between(fresh, start, end), RAW):
                if number * RAW.span < self.cuts[RAW.name]:
                    gone.add(chunks.key(number, entry.id))
                    continue
                whole = _numbers(RAW, number * RAW.span - reach(entry), (number + 1) * RAW.span)
                raw.update(chunks.key(one, entry.id) for one in whole)
            if tier is not TEN_SECONDS:
                ten.update(chunks.key(number, entry.id) for number in self._hours(entry, fresh, start, end))
        self._late = late.fetch(self._connection, sorted(gone))
        if _divides(step, tier):
            changed = {
                chunks.key(number, entry.id)
                for entry, fresh in wanted
                for number in self._changed(tier, entry, fresh, start, end)
            }
            self._load(tier, changed)
            keys -= changed | self._fetch_pieces(tier, keys - changed, step)
        self._load(tier, keys, keep=not _divides(step, tier))
        self._load(RAW, raw)
        self._load(TEN_SECONDS, ten)

    def _fetch_pieces(self, tier: Tier, keys: Collection[int], step: float) -> set[int]:
        """Take chunks that are in memory as they were rolled up to a step; return which these are."""
        name = _name(tier, step)
        held = [key for key in sorted(keys) if self._cache.has(name, key)]
        for key, sum in chunks.sums(self._connection, tier, held):
            self._tags[tier.name, key] = sum
            if (piece := self._cache.get(name, key, sum)) is not None:
                self._coarse[key] = cast("Piece", piece)
        return set(self._coarse)

    def fetch_rolled(
        self, step: float, wanted: Sequence[tuple[Entry, Samples]], start: float, end: float, *, rate: bool
    ) -> None:
        """Read what is needed to roll samples up to a step that divides their spans, unless that is in memory."""
        spans = [
            (entry, fresh, _numbers(RAW, max(start, entry.first), min(end, entry.last[0] + 1)))
            for entry, fresh in wanted
        ]
        keys = {chunks.key(one, entry.id) for entry, _, numbers in spans for one in _before(numbers)}
        self._sums = dict(chunks.sums(self._connection, RAW, sorted(keys)))
        missing: set[int] = set()
        for entry, fresh, numbers in spans:
            for number in numbers:
                place = self._place(entry, fresh, number, step, rate and entry.counter)
                piece = None if place is None else self._cache.get(*place)
                if piece is not None:
                    self._pieces[entry.id, number] = cast("Piece", piece)
                else:
                    back = reach(entry) if rate else 0.0
                    whole = _numbers(RAW, number * RAW.span - back, (number + 1) * RAW.span)
                    missing.update(chunks.key(one, entry.id) for one in whole)
        self._load(RAW, missing, keep=False)

    def rolled_samples(
        self, step: float, entry: Entry, fresh: Samples, start: float, end: float, *, rate: bool
    ) -> list[Part]:
        """Return the samples of a series around `start` to `end`, rolled up, after `fetch_rolled` of the same."""
        parts = []
        for number in _numbers(RAW, max(start, entry.first), min(end, entry.last[0] + 1)):
            place = self._place(entry, fresh, number, step, rate and entry.counter)
            piece = self._pieces.get((entry.id, number))
            if piece is None:
                piece = Piece(roll(self._span(entry, number, fresh, rate=rate), step), step)
                if place is not None:
                    self.hold(place, piece)
            parts.append(Part(piece, place))
        return parts

    def hold(self, place: tuple[str, int, bytes], piece: Piece) -> None:
        """Hold a piece in memory for those who ask next."""
        self._cache.put(*place, piece)

    def _place(
        self, entry: Entry, fresh: Samples, number: int, step: float, rate: bool
    ) -> tuple[str, int, bytes] | None:
        """Return under what a span that is rolled up is held in memory; None when it cannot be told from others."""
        key = chunks.key(number, entry.id)
        if key in self._places:
            return self._places[key]
        sum = self._sum(entry, fresh, number)
        if sum == _NOTHING or (rate and reach(entry) > RAW.span):
            place = None
        else:
            place = _name(RAW, step), key, sum + (self._sum(entry, fresh, number - 1) if rate else b"total")
        self._places[key] = place
        return place

    def _sum(self, entry: Entry, fresh: Samples, number: int) -> bytes:
        """Return what tells the samples of a span from others that it may have had: sums of its chunk and the rest."""
        rest = _crc(between(fresh, float(number * RAW.span), float((number + 1) * RAW.span)))
        return b"%b %b" % (self._sums.get(chunks.key(number, entry.id), b""), rest)

    def _span(self, entry: Entry, number: int, fresh: Samples, *, rate: bool) -> Samples:
        """Return the samples of a span, of a counter its rates."""
        begin, end = float(number * RAW.span), float((number + 1) * RAW.span)
        if not rate or not entry.counter:
            return self.samples(entry, fresh, begin, end)
        return between(rates(self.samples(entry, fresh, begin - reach(entry), end)), begin, end)

    def samples(self, entry: Entry, fresh: Samples, start: float, end: float) -> Samples:
        """Return the samples of a series from `start` to before `end`."""
        parts = [
            cast("Samples", found)
            for number in _numbers(RAW, max(start, entry.first), min(end, entry.last[0] + 1))
            if (found := self._found.get((RAW.name, chunks.key(number, entry.id)))) is not None
        ]
        whole = joined(parts) if parts else NO_SAMPLES
        return between(merged(whole, between(fresh, start, end)), start, end)

    def pieces(self, tier: Tier, entry: Entry, fresh: Samples, start: float, end: float, step: float) -> list[Part]:
        """Return the points of a tier for a series around `start` to `end`, rolled up to a step.

        What the tier does not have yet is with them.
        """
        if not _divides(step, tier):
            whole = self.rolled(tier, entry, fresh, start, end)
            return [Part(Piece(reroll(whole, step) if step > tier.step else whole, step), None)]
        changed = self._changed(tier, entry, fresh, start, end)
        parts = []
        for number in self._spans(tier, entry, changed, start, end):
            key = chunks.key(number, entry.id)
            sum = self._tags.get((tier.name, key))
            if number in changed:
                sum = self._trace(tier, entry, changed[number], fresh, start, end, sum or b"")
            place = None if sum is None else (_name(tier, step), key, sum)
            piece = self._coarse.get(key) if number not in changed else self._held(place)
            if piece is None:
                found = self._span_of(tier, entry, number, changed, fresh, start, end)
                piece = Piece(reroll(found, step) if step > tier.step else found, step)
                if place is not None:
                    self.hold(place, piece)
            parts.append(Part(piece, place))
        return parts

    def _held(self, place: tuple[str, int, bytes] | None) -> Piece | None:
        return None if place is None else cast("Piece | None", self._cache.get(*place))

    def _trace(
        self, tier: Tier, entry: Entry, newer: Sequence[int], fresh: Samples, start: float, end: float, sum: bytes
    ) -> bytes | None:
        """Return what tells a span of a tier, with those of the finer one that it lacks, from what it may have been.

        None where late samples stand for others that are gone.
        """
        fine = RAW if tier is TEN_SECONDS else TEN_SECONDS
        begin, after = float(newer[0] * fine.span), float((newer[-1] + 1) * fine.span)
        back = begin - max(float(RAW.span), reach(entry))
        if back < self.cuts[RAW.name]:
            return None
        keys = [(RAW.name, chunks.key(one, entry.id)) for one in _numbers(RAW, back, after)]
        keys += [(TEN_SECONDS.name, chunks.key(one, entry.id)) for one in newer if fine is TEN_SECONDS]
        sums = [self._tags.get(key, b"") for key in keys]
        cut = f"{newer} {max(start, begin)} {min(end, after)}".encode()
        return b" ".join((sum, *sums, _crc(between(fresh, back, after)), cut))

    def rolled(self, tier: Tier, entry: Entry, fresh: Samples, start: float, end: float) -> Rolled:
        """Return the points of a tier for a series from `start` to before `end`, with what it does not have yet."""
        changed = self._changed(tier, entry, fresh, start, end)
        spans = self._spans(tier, entry, changed, start, end)
        parts = [self._span_of(tier, entry, number, changed, fresh, start, end) for number in spans]
        kept = [part for part in parts if part.times]
        return rolled_between(rolled_joined(kept), start, end) if kept else NOTHING_ROLLED

    def _spans(
        self, tier: Tier, entry: Entry, changed: Mapping[int, Sequence[int]], start: float, end: float
    ) -> list[int]:
        return sorted({*_numbers(tier, max(start, entry.first), min(end, entry.last[0] + 1)), *changed})

    def _span_of(
        self,
        tier: Tier,
        entry: Entry,
        number: int,
        changed: Mapping[int, Sequence[int]],
        fresh: Samples,
        start: float,
        end: float,
    ) -> Rolled:
        """Return the points of a span of a tier, with what it does not have yet."""
        part = cast("Rolled", self._found.get((tier.name, chunks.key(number, entry.id)), NOTHING_ROLLED))
        for one in changed.get(number, ()):
            part = self._with_newer(part, tier, entry, one, fresh, start, end)
        return part

    def _changed(self, tier: Tier, entry: Entry, fresh: Samples, start: float, end: float) -> dict[int, list[int]]:
        """Return, by the spans of a tier, those of the finer one that it does not have as they are."""
        fine = RAW if tier is TEN_SECONDS else TEN_SECONDS
        ten = tier is TEN_SECONDS
        found: dict[int, list[int]] = {}
        for one in touched(between(fresh, start, end), RAW) if ten else self._hours(entry, fresh, start, end):
            found.setdefault(one * fine.span // tier.span, []).append(one)
        return found

    def _hours(self, entry: Entry, fresh: Samples, start: float, end: float) -> list[int]:
        """Return the spans of the tier of 10 s that coarser ones do not have as they are."""
        return sorted({*self._due.get(entry.id, ()), *touched(between(fresh, start, end), TEN_SECONDS)})

    def _with_newer(
        self, whole: Rolled, tier: Tier, entry: Entry, number: int, fresh: Samples, start: float, end: float
    ) -> Rolled:
        """Return points of a tier with those of a span of the finer one."""
        if tier is TEN_SECONDS:
            return self._with_samples(whole, entry, number, fresh)
        begin = float(number * TEN_SECONDS.span)
        after = begin + TEN_SECONDS.span
        fine = self.rolled(TEN_SECONDS, entry, fresh, max(begin, start), min(after, end))
        return overlaid(whole, reroll(fine, tier.step), begin, TEN_SECONDS.span, self.cuts)

    def _with_samples(self, whole: Rolled, entry: Entry, number: int, fresh: Samples) -> Rolled:
        """Return points of the tier of 10 s with those of a span of samples that is not compacted yet."""
        begin, end = float(number * RAW.span), float((number + 1) * RAW.span)
        if begin < self.cuts[RAW.name]:
            known = self._late.get(chunks.key(number, entry.id), NO_SAMPLES)
            new = late.news(known, between(fresh, begin, end), counter=entry.counter).fresh
            return combined(whole, roll(new, TEN_SECONDS.step))
        return spliced(whole, roll(self._span(entry, number, fresh, rate=True), TEN_SECONDS.step), begin, end)

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

    def _load(self, tier: Tier, keys: Iterable[int], *, keep: bool = True) -> None:
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
                self._tags[tier.name, key] = sum
        unpack = unpack_samples if tier is RAW else unpack_rolled
        for key, chunk in chunks.fetch(self._connection, tier, missing):
            try:
                unpacked: Unpacked = unpack(chunk)
            except Damaged:
                begin = float(chunks.number_of(key) * tier.span)
                self.incomplete.add((begin, begin + tier.span))
            else:
                self._found[tier.name, key] = unpacked
                self._tags[tier.name, key] = chunk[:4]
                if keep:
                    self._cache.put(tier.name, key, chunk[:4], unpacked)


def touched(samples: Samples, tier: Tier) -> list[int]:
    """Return the numbers of the spans of a tier that have any of these samples."""
    if not samples.times:
        return []
    first, last = (int(time // tier.span) for time in (samples.times[0], samples.times[-1]))
    if last - first < 2:
        return list(range(first, last + 1))
    return sorted({int(time // tier.span) for time in samples.times})


def reach(entry: Entry) -> float:
    """Return how far before a span the sample may be that the first rate of a counter needs."""
    return min(_BACK, max(float(RAW.span), 2 * (entry.interval or 0.0))) if entry.counter else 0.0


def _crc(samples: Samples) -> bytes:
    """Return what tells samples from others, nothing where there are none."""
    times, values, gaps = samples
    return zlib.crc32(gaps, zlib.crc32(values, zlib.crc32(times))).to_bytes(4, "little") if times else b""


def _divides(step: float, tier: Tier) -> bool:
    """Tell whether points of a step can be made of those of a tier chunk by chunk, and so be held."""
    return step >= tier.step > 0 and tier.span % step == 0


def _name(tier: Tier, step: float) -> str:
    """Return under what pieces of a step are held."""
    return f"{tier.name} {step:g}"


def _before(numbers: range) -> range:
    return range(numbers.start - 1, numbers.stop)


def _numbers(tier: Tier, start: float, end: float) -> range:
    """Return the numbers of the spans of a tier that are wholly or partly from `start` to `end`."""
    return range(int(start // tier.span), int(-(-end // tier.span)))
