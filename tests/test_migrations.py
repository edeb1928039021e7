"""Databases that an earlier version wrote: led on to what this one needs, with all that they hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dashboard import schema
from dashboard.annotations import Annotations
from dashboard.blind import SLEPT, Blind
from dashboard.blindlog import BlindLog
from dashboard.diskarchive import DiskArchive
from dashboard.errors import StorageError
from dashboard.eventlog import EventId
from dashboard.events import KEPT
from dashboard.shelf import Bound
from tests.archives import MS, all_of, commit, disk, disk_archive, entries, id_of
from tests.clocks import START, HandClock
from tests.history.keeping import T0, keeping

TABLES_1 = """
CREATE TABLE event (type TEXT NOT NULL, ms INTEGER NOT NULL, seq INTEGER NOT NULL, recipient TEXT, task TEXT,
 data BLOB NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (type, ms, seq)) WITHOUT ROWID;
CREATE UNIQUE INDEX event_of_task ON event (task) WHERE task IS NOT NULL;
CREATE TABLE held (type TEXT NOT NULL PRIMARY KEY, count INTEGER NOT NULL, bytes INTEGER NOT NULL,
 floor_ms INTEGER NOT NULL, floor_seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE mark (ms INTEGER NOT NULL);
INSERT INTO mark VALUES(1700000015000);
"""

LOG = (
    '{"type":"log","timestamp":1700000000.0,"source":"test/archive","resource":{"instance":"test"},"level":"info",'
    '"message":"%s"}'
)
NOTICE = (
    '{"type":"notification","timestamp":1700000000.0,"source":"test/archive","title":"Tea","level":"info","to":"ann"}'
)
BEGUN = '{"type":"system","timestamp":1700000000.0,"source":"test/archive","event":"start","message":"a start"}'
TASK = (
    '{"type":"task","timestamp":1700000000.0,"source":"test/archive","resource":{"instance":"test"},"task":"a task",'
    '"state":"running","message":"half","interval":1,"started_at":1700000000.0}'
)

HISTORY_1 = f"""{TABLES_1}
INSERT INTO event VALUES('log',1700000000000,1,NULL,NULL,CAST('{LOG % "first"}' AS BLOB),1609286581);
INSERT INTO event VALUES('log',1700000000001,1,NULL,NULL,CAST('{LOG % "second"}' AS BLOB),3268129665);
INSERT INTO held VALUES('log',2,351,1700000000000,0);
"""

STATE_1 = f"""{TABLES_1}
INSERT INTO event VALUES('notification',1700000000001,0,'ann',NULL,CAST('{NOTICE}' AS BLOB),2001257779);
INSERT INTO event VALUES('system',1700000000000,2,NULL,NULL,CAST('{BEGUN}' AS BLOB),297382321);
INSERT INTO event VALUES('task',1700000000000,3,NULL,'test/a task',CAST('{TASK}' AS BLOB),2878459780);
INSERT INTO held VALUES('notification',1,160,1700000000000,0);
INSERT INTO held VALUES('system',1,150,1700000000000,0);
INSERT INTO held VALUES('task',1,233,1700000000000,0);
"""

FIRST = {"history.db": HISTORY_1, "state.db": STATE_1}
"""What version 1 of each file holds, as the program of that version wrote it."""


def write_version_1(folder: Path) -> None:
    """Make both files as the version before points were kept left them."""
    for name, statements in FIRST.items():
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(statements)
            connection.execute("PRAGMA user_version = 1")


def versions(folder: Path) -> dict[str, int]:
    found = {}
    for name in FIRST:
        with closing(sqlite3.connect(folder / name)) as connection:
            (found[name],) = connection.execute("PRAGMA user_version").fetchone()
    return found


def test_files_of_the_first_version_are_led_on_with_all_that_they_hold(tmp_path: Path) -> None:
    write_version_1(tmp_path)
    clock = HandClock(START + 60)
    with closing(disk(tmp_path, clock)) as owned:
        archive = DiskArchive(owned, clock, dict.fromkeys(KEPT, Bound()))
        blinds, marks = BlindLog(owned.state, clock, None), Annotations(owned.state)
        assert archive.newest() == EventId(MS + 15_000, 0)
        assert archive.floors() == dict.fromkeys(KEPT, EventId(MS, 0))
        found = all_of(archive)
        assert [(row.id, row.data.decode(), row.to) for row in found] == [
            (id_of(1), LOG % "first", None),
            (id_of(2), BEGUN, None),
            (id_of(3), TASK, None),
            (id_of(4), NOTICE, "ann"),
            (id_of(5), LOG % "second", None),
        ]
        blinds.add(Blind(START, START + 9, SLEPT))
        marks.add(start=START, text="updated", author="local")
        archive.commit([*entries("log", [60_100]), *entries("system", [60_101])]).result(20)
    assert versions(tmp_path) == {"history.db": len(schema.HISTORY), "state.db": len(schema.STATE)}
    assert min(versions(tmp_path).values()) > 1 and not list(tmp_path.glob("*damaged*"))
    with closing(disk_archive(tmp_path, clock)) as archive:
        assert len(all_of(archive)) == 7


def test_points_of_an_earlier_version_are_found_where_they_were(tmp_path: Path) -> None:
    """Chunks had keys with room for fewer series then."""
    with keeping(tmp_path / "history.db", T0) as kept:
        for at in range(60):
            kept.take(T0 + at, {"jobs": 1.0, "queue": float(at)})
        kept.tidy(T0 + 5000)
        found = [kept.points(name, T0, T0 + 60, step) for name in ("jobs", "queue") for step in (0, 10, 60)]
    with closing(sqlite3.connect(tmp_path / "history.db")) as connection, connection:
        for table in ("chunk_raw", "chunk_10s", "chunk_1m", "chunk_15m", "due"):
            connection.execute(f"UPDATE {table} SET id = (id >> 32 << 24) | (id & 16777215)")
        connection.execute("DROP TABLE chunk_late")
        connection.execute("PRAGMA user_version = 2")
    with keeping(tmp_path / "history.db", T0 + 5000) as kept:
        assert [kept.points(name, T0, T0 + 60, step) for name in ("jobs", "queue") for step in (0, 10, 60)] == found
        assert kept.count("chunk_15m") == 2


RELEASED = Path(__file__).parent / "released"
"""What version 2 of each file holds, as the program of that version wrote it: `.dump` of it."""


def released(name: str) -> str:
    return (RELEASED / name).read_text("utf-8")


def write_version_2(folder: Path) -> None:
    """Make both files as the version before late samples were remembered left them."""
    for name, statements in (("history.db", "history-2.sql"), ("state.db", "state-2.sql")):
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(released(statements))
            connection.execute("PRAGMA user_version = 2")


def test_points_that_the_second_version_stored_are_found_at_every_step_and_go_on_from_there(tmp_path: Path) -> None:
    """It left them in chunks of every tier, in the journal, and not rolled up yet; and which processes took most."""
    write_version_2(tmp_path)
    begins = [T0, T0 + 90_000, T0 + 92_000]
    with keeping(tmp_path / "history.db", T0 + 92_100) as kept:
        for now in (T0 + 92_100, T0 + 94_000, T0 + 170_000):
            for step, each in ((0, 6), (10, 6), (900, 1)):
                whole = [2.5] if step == 900 else [0, 1, 2, 3, 4, 5]
                queue = [point for point in kept.points("queue", T0, T0 + 93_000, step) if point[1] is not None]
                assert [point[1] for point in queue] == 3 * whole and len(queue) == 3 * each
                assert [point[0] // 900 for point in queue[::each]] == [begin // 900 for begin in begins]
                jobs = kept.points("jobs_total", T0, T0 + 93_000, step)
                assert [point[1] for point in jobs if point[1] is not None] == [2] * 3 * (len(whole) - (step < 900))
            minutes = kept.history.top(T0, T0 + 93_000)
            expected = [begin // 60 * 60 + at for begin in begins for at in (0, 60)]
            assert [minute.start for minute in minutes] == expected
            assert {minute.by_cpu[0].name for minute in minutes} == {"cc1plus", "sshd"}
            kept.tidy(now)
        assert kept.count("due") == 0 and kept.count("chunk_15m") == 2 and kept.count("series") == 2
    with closing(disk(tmp_path, HandClock(START))) as owned:
        blinds, marks = BlindLog(owned.state, HandClock(START), None), Annotations(owned.state)
        owned.state.read(lambda _: None)
        assert blinds.between(START - 100, START) == [Blind(START - 60, START - 30, SLEPT)]
        assert [mark.text for mark in marks.between(START - 100, START)] == ["deployed 2.1"]


def test_a_file_of_a_newer_version_is_left_as_it_is(tmp_path: Path) -> None:
    write_version_1(tmp_path)
    for name in FIRST:
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            connection.execute("PRAGMA user_version = 99")
    with closing(disk_archive(tmp_path)) as archive:
        for type in KEPT:
            with pytest.raises(StorageError, match="newer version"):
                commit(archive, type, 60_000)
    assert set(versions(tmp_path).values()) == {99}


def test_a_version_that_was_released_stays_as_it_was() -> None:
    """What led to a version is what led to it then; only further ones may be added."""
    for statements in (schema.HISTORY[0], schema.STATE[0]):
        assert made_by(";".join(statements)) == made_by(TABLES_1)
    for one, two, name in ((*schema.HISTORY[:2], "history-2.sql"), (*schema.STATE[:2], "state-2.sql")):
        assert made_by(";".join((*one, *two))) == made_by(released(name))


def made_by(statements: str) -> list[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(statements)
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql > ''")
        return sorted(" ".join(text.split()) for (text,) in rows)
