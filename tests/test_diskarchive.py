"""The archive on disk: kills, full disks, damage, other processes, set clocks; nothing committed goes unsaid."""

from __future__ import annotations

import logging
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dashboard.archive import Archive
from dashboard.config import Settings
from dashboard.diskarchive import bounds_of
from dashboard.errors import StorageError
from dashboard.eventlog import EventId
from dashboard.events import KEPT
from dashboard.shelf import Bound
from tests.archives import (
    ALL,
    MS,
    PATIENCE,
    RESERVE,
    all_of,
    commit,
    disk_archive,
    entries,
    entry,
    event_of,
    id_of,
    stored,
)
from tests.clocks import START, HandClock
from tests.disks import fill, remount, small

ROOT = Path(__file__).parents[1]
STATE = frozenset({"task", "notification", "system"})


def test_nothing_is_written_before_the_first_event(tmp_path: Path) -> None:
    with closing(disk_archive(tmp_path / "data")) as archive:
        assert archive.newest() == EventId(MS, 0)
        assert not (tmp_path / "data").exists()


def test_logs_and_the_rest_lie_apart(tmp_path: Path) -> None:
    with closing(disk_archive(tmp_path)) as archive:
        commit(archive, "log", 1)
        assert stored(archive) == [id_of(1)]
        commit(archive, "system", 2)
    for name, types in (("history.db", ["log"]), ("state.db", ["system"])):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            assert [type for (type,) in connection.execute("SELECT type FROM event")] == types


def test_a_restart_finds_what_was_there_and_begins_above_it(tmp_path: Path) -> None:
    with closing(disk_archive(tmp_path)) as archive:
        commit(archive, "log", 1, 2)
        commit(archive, "system", 41)
    clock = HandClock(START - 86_400)
    with closing(disk_archive(tmp_path, clock)) as archive:
        assert archive.newest() == id_of(41)
        assert archive.floors() == dict.fromkeys(KEPT, EventId(MS, 0))
        assert stored(archive) == [id_of(1), id_of(2), id_of(41)]
        archive.mark(MS + 15_000)
    with closing(disk_archive(tmp_path, clock)) as archive:
        assert archive.newest() == EventId(MS + 15_000, 0)
    for lost in ("state.db", "history.db"):
        (tmp_path / lost).unlink()
        with closing(disk_archive(tmp_path, clock)) as archive:
            assert archive.newest() == EventId(MS + 15_000, 0)
            archive.mark(0)


def test_the_mark_of_an_earlier_version_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "id-mark").write_text(f"{MS + 5}\n")
    with closing(disk_archive(tmp_path)) as archive:
        assert archive.newest() == EventId(MS + 5, 0)
        archive.mark(MS + 7)
    assert not (tmp_path / "id-mark").exists()
    with closing(disk_archive(tmp_path)) as archive:
        assert archive.newest() == EventId(MS + 7, 0)


def test_what_is_gone_with_its_file_is_below_the_floors(tmp_path: Path) -> None:
    with closing(disk_archive(tmp_path)) as archive:
        commit(archive, "log", 1, 2)
        commit(archive, "system", 3)
    (tmp_path / "state.db").unlink()
    with closing(disk_archive(tmp_path, HandClock(START + 60))) as archive:
        floors = archive.floors()
        assert floors["log"] == EventId(MS, 0)
        assert all(floors[type] == EventId(MS + 60_000, 0) for type in STATE)
        commit(archive, "system", 400_000)
        assert archive.floors() == floors


def test_logs_are_bounded_by_bytes_and_the_file_with_them(tmp_path: Path) -> None:
    bounds = {"log": Bound(bytes=200_000)}
    with closing(disk_archive(tmp_path, bounds=bounds)) as archive:
        for first in range(1, 10_000, 500):
            commit(archive, "log", *range(first, first + 500), text="x" * 200)
        left, floor = stored(archive), archive.floors()["log"]
        held = sum(len(row.data) for row in all_of(archive))
    assert left[0] > floor >= left[0]._replace(seq=0, ms=left[0].ms - 1) and left[-1] == id_of(10_000)
    assert 100_000 < held < 200_000
    assert (tmp_path / "history.db").stat().st_size < 600_000
    with closing(disk_archive(tmp_path, bounds=bounds)) as archive:
        assert archive.floors()["log"] == floor and stored(archive) == left


def test_events_are_bounded_by_age(tmp_path: Path) -> None:
    clock = HandClock()
    with closing(disk_archive(tmp_path, clock, {"log": Bound(age=3_660), "system": Bound(age=4_200)})) as archive:
        commit(archive, "log", 1, 2)
        commit(archive, "system", 3)
        clock.move(3_690)
        commit(archive, "log", 400_000)
        archive.mark(MS)
        assert stored(archive) == [id_of(3), id_of(400_000)]
        assert archive.floors()["log"] == id_of(2) and archive.floors()["system"] == EventId(MS, 0)
        clock.step(-86_400)
        archive.mark(MS)
        assert stored(archive) == [id_of(3), id_of(400_000)]


def test_a_clock_that_was_never_set_costs_no_events(tmp_path: Path) -> None:
    """It says 2030 until it is set right; an hour later it is believed."""
    clock = HandClock(START + 4 * 365 * 86_400)
    with closing(disk_archive(tmp_path, clock, {"log": Bound(age=60), "system": Bound(age=600)})) as archive:
        commit(archive, "log", 1)
        commit(archive, "system", 2)
        archive.mark(MS)
        clock.step(-4 * 365 * 86_400)
        archive.mark(MS)
        assert stored(archive) == [id_of(1), id_of(2)]
        clock.move(3_700)
        archive.mark(MS)
        assert stored(archive) == []


@pytest.mark.parametrize("length", [20, 300, 1_200, 20_000])
def test_the_file_is_hardly_larger_than_the_bound_however_long_the_lines_are(tmp_path: Path, length: int) -> None:
    with closing(disk_archive(tmp_path, bounds={"log": Bound(bytes=1_000_000)})) as archive:
        for first in range(1, 3_000_000 // (length + 200), 5):
            commit(archive, "log", *range(first, first + 5), text="x" * length)
        assert archive.floors()["log"] > EventId(MS, 0)
    assert 800_000 < (tmp_path / "history.db").stat().st_size < 1_200_000


def test_a_lowered_bound_gives_its_room_back(tmp_path: Path) -> None:
    with closing(disk_archive(tmp_path)) as archive:
        commit(archive, "log", *range(1, 4_000), text="x" * 3_000)
    assert (tmp_path / "history.db").stat().st_size > 10_000_000
    with closing(disk_archive(tmp_path, bounds={"log": Bound(count=100)})) as archive:
        for ms in range(10):
            archive.mark(ms)
        assert 90 < len(stored(archive)) <= 100
    assert (tmp_path / "history.db").stat().st_size < 6_000_000


def test_the_settings_bound_every_kept_type() -> None:
    bounds = bounds_of(Settings(keep_log_bytes=1, keep_log_age=2.0, keep_events=3, keep_events_age=4.0))
    assert bounds == {"log": Bound(bytes=1, age=2)} | dict.fromkeys(STATE, Bound(count=3, age=4))


def test_a_second_dashboard_on_the_folder_stores_nothing_until_the_first_has_ended(tmp_path: Path) -> None:
    first, second = disk_archive(tmp_path), disk_archive(tmp_path)
    with closing(first):
        commit(first, "system", 1)
        with pytest.raises(StorageError, match="in use by another dashboard") as refused:
            second.commit([*entries("system", [2]), *entries("log", [3])]).result(PATIENCE)
        assert refused.value.types == {"system", "log"}
        with pytest.raises(StorageError):
            stored(second)
    with closing(second):
        commit(second, "system", 4)
        assert stored(second) == [id_of(1), id_of(4)]


@pytest.mark.parametrize("place", ["start", "middle", "everywhere"])
@pytest.mark.parametrize("name", ["state.db", "history.db"])
def test_a_damaged_file_is_set_aside_and_what_it_held_told_gone(
    tmp_path: Path, name: str, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    types = STATE if name == "state.db" else frozenset({"log"})
    with closing(disk_archive(tmp_path)) as archive:
        archive.commit([entry(n, event_of(type, "x" * 99)) for type in sorted(KEPT) for n in range(1, 900)]).result(
            PATIENCE
        )
    size = (tmp_path / name).stat().st_size
    begin, length = {"start": (0, 4096), "middle": (size // 2 // 4096 * 4096, 8192), "everywhere": (100, size)}[place]
    with (tmp_path / name).open("r+b") as file:
        file.seek(begin)
        file.write(random.Random(7).randbytes(min(length, size - begin)))
    with closing(disk_archive(tmp_path, HandClock(START + 60))) as archive:
        found = stored(archive, types=types)  # what lies before the damage may still be given
        floors = archive.floors()
        assert found != [id_of(n) for n in range(1, 900)] and stored(archive, types=types) == []
        assert all(floors[type] >= id_of(899) for type in types)
        assert stored(archive, types=ALL - types) and all(floors[type] == EventId(MS, 0) for type in ALL - types)
        for type in ALL:
            commit(archive, type, 400_000 + len(type))
        assert len(stored(archive, 300_000)) == len(ALL)
    assert len(list(tmp_path.glob(f"{name}.damaged-*Z"))) == 1
    assert f"{name} is damaged" in caplog.text and "set aside as" in caplog.text


def test_one_event_that_is_not_what_was_written_is_told_gone_and_its_neighbours_are_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(disk_archive(tmp_path)) as archive:
        for number in range(1, 6):
            commit(archive, "notification", number, text=f"notice {number}")
    text = (tmp_path / "state.db").read_bytes()
    assert text.count(b"notice 3") == 1
    (tmp_path / "state.db").write_bytes(text.replace(b"notice 3", b"notice\n3"))
    with closing(disk_archive(tmp_path)) as archive:
        assert [row.id for row in archive.read(id_of(0), id_of(9), ALL, 3)] == [id_of(1), id_of(2), id_of(4)]
        assert archive.floors()["notification"] == id_of(3)
        commit(archive, "notification", 6)
        assert stored(archive) == [id_of(1), id_of(2), id_of(4), id_of(5), id_of(6)]
    assert caplog.text.count("1 events are damaged and were dropped") == 1
    with closing(disk_archive(tmp_path)) as archive:
        assert archive.floors()["notification"] == id_of(3)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one megabyte."""
    with small(tmp_path / "disk", "1m") as disk:
        yield disk


def test_a_full_disk_takes_the_state_for_a_while_and_everything_again_when_there_is_room(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = small_disk / "data"
    done: list[int] = []
    with caplog.at_level(logging.WARNING, "dashboard"), closing(disk_archive(folder)) as archive:
        commit(archive, "system", 1)
        archive.mark(MS)
        commit(archive, "log", 2)
        assert (folder / "reserve").stat().st_size == RESERVE
        filler = fill(small_disk)

        with pytest.raises(StorageError, match=r"history.db cannot be written, the disk is full: free some") as refused:
            commit(archive, "log", *range(10, 60), text="x" * 1000)
        assert refused.value.types == {"log"}
        with pytest.raises(StorageError, match=r"state.db cannot be written, the disk is full: free some") as refused:
            done.extend(until_refused(archive))
        assert refused.value.types == {"notification"}
        assert len(done) > 10 and not (folder / "reserve").exists()
        with pytest.raises(StorageError, match="points and logs are not stored, for the disk is nearly full"):
            commit(archive, "log", 3)
        assert stored(archive) == [id_of(1), id_of(2), *(id_of(n) for n in done)]

        filler.unlink()
        commit(archive, "notification", 6_000)
        archive.mark(MS)
        assert (folder / "reserve").stat().st_size == RESERVE
        commit(archive, "log", 6_001)
        expected = [id_of(n) for n in (1, 2, *done, 6_000, 6_001)]
        assert stored(archive) == expected
    assert caplog.text.count("the disk is full") == 2
    assert caplog.text.count("is written again") == 2
    with closing(disk_archive(folder)) as archive:
        assert stored(archive) == expected


def test_what_is_on_a_full_disk_can_be_read_by_a_program_that_is_started_on_it(small_disk: Path) -> None:
    with closing(disk_archive(small_disk / "data")) as archive:
        commit(archive, "system", 1)
        archive.mark(MS)
        commit(archive, "log", 2)
    fill(small_disk)
    with closing(disk_archive(small_disk / "data")) as archive:
        assert stored(archive) == [id_of(1), id_of(2)]
        commit(archive, "system", 3)
        with pytest.raises(StorageError, match="points and logs are not stored, for the disk is nearly full"):
            commit(archive, "log", 4)
        assert stored(archive) == [id_of(1), id_of(2), id_of(3)]


def test_a_disk_that_takes_no_writes_is_used_as_soon_as_it_does(small_disk: Path) -> None:
    with closing(disk_archive(small_disk)) as archive:
        commit(archive, "system", 1)
        archive.mark(MS + 9_000)
    remount(small_disk, "ro")
    with closing(disk_archive(small_disk)) as archive:
        assert archive.newest() == EventId(MS + 9_000, 0)
        for type in ("system", "log"):
            with pytest.raises(StorageError, match=r"cannot be written .*make the folder writable"):
                commit(archive, type, 2)
        archive.mark(MS + 10_000)
        remount(small_disk, "rw")
        commit(archive, "system", 40_000)
        commit(archive, "log", 40_001)
        assert stored(archive) == [id_of(1), id_of(40_000), id_of(40_001)]


def test_a_folder_that_cannot_be_made_is_used_as_soon_as_it_can(small_disk: Path) -> None:
    remount(small_disk, "ro")
    with closing(disk_archive(small_disk / "data")) as archive:
        with pytest.raises(StorageError, match=r"Read-only file system.*make the folder writable"):
            commit(archive, "system", 1)
        with pytest.raises(StorageError, match="Read-only file system"):
            stored(archive)
        remount(small_disk, "rw")
        commit(archive, "system", 2)
        assert stored(archive) == [id_of(2)]


def until_refused(archive: Archive) -> Iterator[int]:
    """Commit notices, and yield the number of each that was stored."""
    for number in range(100, 2_000):
        commit(archive, "notification", number, text="x" * 1000)
        yield number


WRITER = """
import sys
from collections import deque
from pathlib import Path
from dashboard.clock import SystemClock
from dashboard.events import KEPT
from dashboard.shelf import Bound
from tests.archives import disk_archive, entry, event_of

archive = disk_archive(Path(sys.argv[1]), SystemClock(), dict.fromkeys(KEPT, Bound()))
number, waiting = int(sys.argv[2]), deque()
while True:
    those = [entry(number + i, event_of(type, str(number + i))) for i, type in enumerate(("log", "system", "task"), 1)]
    number += len(those)
    waiting.append((archive.commit(those), number))
    if len(waiting) > 20:
        future, last = waiting.popleft()
        future.result()
        print(last, flush=True)
"""


def killed(folder: Path, begin: int, lines: int) -> int:
    """Run a program that commits numbers above `begin`, end it after some lines; return the last one it was sure of."""
    command = [sys.executable, "-c", WRITER, str(folder), str(begin)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(lines):
            assert process.stdout.readline(), "it ended by itself"
        process.send_signal(signal.SIGKILL)
        seen = re.findall(r"^\d+\n", process.stdout.read(), re.MULTILINE)
        last = int(seen[-1]) if seen else 0
    assert process.returncode == -signal.SIGKILL
    return last


def no_kill_loses_what_was_done(folder: Path, kills: int) -> None:
    chance = random.Random(kills)
    sure: set[int] = set()
    begin = 0
    for _ in range(kills):
        last = killed(folder, begin, chance.randrange(1, 60))
        sure |= {n for n in range(begin + 1, last + 1) if (n - begin) % 3 != 0}
        with closing(disk_archive(folder, bounds=dict.fromkeys(KEPT, Bound()))) as archive:
            assert archive.newest() >= id_of(last)
            found = all_of(archive)
            ids = [row.id for row in found]
            assert ids == sorted(set(ids))
            assert {id_of(n) for n in sure} <= set(ids)
            (task,) = (row.id for row in found if row.type == "task")
            assert task >= id_of(last)
            begin = (ids[-1].ms - MS) * 4 + ids[-1].seq
    assert not list(folder.glob("*damaged*"))


def test_a_kill_loses_nothing_that_was_done(tmp_path: Path) -> None:
    no_kill_loses_what_was_done(tmp_path, 8)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_hundreds_of_kills_lose_nothing_that_was_done(tmp_path: Path) -> None:
    no_kill_loses_what_was_done(tmp_path, 200)


def test_an_archive_is_open_to_its_owner_alone(tmp_path: Path) -> None:
    with closing(disk_archive(tmp_path)) as archive:
        commit(archive, "log", 1)
        commit(archive, "system", 2)
        archive.mark(MS)
        assert {name: (tmp_path / name).stat().st_mode & 0o077 for name in os.listdir(tmp_path)} == dict.fromkeys(
            os.listdir(tmp_path), 0
        )
