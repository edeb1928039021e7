"""The tables of both databases, as the statements that lead from each version of a file to the next; forward only."""

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
    # Which processes took most, by the start of the minute in Unix seconds.
    "CREATE TABLE top (minute INTEGER PRIMARY KEY, data BLOB NOT NULL)",
)

_MARKS = (
    # Times without a watch, in Unix seconds.
    "CREATE TABLE blind (start REAL NOT NULL, end REAL NOT NULL, cause TEXT NOT NULL)",
    "CREATE INDEX blind_by_end ON blind (end)",
    # Marks on all charts; `end` is NULL for a moment.
    "CREATE TABLE annotation (id INTEGER PRIMARY KEY AUTOINCREMENT, start REAL NOT NULL, end REAL, text TEXT NOT NULL,"
    " author TEXT NOT NULL, created REAL NOT NULL, tags TEXT NOT NULL DEFAULT '')",
    "CREATE INDEX annotation_by_start ON annotation (start)",
)

HISTORY: tuple[tuple[str, ...], ...] = (_EVENTS, _POINTS)
"""Of `history.db`: logs, and the points of all series."""

STATE: tuple[tuple[str, ...], ...] = (_EVENTS, _MARKS)
"""Of `state.db`: the other kept events, and what people and the program have noted on the time axis."""
