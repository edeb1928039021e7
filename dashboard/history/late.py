"""Samples that came when those beside them were gone: they are remembered for a while, so that none counts twice.

Where only roll-ups are left, a sample is added to a point, which does not tell what it already stands for.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from dashboard.column import Damaged
from dashboard.history import chunks
from dashboard.history.chunk import pack_samples, unpack_samples
from dashboard.rolled import NO_SAMPLES, Samples, merged, rates
from dashboard.tiers import Tier

LATE = Tier("late", 0, 900)
"""As the tier of samples as collected, but kept by when they came, and in no answer."""

PART = 16
"""One of so many bytes for points is theirs at most."""


class News(NamedTuple):
    """Late samples of a span: `whole` is all that are known by now, `fresh` what is yet to be rolled up."""

    whole: Samples
    fresh: Samples


def news(known: Samples, samples: Samples, *, counter: bool) -> News:
    """Tell late samples from those that are known; of several at one time the first stays, for it is rolled up.

    Of a counter it is the rates that are fresh.
    """
    whole = merged(samples, known)
    if not counter:
        return News(whole, _without(whole, known))
    return News(whole, _without(rates(whole), rates(known)))


def fetch(connection: sqlite3.Connection, keys: Sequence[int]) -> dict[int, Samples]:
    """Return what is remembered of spans; of one that is damaged nothing."""
    return {key: _read(chunk) for key, chunk in chunks.fetch(connection, LATE, keys)}


def store(connection: sqlite3.Connection, found: Mapping[int, Samples], now: float) -> None:
    """Remember samples, those that were known before among them, from `now` on, in Unix seconds."""
    connection.executemany(
        "INSERT OR REPLACE INTO chunk_late VALUES (?, ?, ?)",
        ((key, pack_samples(samples), now) for key, samples in sorted(found.items())),
    )


def trim(connection: sqlite3.Connection, now: float, age: float, most: int) -> None:
    """Forget what came longer than `age` seconds ago, and of what takes over `most` bytes what came first."""
    connection.execute("DELETE FROM chunk_late WHERE abs(came - ?) > ?", (now, age))  # it may be of a wrong clock
    came = connection.execute(
        "SELECT came, sum(length(data) + ?) FROM chunk_late GROUP BY came ORDER BY came DESC", (chunks.ROW,)
    ).fetchall()
    taken = accumulate(size for _, size in came)
    beyond = [time for (time, _), total in zip(came, taken, strict=True) if total > most]
    if beyond:
        connection.execute("DELETE FROM chunk_late WHERE came <= ?", (beyond[0],))


def _without(samples: Samples, known: Samples) -> Samples:
    """Return the samples but for those at times that are known."""
    if not known.times:
        return samples
    times = set(known.times)
    kept = [at for at, time in enumerate(samples.times) if time not in times]
    return Samples(*(array("d", [column[at] for at in kept]) for column in samples)) if kept else NO_SAMPLES


def _read(chunk: bytes) -> Samples:
    try:
        return unpack_samples(chunk)
    except Damaged:
        return NO_SAMPLES
