"""Annotations: marks with a text that people and programs put on all charts, at a moment or over a time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from dashboard.errors import StorageError
from dashboard.sqlite import PATIENCE, Database

MOST = 100_000
"""Annotations that are kept at most; the oldest make place."""

MAX_TEXT = 2_000
"""Characters of a text at most."""

MAX_TAGS, MAX_TAG = 20, 100
"""Tags of one annotation at most, and characters of each."""

_COLUMNS = "id, start, end, text, tags, author"

T = TypeVar("T")


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """A mark from `start` to `end` in Unix seconds, at a moment when there is no end. Its `id` is never given twice."""

    id: int
    start: float
    end: float | None = None
    text: str
    tags: tuple[str, ...] = ()
    author: str


class Annotations:
    """The annotations in `state.db`. Every call may wait for the disk, and raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, *, start: float, end: float | None = None, text: str, tags: Sequence[str] = (), author: str
    ) -> Annotation:
        """Store one and return it."""

        def run(connection: sqlite3.Connection) -> int:
            added = connection.execute(
                "INSERT INTO annotation (start, end, text, tags, author) VALUES (?, ?, ?, ?, ?)",
                (start, end, text, json.dumps(tags), author),
            )
            connection.execute(
                "DELETE FROM annotation WHERE id <= (SELECT id FROM annotation ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (MOST,),
            )
            assert added.lastrowid is not None
            return added.lastrowid

        id = self._written(run)
        return Annotation(id=id, start=start, end=end, text=text, tags=tuple(tags), author=author)

    def between(self, start: float, end: float, limit: int = 1_000) -> list[Annotation]:
        """Return those that touch the time from `start` to `end`, the newest `limit` of them, by their start."""

        def job(connection: sqlite3.Connection) -> list[tuple[int, float, float | None, str, str, str]]:
            return connection.execute(
                f"SELECT {_COLUMNS} FROM annotation WHERE start <= ? AND coalesce(end, start) >= ?"
                " ORDER BY start DESC, id DESC LIMIT ?",
                (end, start, limit),
            ).fetchall()

        return [_annotation(row) for row in reversed(self._database.read(job))]

    def remove(self, id: int) -> bool:
        """Delete one; return whether it was there."""
        return self._written(
            lambda connection: connection.execute("DELETE FROM annotation WHERE id = ?", (id,)).rowcount > 0
        )

    def _written(self, run: Callable[[sqlite3.Connection], T]) -> T:
        """Run this in the writer's thread, and return what it gives when that is committed."""
        given: list[T] = []

        def once(connection: sqlite3.Connection) -> None:
            given[:] = [run(connection)]

        future = self._database.write(once)
        try:
            future.result(PATIENCE)
        except TimeoutError:
            raise StorageError(f"{self._database.path}: the disk does not answer") from None
        return given[0]


def _annotation(row: tuple[int, float, float | None, str, str, str]) -> Annotation:
    id, start, end, text, tags, author = row
    return Annotation(id=id, start=start, end=end, text=text, tags=_tags(tags), author=author)


def _tags(text: str) -> tuple[str, ...]:
    try:
        return tuple(msgspec.json.decode(text, type=list[str]))
    except msgspec.DecodeError:
        return ()  # what was damaged on the disk takes no other along
