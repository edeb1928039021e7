"""The tables of chunks: one for each tier, each row a span of one series."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dashboard.tiers import TIERS, Tier

ROW = 20
"""Bytes that a row takes besides its chunk, roughly."""

_ID_BITS = 32  # as many as a number of the journal has; ids are never given again, and series may come and go
_AT_ONCE = 256  # rows that one statement asks for, so that there are few statements to prepare


def key(number: int, id: int) -> int:
    """Return the key of the chunk of a span, by the span's number, and a series, by its own."""
    return number << _ID_BITS | id


def number_of(key: int) -> int:
    """Return the number of the span of a key."""
    return key >> _ID_BITS


def id_of(key: int) -> int:
    """Return the number of the series of a key."""
    return key & (1 << _ID_BITS) - 1


def before(number: int) -> int:
    """Return the key that is above those of all spans before this one, and not above any of it."""
    return number << _ID_BITS


def fetch(connection: sqlite3.Connection, tier: Tier, keys: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Yield those of the rows with these keys that are there."""
    return _asked(connection, f"SELECT id, CAST(data AS BLOB) FROM chunk_{tier.name} WHERE id IN", keys)


def sums(connection: sqlite3.Connection, tier: Tier, keys: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the checksums of those of the rows with these keys that are there."""
    return _asked(connection, f"SELECT id, CAST(substr(data, 1, 4) AS BLOB) FROM chunk_{tier.name} WHERE id IN", keys)


def store(connection: sqlite3.Connection, tier: Tier, chunks: Mapping[int, bytes]) -> None:
    """Write rows, in the place of those with the same keys."""
    lengths = f"SELECT id, length(data) FROM chunk_{tier.name} WHERE id IN"
    grown = sum(map(len, chunks.values())) + ROW * len(chunks)
    grown -= sum(length + ROW for _, length in _asked(connection, lengths, sorted(chunks)))
    connection.executemany(f"INSERT OR REPLACE INTO chunk_{tier.name} VALUES (?, ?)", sorted(chunks.items()))
    _count(connection, tier, grown)


def delete(connection: sqlite3.Connection, tier: Tier, keys: Iterable[int]) -> None:
    """Delete the rows with these keys."""
    keys = sorted(keys)
    lengths = f"SELECT id, length(data) FROM chunk_{tier.name} WHERE id IN"
    freed = sum(length + ROW for _, length in _asked(connection, lengths, keys))
    connection.executemany(f"DELETE FROM chunk_{tier.name} WHERE id = ?", ((key,) for key in keys))
    _count(connection, tier, -freed)


def delete_before(connection: sqlite3.Connection, tier: Tier, number: int, most: int) -> int:
    """Delete rows of spans before this one, the oldest first, at most so many; return how many there were."""
    found = connection.execute(
        f"SELECT id, length(data) FROM chunk_{tier.name} WHERE id < ? ORDER BY id LIMIT ?", (before(number), most)
    ).fetchall()
    if found:
        connection.execute(f"DELETE FROM chunk_{tier.name} WHERE id <= ?", (found[-1][0],))
        _count(connection, tier, -sum(length + ROW for _, length in found))
    return len(found)


def oldest(connection: sqlite3.Connection, tier: Tier) -> int | None:
    """Return the number of the oldest span that has a row."""
    (first,) = connection.execute(f"SELECT min(id) FROM chunk_{tier.name}").fetchone()
    return None if first is None else number_of(first)


def newest(connection: sqlite3.Connection, tier: Tier) -> int | None:
    """Return the number of the newest span that has a row."""
    (last,) = connection.execute(f"SELECT max(id) FROM chunk_{tier.name}").fetchone()
    return None if last is None else number_of(last)


def cuts(connection: sqlite3.Connection) -> dict[str, float]:
    """Return, for each tier, the time in Unix seconds before which nothing of it stays."""
    return dict(connection.execute("SELECT name, cut FROM tier").fetchall())


def sizes(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the bytes that the chunks of each tier take, roughly."""
    found = dict(connection.execute("SELECT name, bytes FROM tier").fetchall())
    return {tier.name: max(0, int(found.get(tier.name, 0))) for tier in TIERS}


def _count(connection: sqlite3.Connection, tier: Tier, grown: int) -> None:
    connection.execute("UPDATE tier SET bytes = max(0, bytes + ?) WHERE name = ?", (grown, tier.name))


def _asked(connection: sqlite3.Connection, statement: str, keys: Sequence[int]) -> Iterator[tuple[int, Any]]:
    marks = ", ".join("?" * _AT_ONCE)
    for at in range(0, len(keys), _AT_ONCE):
        some = keys[at : at + _AT_ONCE]
        if len(some) == _AT_ONCE:
            yield from connection.execute(f"{statement} ({marks})", some)
        else:
            few = 1 << (len(some) - 1).bit_length()
            yield from connection.execute(
                f"{statement} ({', '.join('?' * few)})", [*some, *[some[-1]] * (few - len(some))]
            )
