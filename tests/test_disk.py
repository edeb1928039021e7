"""One disk under events and points: what happens to one database happens to it alone."""

from __future__ import annotations

import logging
import random
from contextlib import closing
from pathlib import Path

import pytest

from dashboard.diskarchive import DiskArchive
from dashboard.errors import StorageError
from dashboard.events import KEPT
from dashboard.history import History
from dashboard.shelf import Bound
from tests.archives import MS, RESERVE, commit, disk, disk_archive, id_of
from tests.archives import stored as events
from tests.clocks import START, HandClock
from tests.disks import fill, small
from tests.fates import batch, history_on

LOG = frozenset({"log"})
SPAN = (START - 10, START + 1_000)


def values(history: History) -> list[float | None]:
    """Return what is known of a series."""
    points = [stretch.points for stretch in history.read(['doomed_wave{instance="test"}'], *SPAN, 0).stretches]
    return [point[1] for line in points for point in line]


def test_points_and_logs_share_a_file_with_one_writer(tmp_path: Path) -> None:
    clock = HandClock()
    with closing(disk(tmp_path, clock)) as owned:
        archive, history = DiskArchive(owned, clock, dict.fromkeys(KEPT, Bound())), history_on(owned.history, clock)
        history.append(batch(START, 1))
        history.flush()
        commit(archive, "log", 1)
        assert values(history) == [START % 977] and events(archive, types=LOG) == [id_of(1)]
    assert {path.name for path in tmp_path.glob("*.db")} == {"history.db"}


def test_a_damaged_history_is_set_aside_with_one_line_and_nothing_else_is_touched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = HandClock()
    with closing(disk_archive(tmp_path, clock)) as archive:
        commit(archive, "system", 1)
    with closing(disk(tmp_path, clock)) as owned:
        history = history_on(owned.history, clock)
        for number in range(300):
            history.append(batch(START + number, 1))
            history.flush()
        assert len(values(history)) == 300
    path = tmp_path / "history.db"
    path.write_bytes(path.read_bytes()[:4096] + random.Random(7).randbytes(path.stat().st_size - 4096))
    (tmp_path / "alive").touch()
    others = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file != path}
    assert others.keys() >= {"state.db", "alive"}
    with caplog.at_level(logging.WARNING, "dashboard"), closing(disk(tmp_path, clock)) as owned:
        history = history_on(owned.history, clock)
        history.append(batch(START + 400, 1))
        history.flush()
        assert values(history) == [(START + 400) % 977]
        assert len(history.catalogue(())) == 3 and history.trouble() is None
    (line,) = [record.getMessage() for record in caplog.records]
    (aside,) = tmp_path.glob("history.db.damaged-*Z")
    assert line.startswith(f"{path} is damaged (") and line.endswith(f"set aside as {aside}, and a new one is begun")
    assert {name: (tmp_path / name).read_bytes() for name in others} == others


def test_a_full_disk_stores_no_points_until_there_is_room_and_keeps_the_state(tmp_path: Path) -> None:
    """What came meanwhile is not stored; what was before and comes after is."""
    clock = HandClock()
    with small(tmp_path / "disk", "1m") as place, closing(disk(place / "data", clock)) as owned:
        archive, history = DiskArchive(owned, clock, dict.fromkeys(KEPT, Bound())), history_on(owned.history, clock)
        archive.mark(MS)
        assert (place / "data" / "reserve").stat().st_size == RESERVE

        def second(number: int) -> str | None:
            history.append(batch(START + number, 1))
            history.flush()
            with_fault = owned.history.write(lambda _: None).exception(20)
            assert with_fault is None or isinstance(with_fault, StorageError)
            return history.trouble()

        assert second(1) is None
        filler = fill(place)
        troubles = [second(number) for number in range(2, 40)]
        assert troubles[-1] is not None and "the disk is full: free some space" in troubles[-1]
        commit(archive, "system", 1)
        lost = troubles.index(next(trouble for trouble in troubles if trouble)) + 2
        assert len(values(history)) >= lost - 1
        filler.unlink()
        archive.mark(MS)
        assert second(50) is None
        found = values(history)
        assert found[: lost - 1] == [(START + number) % 977 for number in range(1, lost)]
        assert found[-2:] == [None, (START + 50) % 977]
