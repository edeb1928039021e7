"""The times in which nobody watched: kept over runs and kills, for two years, whatever the disk does meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from dashboard.blind import OFF, SLEPT, UNSTORED, Blind
from dashboard.blindlog import KEEP, BlindLog
from dashboard.errors import StorageError
from tests.archives import disk
from tests.clocks import START, HandClock

EVER = (0.0, START + 10 * KEEP)
SLEEP = Blind(START - 900, START - 600, SLEPT)
NIGHT = Blind(START - 500, START - 100, OFF)


@contextmanager
def opened(folder: Path, clock: HandClock | None = None, last_alive: float | None = None) -> Iterator[BlindLog]:
    clock = clock or HandClock()
    with closing(disk(folder, clock)) as owned:
        log = BlindLog(owned.state, clock, last_alive)
        yield log
        owned.state.write(lambda _: None).exception(20)


def test_times_are_found_by_what_they_touch_in_this_run_and_the_next(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.add(NIGHT)
        log.add(SLEEP)
        assert log.between(*EVER) == [SLEEP, NIGHT]
    with opened(tmp_path) as log:
        log.keep()
        log.add(Blind(START, START + 1, SLEPT))
        log._database.read(lambda _: None)
        assert log.between(START - 700, START - 499) == [SLEEP, NIGHT]
        assert log.between(START - 600, START - 500) == []
        assert log.between(START - 99, START + 9) == [Blind(START, START + 1, SLEPT)]


def test_one_that_goes_on_ends_now_and_over_a_kill_with_the_last_sign_of_life(tmp_path: Path) -> None:
    clock = HandClock()
    with opened(tmp_path, clock) as log:
        log.begin(START, UNSTORED)
        clock.move(9)
        assert log.between(*EVER) == [Blind(START, START + 9, UNSTORED)]
    with opened(tmp_path, clock, last_alive=START + 8) as log:
        log._database.read(lambda _: None)
        assert log.between(*EVER) == [Blind(START, START + 8, UNSTORED)]
        log.begin(START + 9, UNSTORED)
        log.end(Blind(START + 10, START + 11, UNSTORED))  # the clock was set meanwhile
    with opened(tmp_path, clock, last_alive=START + 50) as log:
        log._database.read(lambda _: None)
        assert log.between(*EVER) == [Blind(START, START + 8, UNSTORED), Blind(START + 10, START + 11, UNSTORED)]


def test_what_a_disk_does_not_take_is_known_and_written_as_soon_as_it_does(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.touch()
    clock = HandClock()
    with closing(disk(folder, clock)) as owned:
        log = BlindLog(owned.state, clock, None)
        log.add(SLEEP)
        log.begin(START, UNSTORED)
        with pytest.raises(StorageError):
            owned.state.read(lambda _: None)
        assert log.between(*EVER) == [SLEEP, Blind(START, START, UNSTORED)]
        folder.unlink()
        log.keep()
        owned.state.write(lambda _: None).result(20)
        log.keep()
    with opened(folder, last_alive=START + 3) as log:
        log._database.read(lambda _: None)
        assert log.between(*EVER) == [SLEEP, Blind(START, START + 3, UNSTORED)]


def test_a_file_that_is_lost_in_use_is_given_what_is_known(tmp_path: Path) -> None:
    with opened(tmp_path) as log:
        log.add(SLEEP)
        log._database.read(lambda _: None)
        log.begin(START - 5, UNSTORED)
        for ending in ("", "-wal", "-shm"):
            (tmp_path / f"state.db{ending}").unlink(missing_ok=True)
        log.add(NIGHT)
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        rows = connection.execute("SELECT * FROM blind ORDER BY start").fetchall()
    assert rows == [SLEEP, NIGHT, (START - 5, None, UNSTORED)]


def test_times_are_kept_for_two_years(tmp_path: Path) -> None:
    clock = HandClock()
    with opened(tmp_path, clock) as log:
        log.add(SLEEP)
        clock.move(KEEP - 700)
        log.add(NIGHT)
        assert log.between(*EVER) == [SLEEP, NIGHT]
        clock.move(200)
        log.add(SLEEP._replace(start=clock.wall() - 9, end=clock.wall()))
        assert [blind.start for blind in log.between(*EVER)] == [NIGHT.start, clock.wall() - 9]
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        assert connection.execute("SELECT count(*) FROM blind").fetchone() == (2,)


def test_a_clock_that_was_never_set_costs_no_times_and_tells_of_none_to_come(tmp_path: Path) -> None:
    """It says 2030 until it is set right: what it had between two runs is no time at all."""
    with opened(tmp_path) as log:
        log.add(SLEEP)
    clock = HandClock(START + 2 * KEEP)
    with opened(tmp_path, clock) as log:
        log.add(Blind(START, clock.wall(), OFF))
        log._database.read(lambda _: None)
        clock.step(-2 * KEEP)
        assert log.between(*EVER) == [SLEEP]
    with opened(tmp_path, clock) as log:
        log._database.read(lambda _: None)
        assert log.between(*EVER) == [SLEEP]
        clock.move(3_700)
        log.keep()
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        assert connection.execute("SELECT * FROM blind").fetchall() == [SLEEP]
