"""Backups: one moment of both databases, copied while they are written, and brought back whole or not at all."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import tarfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dashboard.archive import Archive
from dashboard.cli import commands
from dashboard.copies import back_up, restore
from dashboard.datadir import DataDir
from dashboard.errors import StorageError
from tests.archives import PATIENCE, commit, disk_archive, entries, id_of, stored
from tests.clocks import START

FIRST, SECOND = [id_of(n) for n in (1, 2, 3)], [id_of(n) for n in (1, 2, 3, 40, 41)]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup of the folder `data`, in which three events were and two more are now."""
    with closing(disk_archive(tmp_path / "data")) as archive:
        commit(archive, "log", 1)
        commit(archive, "system", 2, 3)
        (tmp_path / "data" / "instance").write_text("web-1\n")
        back_up(tmp_path / "data", tmp_path / "backup.tar", START)
        commit(archive, "log", 40)
        commit(archive, "system", 41)
    return tmp_path / "backup.tar"


def held(folder: Path) -> list[object]:
    with closing(disk_archive(folder)) as archive:
        return list(stored(archive))


@contextmanager
def writing(archive: Archive) -> Iterator[None]:
    """Write, while the block runs, always two events at once: one into each database. The first are there before it."""
    begun, ended = threading.Event(), threading.Event()

    def run() -> None:
        number = 0
        while not ended.is_set():
            number += 4
            # The log first, so that what state.db has of a pair is in history.db, too.
            commit(archive, "log", number, text="x" * 500)
            commit(archive, "system", number, text="x" * 500)
            begun.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert begun.wait(PATIENCE)
        yield
    finally:
        ended.set()
        thread.join()


def test_a_backup_made_while_both_are_written_is_one_moment_of_both(tmp_path: Path) -> None:
    with closing(disk_archive(tmp_path / "data")) as archive:
        archive.commit(entries("log", range(10**6, 10**6 + 3_000), "x" * 900)).result(20)
        with writing(archive):
            for number in range(5):
                back_up(tmp_path / "data", tmp_path / f"{number}.tar", START)
        last = len(stored(archive, 0, 10**6 - 1))
    for number in range(5):
        folder = tmp_path / f"{number}"
        restore(tmp_path / f"{number}.tar", DataDir(folder), START)
        with closing(disk_archive(folder)) as archive:
            logs = stored(archive, 0, 10**6 - 1, frozenset({"log"}))
            behind = len(logs) - len(stored(archive, types=frozenset({"system"})))
            assert 0 <= behind < 500 and len(logs) < last  # of a moment: what one commit takes, unless it is held up
            assert len(stored(archive, 10**6 - 1)) == 3_000


def test_a_restore_brings_back_what_was_and_keeps_what_is(backup: Path) -> None:
    data = backup.parent / "data"
    made, aside = restore(backup, DataDir(data), START + 60)
    assert made.made_at == START and made.sizes.keys() == {"state.db", "history.db"}
    assert [path.name for path in aside] == [f"{name}.db.replaced-20231114T221420Z" for name in ("state", "history")]
    assert held(data) == FIRST
    assert (data / "alive").stat().st_mtime == START  # from then on nobody watched
    for path in aside:
        os.replace(path, data / path.name.partition(".replaced")[0])
    assert held(data) == SECOND


def test_a_restore_into_an_empty_folder_keeps_who_it_was(backup: Path, tmp_path: Path) -> None:
    _, aside = restore(backup, DataDir(tmp_path / "other" / "folder"), START)
    assert aside == [] and held(tmp_path / "other" / "folder") == FIRST
    assert DataDir(tmp_path / "other" / "folder").instance() == "web-1"
    assert {path.stat().st_mode & 0o077 for path in (backup, *(tmp_path / "other/folder").glob("*.db"))} == {0}


def test_nothing_is_changed_while_a_dashboard_uses_the_folder(backup: Path) -> None:
    data = backup.parent / "data"
    with closing(disk_archive(data)) as archive:
        commit(archive, "log", 50)
        with pytest.raises(StorageError, match=r"in use by a dashboard: end that first.*nothing was changed"):
            restore(backup, DataDir(data), START)
        commit(archive, "log", 51)
        assert stored(archive) == [*SECOND, id_of(50), id_of(51)]


def rewritten(backup: Path, about: dict[str, object]) -> None:
    """Let a backup say something else of itself."""
    with tarfile.open(backup) as tar:
        tar.extractall(backup.parent / "parts", filter="data")
    note = backup.parent / "parts" / "backup.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), **about}))
    with tarfile.open(backup, "w") as tar:
        for path in (note, *note.parent.glob("*.db")):
            tar.add(path, path.name)


FAULTS = ["cut", "empty", "other", "format", "names", "time", "deep", "damaged", "newer", "missing"]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_whole_backup_changes_nothing(backup: Path, fault: str) -> None:
    data = backup.parent / "data"
    whole = backup.read_bytes()
    match fault:
        case "cut":
            backup.write_bytes(whole[:-30_000])
        case "empty":
            backup.write_bytes(b"")
        case "other":
            backup.write_bytes(b"SQLite format 3\0" * 4000)
        case "format":
            rewritten(backup, {"format": 2})
        case "names":
            rewritten(backup, {"databases": {"../state.db": 1}})
        case "time":
            rewritten(backup, {"made_at": float("inf")})
        case "deep":
            with tarfile.open(backup, "w") as tar:
                note = tarfile.TarInfo("backup.json")
                note.size = 100_000
                tar.addfile(note, BytesIO(b"[" * note.size))
        case "damaged":
            backup.write_bytes(whole[:4096] + b"\xa5" * 8192 + whole[12_288:])
        case "newer":
            with closing(sqlite3.connect(data / "state.db")) as connection:
                connection.execute("PRAGMA user_version = 99")
            with pytest.raises(StorageError, match="newer version"):
                back_up(data, backup, START)
            return
        case "missing":
            backup.unlink()
    with pytest.raises(StorageError, match=r"no whole backup|is damaged|cannot be read"):
        restore(backup, DataDir(data), START)
    assert not [path for path in os.listdir(data) if "restored" in path or "replaced" in path]
    assert held(data) == SECOND


def test_a_backup_that_cannot_be_made_leaves_the_one_before(backup: Path) -> None:
    data, whole = backup.parent / "data", backup.read_bytes()
    size = (data / "history.db").stat().st_size
    with (data / "history.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    with pytest.raises(StorageError, match=r"history\.db is damaged"):
        back_up(data, backup, START)
    assert backup.read_bytes() == whole and not list(backup.parent.glob(".backup*"))
    with pytest.raises(StorageError, match=r"neither state\.db nor history\.db"):
        back_up(backup.parent / "nowhere", backup, START)
    with pytest.raises(StorageError, match="cannot be written: No such file or directory"):
        back_up(data, backup.parent / "no" / "folder.tar", START)
    with pytest.raises(StorageError, match="is no plain file"):
        back_up(data, data, START)
    for own in ("state.db", "state.db-wal", "alive"):
        (data / "alive").touch()
        with pytest.raises(StorageError, match=r"is the dashboard's own: give the backup another name"):
            back_up(data, data / ".." / "data" / own, START)


@pytest.mark.parametrize("runs", [True, False], ids=["running", "restarted"])
def test_a_damaged_database_is_set_aside_by_the_dashboard_so_that_the_next_backup_succeeds(
    tmp_path: Path, runs: bool
) -> None:
    """Damage that nobody who reads has met: it is the check of the copy that finds it."""
    data, backup = tmp_path / "data", tmp_path / "backup.tar"
    with closing(disk_archive(data)) as archive:
        commit(archive, "log", *range(100, 1_100), text="x" * 500)
        commit(archive, "system", 1)
    with ExitStack() as stack:
        if runs:
            running = stack.enter_context(closing(disk_archive(data)))
            commit(running, "log", 2_000)
        with (data / "history.db").open("r+b") as file:
            file.seek(file.seek(0, 2) // 2)
            file.write(b"\xa5" * 16_384)
        with pytest.raises(
            StorageError, match=r"history\.db is damaged .*: the dashboard sets it aside in a moment, or"
        ):
            back_up(data, backup, START)
        archive = running if runs else stack.enter_context(closing(disk_archive(data)))
        commit(archive, "log", 3_000)
        assert back_up(data, backup, START).sizes.keys() == {"state.db", "history.db"}
        assert len(list(data.glob("history.db.damaged-*Z"))) == 1 and not list(data.glob("*doubted"))
        commit(archive, "log", 3_001)
        assert stored(archive) == [id_of(1), id_of(3_000), id_of(3_001)]


def said(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands, [str(part) for part in arguments], env={"DASHBOARD_DATA_DIR": ""})


def test_the_commands_say_what_they_did_or_why_not(backup: Path) -> None:
    data, other = backup.parent / "data", backup.parent / "other.tar"
    ended = said("backup", other, "--data-dir", data)
    assert ended.exit_code == 0 and re.search(r"other.tar: state.db 0.\d MB, history.db 0.\d MB\n", ended.output)
    (backup.parent / "file.toml").write_text('data_dir = "data"\n')
    ended = said("restore", backup, "--config", backup.parent / "file.toml")
    assert ended.exit_code == 0 and f"{data}: as it was on 2023-11-14 22:13:20 UTC\nwhat was there" in ended.output
    ended = said("backup", other, "--data-dir", backup.parent / "nowhere")
    assert ended.exit_code == 1 and "name the folder with --data-dir" in ended.output
    ended = said("restore", backup.parent / "none", "--data-dir", data)
    assert ended.exit_code == 1 and "none cannot be read: No such file or directory" in ended.output
