"""Rolls the tier of 10 s up to the coarser ones, and lets go what is beyond the bounds."""

from __future__ import annotations

import logging
import math
import sqlite3
from collections.abc import Mapping

from dashboard.clock import Steady
from dashboard.column import Damaged
from dashboard.history import chunks, late
from dashboard.history.chunk import pack_rolled, unpack_rolled
from dashboard.history.roster import Roster
from dashboard.model import Clock
from dashboard.rolled import NOTHING_ROLLED, Rolled, combined, reroll, spliced
from dashboard.sqlite import Database
from dashboard.tiers import MINUTE, QUARTER, RAW, TEN_SECONDS, TIERS, Bounds, Tier

log = logging.getLogger("dashboard")

AT_ONCE = 2_000
"""Spans of the tier of 10 s that one transaction rolls up at most, and rows that one deletes."""


class Roller:
    """Works in any one thread; what it writes goes by the database's writer."""

    def __init__(self, database: Database, roster: Roster, clock: Clock, bounds: Bounds) -> None:
        self._database, self._roster, self._clock, self._bounds = database, roster, clock, bounds
        self._steady = Steady(clock)
        self._told = False

    def roll_up(self, horizon: float) -> int:
        """Roll up spans that ended before `horizon`, in Unix seconds; return how many. Raises StorageError."""
        end = chunks.before(int(horizon // TEN_SECONDS.span))
        due = self._database.read(
            lambda connection: connection.execute(
                "SELECT id FROM due WHERE id < ? ORDER BY id LIMIT ?", (end, AT_ONCE)
            ).fetchall()
        )
        keys = [key for (key,) in due]
        if not keys:
            return 0
        turn = self._database.read(lambda connection: _rolled_up(connection, keys))

        def run(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM due WHERE id = ?", due)
            for tier, found in turn.items():
                chunks.store(connection, tier, found)
            cut = chunks.cuts(connection)[TEN_SECONDS.name]
            chunks.delete(
                connection, TEN_SECONDS, [key for key in keys if chunks.number_of(key) * TEN_SECONDS.span < cut]
            )

        self._database.write(run).result()
        return len(keys)

    def limits(self) -> dict[str, float]:
        """Return, for each tier and for `top`, the time up to which it may be trimmed now.

        A clock that jumped by years, as one does that was never set, may be set right in a moment: until it has been
        steady for a while, a day is all that may be lost by it.
        """
        if self._steady():
            return dict.fromkeys((*self._bounds.ages, "top"), math.inf)
        return self._database.read(self._day_later)

    def set_right(self, limits: Mapping[str, float]) -> None:
        """Take back what is said to be gone of times to come, as a clock that was wrong had it. Raises StorageError."""
        cuts = self._database.read(chunks.cuts)
        for tier in TIERS:
            if cuts[tier.name] > self._clock.wall():
                self._cut(tier, self._first(tier, limits))

    def trim(self, limits: Mapping[str, float]) -> int:
        """Delete some of what is too old or too much; return how many rows that were. Raises StorageError."""
        deleted = sum(self._cut(tier, self._first(tier, limits)) for tier in TIERS)
        crowded = self._database.read(self._crowded)
        if crowded is not None:
            deleted += self._cut(*crowded)
        self._forget(limits)
        return deleted

    def _first(self, tier: Tier, limits: Mapping[str, float]) -> int:
        """Return the number of the first span of a tier that is to stay."""
        return int(min(self._clock.wall() - self._bounds.ages[tier.name], limits[tier.name]) // tier.span)

    def _day_later(self, connection: sqlite3.Connection) -> dict[str, float]:
        """Return, for each tier, a day after what was kept of it is the oldest."""
        limits = {}
        for tier in TIERS:
            first = chunks.oldest(connection, tier)
            limits[tier.name] = math.inf if first is None else first * tier.span + 86_400.0
        (minute,) = connection.execute("SELECT min(minute) FROM top").fetchone()
        return {**limits, "top": math.inf if minute is None else minute + 86_400.0}

    def _cut(self, tier: Tier, number: int) -> int:
        """Delete rows of a tier before a span, as far as the coarser ones have them."""
        if tier is TEN_SECONDS:
            (first,) = self._database.read(lambda connection: connection.execute("SELECT min(id) FROM due").fetchone())
            number = number if first is None else min(number, chunks.number_of(first))
        time = float(number * tier.span)
        known = self._database.read(chunks.cuts)[tier.name]
        old = self._database.read(lambda connection: chunks.oldest(connection, tier))
        ahead = known > self._clock.wall()  # which was written when the clock was wrong
        if (old is None or old >= number) and not ahead and time < known + tier.span:
            return 0
        deleted = 0

        def run(connection: sqlite3.Connection) -> None:
            nonlocal deleted
            # First, so that nobody takes what is left of a tier for all of it.
            cut = time if ahead else max(known, time)
            connection.execute("UPDATE tier SET cut = ? WHERE name = ?", (cut, tier.name))
            deleted = chunks.delete_before(connection, tier, number, AT_ONCE)

        self._database.write(run).result()
        return deleted

    def _crowded(self, connection: sqlite3.Connection) -> tuple[Tier, int] | None:
        """Return which tier has to give up what is from before which span, when all of them take too much room.

        It is the one of which most is kept of what is to be, so that all become shorter alike.
        """
        if _used(connection) <= self._bounds.bytes:
            return None
        now = self._clock.wall()
        kept = []
        for tier in TIERS:
            first, newest = chunks.oldest(connection, tier), chunks.newest(connection, tier)
            if first is not None and newest is not None and first < newest:
                kept.append(((now - first * tier.span) / self._bounds.ages[tier.name], tier, first + 1))
        return max(kept)[1:] if kept else None

    def _forget(self, limits: Mapping[str, float]) -> None:
        """Forget series of which nothing is left, late samples, and processes of long ago."""
        now = self._clock.wall()
        cut = self._database.read(chunks.cuts)[QUARTER.name]
        found, beyond = self._roster.forget(cut, self._bounds.series)
        gone = [(id,) for id in found]
        minute = int(min(now - self._bounds.top_age, limits["top"]))
        age = self._bounds.ages[RAW.name] if self._steady() else math.inf
        if beyond and not self._told:
            self._told = True
            log.warning(
                "%s: %d series that ended first are forgotten with all their points, for %d are known at most: a label"
                " that is new again and again, such as the number of a request, makes so many. It is not said again",
                self._database.path,
                beyond,
                self._bounds.series,
            )

        def run(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM series WHERE id = ?", gone)
            connection.execute("DELETE FROM top WHERE minute < ?", (minute,))
            late.trim(connection, now, age, self._bounds.bytes // late.PART)

        self._database.write(run).result()


def _rolled_up(connection: sqlite3.Connection, keys: list[int]) -> Mapping[Tier, dict[int, bytes]]:
    """Return the chunks of the coarser tiers with the points of these of the tier of 10 s."""
    cuts = chunks.cuts(connection)
    fine = dict(chunks.fetch(connection, TEN_SECONDS, keys))
    turn: dict[Tier, dict[int, bytes]] = {}
    for tier in (MINUTE, QUARTER):
        wanted = sorted({_above(key, tier) for key in keys})
        whole = {key: _read(chunk) for key, chunk in chunks.fetch(connection, tier, wanted)}
        for key in keys:
            start = chunks.number_of(key) * TEN_SECONDS.span
            if key not in fine or start < cuts[tier.name]:
                continue
            points = reroll(_read(fine[key]), tier.step)
            above = _above(key, tier)
            whole[above] = overlaid(whole.get(above, NOTHING_ROLLED), points, start, TEN_SECONDS.span, cuts)
        turn[tier] = {key: pack_rolled(found) for key, found in whole.items() if found.times}
    return turn


def overlaid(old: Rolled, points: Rolled, start: float, span: float, cuts: Mapping[str, float]) -> Rolled:
    """Return points with those of a span of the tier of 10 s: in their place, or added where that is all there is."""
    if start < cuts[TEN_SECONDS.name]:
        return combined(old, points)
    return spliced(old, points, start, start + span) if points.times else old


def _above(key: int, tier: Tier) -> int:
    return chunks.key(chunks.number_of(key) * TEN_SECONDS.span // tier.span, chunks.id_of(key))


def _read(chunk: bytes) -> Rolled:
    try:
        return unpack_rolled(chunk)
    except Damaged:
        return NOTHING_ROLLED


def _used(connection: sqlite3.Connection) -> int:
    """Return the bytes that points take in the file: all that is used, but for the logs."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    (logs,) = connection.execute("SELECT coalesce(sum(bytes), 0) FROM held").fetchone()
    return int((pages - free) * size - logs)
