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

_POINTS = (
    # Ids are never given again, for caches go by them.
    "CREATE TABLE series (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL UNIQUE, counter INTEGER NOT NULL,"
    " interval REAL, source TEXT NOT NULL, first REAL NOT NULL, last REAL NOT NULL, value REAL)",
    # One row is all that came in within a second, of all series.
    "CREATE TABLE journal (seq INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    # One row is a span of one series: its key is the number of the span times 2^24, and the series' id. A table for
    # each tier, so that what is new always goes to the end.
    "CREATE TABLE chunk_raw (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE chunk_10s (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE chunk_1m (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE chunk_15m (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    # Spans of the tier of 10 s that the coarser tiers do not have yet; keys as in chunk_10s.
    "CREATE TABLE due (id INTEGER PRIMARY KEY)",
    # Of each tier: how much it holds, and the time before which nothing of it stays.
    "CREATE TABLE tier (name TEXT NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL, cut REAL NOT NULL) WITHOUT ROWID",
    "INSERT INTO tier VALUES ('raw', 0, 0), ('10s', 0, 0), ('1m', 0, 0), ('15m', 0, 0)",
    # How often the journal was turned into chunks: what is known of it is void then.
    "CREATE TABLE turn (number INTEGER NOT NULL)",
    "INSERT INTO turn VALUES (0)",
    # Which processes took most, by the start of the minute in Unix seconds.
    "CREATE TABLE top (minute INTEGER PRIMARY KEY, data BLOB NOT NULL)",
)

_MARKS = (
    # Times that nobody watched, in Unix seconds; without an end while one goes on.
    "CREATE TABLE blind (start REAL NOT NULL, end REAL, cause TEXT NOT NULL, PRIMARY KEY (start, cause)) WITHOUT ROWID",
    # Marks of people, in Unix seconds; `tags` is a list as JSON. A number is never given twice.
    "CREATE TABLE annotation (id INTEGER PRIMARY KEY AUTOINCREMENT, start REAL NOT NULL, end REAL,"
    " text TEXT NOT NULL, tags TEXT NOT NULL, author TEXT NOT NULL)",
    "CREATE INDEX annotation_by_time ON annotation (start)",
)

_LATE = (
    # Keys of chunks have room for 2^32 ids.
    *(
        f"UPDATE {table} SET id = (id >> 24 << 32) | (id & 16777215)"
        for table in ("chunk_raw", "chunk_10s", "chunk_1m", "chunk_15m", "due")
    ),
    # Samples that were rolled up when those beside them were gone; `came` in Unix seconds, keys as in chunk_raw.
    "CREATE TABLE chunk_late (id INTEGER PRIMARY KEY, data BLOB NOT NULL, came REAL NOT NULL)",
)

STATE = (_EVENTS, _MARKS)
"""Of `state.db`."""

HISTORY = (_EVENTS, _POINTS, _LATE)
"""Of `history.db`."""
