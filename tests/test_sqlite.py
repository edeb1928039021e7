"""Databases with one writer each: what shares a transaction, what a fault costs, and that nobody waits for a disk."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dashboard import sqlite
from dashboard.errors import StorageError
from dashboard.sqlite import HANGING, MAX_ASIDE, MAX_PENDING, Database
from tests.clocks import HandClock

ROOT = Path(__file__).parents[1]
PATIENCE = 20.0
TABLE = (("CREATE TABLE number (value INTEGER UNIQUE)",),)


class Ledger:
    """A Guard and a Tenant that writes down what it is told."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.losses = self.opened_files = 0
        self.refusal: StorageError | None = None

    def claim(self) -> None:
        pass

    def allow(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    def opened(self, connection: sqlite3.Connection) -> None:
        self.opened_files += 1
        connection.set_trace_callback(self.statements.append)

    def lost(self) -> None:
        self.losses += 1

    def make_room(self) -> bool:
        return False


@contextmanager
def database(path: Path, owner: Ledger | None = None, *, safe: bool = True) -> Iterator[Database]:
    with closing(joined(path, owner or Ledger(), HandClock(), TABLE, safe=safe)) as opened:
        yield opened


def joined(
    path: Path, owner: Ledger, clock: HandClock, migrations: Sequence[Sequence[str]] = TABLE, *, safe: bool = True
) -> Database:
    """Return a database whose guard is its only tenant; close it."""
    opened = Database(path, owner, clock, migrations, safe=safe)
    opened.join(owner)
    return opened


def adding(*values: int) -> Callable[[sqlite3.Connection], None]:
    def run(connection: sqlite3.Connection) -> None:
        connection.executemany("INSERT INTO number VALUES (?)", [(value,) for value in values])

    return run


def numbers(connection: sqlite3.Connection) -> list[int]:
    return [value for (value,) in connection.execute("SELECT value FROM number ORDER BY value")]


@contextmanager
def held_up(opened: Database) -> Iterator[None]:
    """Keep the writer busy, as a slow disk does, until the block ends."""
    begun, go_on = threading.Event(), threading.Event()

    def run(_: sqlite3.Connection) -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    future = opened.write(run)
    assert begun.wait(PATIENCE)
    try:
        yield
    finally:
        go_on.set()
    future.result(PATIENCE)


def test_nothing_is_opened_and_no_thread_runs_before_there_is_something_to_do(tmp_path: Path) -> None:
    before = {*threading.enumerate()}  # of which some may end meanwhile
    with database(tmp_path / "new" / "folder" / "x.db") as opened:
        assert {*threading.enumerate()} <= before and not (tmp_path / "new").exists()
        opened.write(adding(1)).result(PATIENCE)
        assert opened.read(numbers) == [1]
    assert {*threading.enumerate()} <= before
    assert os.listdir(tmp_path / "new" / "folder") == ["x.db"]  # the journal is in the file
    assert (tmp_path / "new" / "folder" / "x.db").stat().st_mode & 0o777 == 0o600


def test_what_is_written_while_the_disk_is_busy_shares_a_transaction(tmp_path: Path) -> None:
    owner = Ledger()
    with database(tmp_path / "x.db", owner) as opened:
        with held_up(opened):
            owner.statements.clear()
            futures = [opened.write(adding(value)) for value in range(50)]
        for future in futures:
            future.result(PATIENCE)
        assert opened.read(numbers) == list(range(50))
    assert owner.statements.count("BEGIN IMMEDIATE") == 1


def test_readers_see_what_is_committed_while_the_disk_is_busy(tmp_path: Path) -> None:
    with database(tmp_path / "x.db") as opened:
        opened.write(adding(1)).result(PATIENCE)
        with held_up(opened):
            unseen = opened.write(adding(2))
            assert opened.read(numbers) == [1]
            assert not unseen.done()


def test_a_write_that_cannot_be_done_takes_no_other_along(tmp_path: Path) -> None:
    with database(tmp_path / "x.db") as opened:
        with held_up(opened):
            first, twice, wrong, last = (
                opened.write(adding(1)),
                opened.write(adding(2, 1)),
                opened.write(lambda _: [][0]),
                opened.write(adding(3)),
            )
        first.result(PATIENCE)
        last.result(PATIENCE)
        assert isinstance(twice.exception(PATIENCE), sqlite3.IntegrityError)
        assert isinstance(wrong.exception(PATIENCE), IndexError)
        assert opened.read(numbers) == [1, 3]


def test_a_cancelled_write_is_done_all_the_same(tmp_path: Path) -> None:
    with database(tmp_path / "x.db") as opened:
        with held_up(opened):
            future = opened.write(adding(1))
            assert not future.cancel()
        future.result(PATIENCE)
        assert opened.read(numbers) == [1]


def test_what_waits_for_a_disk_is_bounded_and_closing_writes_it(tmp_path: Path) -> None:
    with database(tmp_path / "x.db") as opened:
        with held_up(opened):
            waiting = opened.write(adding(1), weight=MAX_PENDING - 1)
            with pytest.raises(StorageError, match="too slow"):
                opened.write(adding(2)).result(0)
        waiting.result(PATIENCE)
        opened.write(adding(3))
    with pytest.raises(StorageError, match="is closed"):
        opened.write(adding(4)).result(0)
    with database(tmp_path / "x.db") as opened:
        assert opened.read(numbers) == [1, 3]


def test_all_who_have_tables_in_a_file_are_told_of_it(tmp_path: Path) -> None:
    first, second = Ledger(), Ledger()
    with database(tmp_path / "x.db", first) as opened:
        opened.join(second)
        opened.write(adding(1)).result(PATIENCE)
        (tmp_path / "x.db").unlink()
        opened.write(adding(2)).result(PATIENCE)
        assert opened.read(numbers) == [2]
    assert (first.losses, second.losses) == (1, 1)
    assert (first.opened_files, second.opened_files) == (2, 2)


def test_trouble_is_known_without_waiting_for_the_disk(tmp_path: Path) -> None:
    owner, clock = Ledger(), HandClock()
    with closing(joined(tmp_path / "x.db", owner, clock)) as opened:
        assert opened.trouble() is None
        owner.refusal = StorageError("not now")
        opened.write(adding(1)).exception(PATIENCE)
        assert opened.trouble() == "not now"
        owner.refusal = None
        opened.write(adding(1)).result(PATIENCE)
        assert opened.trouble() is None
        opened.write(adding(1)).exception(PATIENCE)  # which is no fault of the disk
        assert opened.trouble() is None
        with held_up(opened):
            clock.move(HANGING)
            assert opened.trouble() is None
            clock.move(1)
            assert opened.trouble() == f"{tmp_path / 'x.db'}: the disk does not answer"
        opened.write(adding(2)).result(PATIENCE)
        assert opened.trouble() is None


def test_a_disk_that_hangs_does_not_keep_the_process(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with database(tmp_path / "x.db") as opened, held_up(opened):
        opened.close(timeout=0.01)
    assert "does not answer" in caplog.text


def test_a_refusal_costs_one_line_until_it_is_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    owner = Ledger()
    owner.refusal = StorageError("not now")
    with caplog.at_level(logging.WARNING, "dashboard"), database(tmp_path / "x.db", owner) as opened:
        for _ in range(3):
            with pytest.raises(StorageError, match="not now"):
                opened.write(adding(1)).result(PATIENCE)
        assert opened.read(numbers) == []  # which is not to be written now
        owner.refusal = None
        opened.write(adding(1)).result(PATIENCE)
    assert [record.getMessage() for record in caplog.records] == ["not now", f"{tmp_path / 'x.db'} is written again"]


def test_a_folder_that_the_system_cannot_even_look_for_is_a_refusal_at_once(tmp_path: Path) -> None:
    with database(tmp_path / ("x" * 300) / "x.db") as opened:
        for _ in range(2):
            with pytest.raises(StorageError, match=r"cannot be written \(File name too long\)"):
                opened.read(numbers)


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with database(path) as opened:
        opened.write(adding(1)).result(PATIENCE)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")
    with database(path) as opened, pytest.raises(StorageError, match="newer version of this program"):
        opened.write(adding(2)).result(PATIENCE)
    assert os.listdir(tmp_path) == ["x.db"]


def test_a_file_of_an_older_version_is_led_on_step_by_step(tmp_path: Path) -> None:
    with database(tmp_path / "x.db") as opened:
        opened.write(adding(1)).result(PATIENCE)
    steps = (*TABLE, ("ALTER TABLE number ADD COLUMN name TEXT", "UPDATE number SET name = 'one'"))
    with closing(joined(tmp_path / "x.db", Ledger(), HandClock(), steps)) as opened:
        assert opened.read(lambda connection: connection.execute("SELECT * FROM number").fetchall()) == [(1, "one")]


@pytest.mark.parametrize("text", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_none_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    owner = Ledger()
    (tmp_path / "x.db").write_bytes(text)
    (tmp_path / "x.db-wal").write_bytes(b"of the other file")
    with database(tmp_path / "x.db", owner, safe=False) as opened:
        opened.write(adding(1)).result(PATIENCE)
        assert opened.read(numbers) == [1]
    assert owner.losses == 1
    assert (tmp_path / "x.db.damaged-20231114T221320Z").read_bytes() == text
    assert "set aside" in caplog.text


def test_a_file_with_other_tables_is_set_aside(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("CREATE TABLE number (value)")
    with database(tmp_path / "x.db") as opened:
        opened.write(adding(1)).result(PATIENCE)
    assert len(list(tmp_path.glob("x.db.damaged-*"))) == 1


def test_few_damaged_files_are_kept(tmp_path: Path) -> None:
    clock = HandClock()
    for _ in range(MAX_ASIDE + 2):
        (tmp_path / "x.db").write_bytes(b"no database at all" * 100)
        with closing(joined(tmp_path / "x.db", Ledger(), clock)) as opened:
            opened.write(adding(1)).result(PATIENCE)
        clock.move(1)
    kept = sorted(file.name for file in tmp_path.glob("*damaged*"))
    assert kept == [f"x.db.damaged-20231114T2213{second}Z" for second in (22, 23, 24)]


def test_damage_that_a_reader_meets_while_the_program_runs_is_set_aside(tmp_path: Path) -> None:
    owner = Ledger()
    with database(tmp_path / "x.db", owner) as opened:
        opened.write(adding(*range(20_000))).result(PATIENCE)
    with database(tmp_path / "x.db", owner, safe=False) as opened:
        opened.write(adding(20_000)).result(PATIENCE)
        size = (tmp_path / "x.db").stat().st_size
        with (tmp_path / "x.db").open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (size - 4096))
        assert opened.read(numbers) == []
        opened.write(adding(1)).result(PATIENCE)
        assert opened.read(numbers) == [1]
    assert owner.losses == 1


def test_a_reader_that_meets_damage_is_told_when_the_disk_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while a large file is checked: so who asks is given what is in memory."""
    with database(tmp_path / "x.db") as opened:
        opened.write(adding(*range(20_000))).result(PATIENCE)
    with database(tmp_path / "x.db", safe=False) as opened, held_up(opened):
        with (tmp_path / "x.db").open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * ((tmp_path / "x.db").stat().st_size - 4096))
        monkeypatch.setattr(sqlite, "PATIENCE", 0.01)
        with pytest.raises(StorageError, match="the disk does not answer"):
            opened.read(numbers)


def test_a_file_that_is_taken_away_in_use_is_begun_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    owner = Ledger()
    with database(tmp_path / "data" / "x.db", owner) as opened:
        opened.write(adding(1)).result(PATIENCE)
        (tmp_path / "data").rename(tmp_path / "elsewhere")
        opened.write(adding(2)).result(PATIENCE)
        assert opened.read(numbers) == [2]
    assert owner.losses == 1 and "taken away" in caplog.text
    with database(tmp_path / "data" / "x.db") as opened:
        assert opened.read(numbers) == [2]


QUOTA = """
import resource, sys, time
from pathlib import Path
from dashboard.errors import StorageError
from tests.test_sqlite import adding, database, numbers

with database(Path(sys.argv[1])) as opened:
    opened.write(adding(1)).result(20)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        opened.write(adding(*range(10, 100_000))).result(20)
    except StorageError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    opened.write(adding(2)).result(20)
    assert opened.read(numbers) == [1, 2]
"""


def test_a_quota_that_is_used_up_fails_what_is_too_much_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", QUOTA, str(tmp_path / "x.db")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert "cannot be used (disk I/O error)" in ended.stdout and "is written again" in ended.stderr
