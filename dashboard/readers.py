"""Connections to one SQLite file: how they are made, transactions, and those that only read."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_IDLE = 2
"""Connections for reading that are kept open."""

_PRAGMAS = ("cell_size_check = ON", "temp_store = MEMORY", "mmap_size = 0")


def _nowhere(_: str) -> None:
    """Pass every place."""


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a file that is there; `mode` as in SQLite's addresses. Its thread may change, to one at a time."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=1.0,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.text_factory = _text
    try:
        for pragma in (*_PRAGMAS, f"cache_size = {-1024 if mode == 'rw' else -256}"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(
    connection: sqlite3.Connection, kind: str = "IMMEDIATE", passing: Callable[[str], None] = _nowhere
) -> Iterator[sqlite3.Connection]:
    """Commit what the block does, or nothing of it; `passing` is told of each place where a kill makes a difference."""
    connection.execute(f"BEGIN {kind}")
    try:
        passing("begun")
        yield connection
        passing("committing")
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # the fault itself may have ended it
            connection.execute("ROLLBACK")
        raise
    passing("committed")


class Readers:
    """Connections to one file that only read, lent to one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._generation = 0  # of the file; connections to an earlier one are not used again
        self._closed = False

    @contextmanager
    def lent(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection with one view of the file throughout."""
        with self._lock:
            generation = self._generation
            connection = self._idle.pop() if self._idle else None
        connection = connection or connect(self._path, "ro")
        try:
            with transaction(connection, "DEFERRED"):
                yield connection
            with self._lock:
                if generation == self._generation and len(self._idle) < MAX_IDLE and not self._closed:
                    self._idle.append(connection)
                    connection = None
        finally:
            if connection is not None:
                connection.close()

    def forget(self) -> None:
        """Close those that nobody has, for another file takes the place; the others are closed when they come back."""
        with self._lock:
            self._generation += 1
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Keep none open any longer."""
        with self._lock:
            self._closed = True
        self.forget()


def _text(data: bytes) -> str:
    return data.decode(errors="replace")  # damage must not look like a fault of the statement
