"""The tables of both databases: for each version the statements that lead to it from the one before.

A version that was once released stays as it is; what is to change is a further one. All lead forward only.
"""

from __future__ import annotations

_EVENTS = (
    "CREATE TABLE event (type TEXT NOT NULL, ms INTEGER NOT NULL, seq INTEGER NOT NULL, recipient TEXT, task TEXT,"
    " data BLOB NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (type, ms, seq)) WITHOUT ROWID",
    "CREATE UNIQUE INDEX event_of_task ON event (task) WHERE task IS NOT NULL",
    # What is held of each type, so that no commit has to count.
    "CREATE TABLE held (type TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " floor_ms INTEGER NOT NULL, floor_seq INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE mark (ms INTEGER NOT NULL)",
    "INSERT INTO mark VALUES (0)",
)

_MARKS = (
    # Times that nobody watched, in Unix seconds; without an end while one goes on.
    "CREATE TABLE blind (id INTEGER PRIMARY KEY, start REAL NOT NULL, end REAL, cause TEXT NOT NULL)",
    # Marks of people, in Unix seconds; `tags` is a list as JSON. A number is never given twice.
    "CREATE TABLE annotation (id INTEGER PRIMARY KEY AUTOINCREMENT, start REAL NOT NULL, end REAL,"
    " text TEXT NOT NULL, tags TEXT NOT NULL, author TEXT NOT NULL)",
    "CREATE INDEX annotation_by_time ON annotation (start)",
)

STATE = (_EVENTS, _MARKS)
"""Of `state.db`."""

HISTORY = (_EVENTS,)
"""Of `history.db`."""
