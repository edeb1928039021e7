"""What ate the processor, minute by minute."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dashboard.model import Batch, ProcessRow, Program
from tests.history.keeping import T0, Keeping, keeping


def look(kept: Keeping, time: float, *rows: tuple[str, float, int]) -> None:
    found = tuple(
        ProcessRow(pid=at, name=name, user="u", cpu_ratio=cpu, resident_bytes=resident)
        for at, (name, cpu, resident) in enumerate(rows)
    )
    kept.history.append(Batch("h/processes", time, 5.0, {"instance": "h"}, {}, found))


def test_a_minute_is_told_by_name_with_averages_and_peaks(tmp_path: Path) -> None:
    """The same before and after it is stored; processes of one name count together."""
    with keeping(tmp_path / "history.db") as kept:
        look(kept, T0, ("cc1plus", 0.9, 100), ("cc1plus", 0.7, 300), ("sshd", 0.0, 50))
        look(kept, T0 + 30, ("sshd", 0.1, 50), ("db", 0.2, 5000))
        for _ in range(2):
            (minute,) = kept.history.top(T0 + 10, T0 + 20)
            assert minute.start == T0
            assert [busy.name for busy in minute.by_cpu] == ["cc1plus", "db", "sshd"]
            assert [busy.name for busy in minute.by_memory] == ["db", "cc1plus", "sshd"]
            assert tuple(minute.by_cpu[0]) == ("cc1plus", 0.8, 1.6, 200, 400, 2)
            look(kept, T0 + 61, ("sshd", 0.1, 50))
            kept.write()
            assert kept.count("top") == 2


def test_a_minute_keeps_ten_by_processor_and_ten_by_memory(tmp_path: Path) -> None:
    """Who takes most of the one need not take any of the other."""
    with keeping(tmp_path / "history.db") as kept:
        rows = [(f"busy{n}", 1.0 - n / 100, 1) for n in range(30)] + [(f"big{n}", 0.0, 1000 - n) for n in range(30)]
        look(kept, T0, *rows)
        look(kept, T0 + 60, ("later", 0.1, 1))
        kept.write()
        minute, _ = kept.history.top(T0, T0 + 61)
        assert [busy.name for busy in minute.by_cpu] == [f"busy{n}" for n in range(10)]
        assert [busy.name for busy in minute.by_memory] == [f"big{n}" for n in range(10)]


def test_a_minute_in_which_the_program_was_started_anew_is_one(tmp_path: Path) -> None:
    """Both parts count by how often was looked."""
    with keeping(tmp_path / "history.db") as kept:
        for at in range(3):
            look(kept, T0 + 5 * at, ("a", 1.0, 100))
    with keeping(tmp_path / "history.db") as kept:
        look(kept, T0 + 40, ("a", 0.0, 500), ("b", 0.4, 1))
        look(kept, T0 + 60, ("a", 1.0, 100))
        kept.write()
        (minute,) = kept.history.top(T0, T0 + 60)
        assert minute.by_cpu == (("a", 0.75, 1.0, 200, 500, 1), ("b", 0.1, 0.4, 0.25, 1, 1))


def test_a_kill_takes_nothing_that_was_written_of_a_minute_that_goes_on(tmp_path: Path) -> None:
    """It is written again and again, and counts once; so does what runs before this one had written of it."""
    path = tmp_path / "0.db"
    for run in range(3):
        with keeping(path) as kept:
            for at in range(2):
                look(kept, T0 + 10 * run + 2 * at, ("a", 0.5 + run, 100), (f"run {run}", 0.1, 1))
                kept.write()
                (minute,) = kept.history.top(T0, T0 + 60)
                seen = {busy.name: busy for busy in minute.by_cpu}
                assert seen["a"].cpu_max == 0.5 + run and seen["a"].resident == pytest.approx(100)
            left = tmp_path / f"{run + 1}.db"  # as a kill leaves it now
            for file in tmp_path.glob(f"{path.name}*"):
                shutil.copy(file, file.with_name(file.name.replace(path.name, left.name)))
        path = left
    with keeping(path) as kept:
        (minute,) = kept.history.top(T0, T0 + 60)
        found = {busy.name: round(busy.cpu, 3) for busy in minute.by_cpu}
        assert found == {"a": 1.5, "run 0": 0.033, "run 1": 0.033, "run 2": 0.033}


def test_a_minute_that_comes_twice_is_one(tmp_path: Path) -> None:
    """The clock was set back to it: what was written of it before counts, too."""
    with keeping(tmp_path / "history.db") as kept:
        for time, cpu in ((T0, 1.0), (T0 + 60, 7.0), (T0 + 1, 0.5), (T0 + 60, 7.0), (T0 + 2, 0.0)):
            look(kept, time, ("a", cpu, 100))
            kept.write()
        for _ in range(2):
            assert [minute.by_cpu[0].cpu for minute in kept.history.top(T0, T0 + 61)] == [0.5, 7.0]
            kept.write()


def test_a_clock_that_was_never_set_costs_no_minutes(tmp_path: Path) -> None:
    """It says 2030 until it is set right a minute later: a day is all that it takes, as of points."""
    with keeping(tmp_path / "history.db") as kept:
        for day in range(5):
            look(kept, T0 + day * 86_400, ("a", 1.0, 100))
        kept.tidy(T0 + 5 * 86_400)
    with keeping(tmp_path / "history.db", T0 + 4 * 365 * 86_400) as kept:
        kept.tidy(kept.clock.wall() + 60)
        assert len(kept.history.top(T0 + 86_400, T0 + 5 * 86_400)) == 4
        kept.tidy(kept.clock.wall() + 4_000)
        assert not kept.history.top(T0, T0 + 5 * 86_400)


def test_minutes_wait_for_a_disk_that_was_lost(tmp_path: Path) -> None:
    """A new file has all of the minute that goes on, and nothing of it twice."""
    with keeping(tmp_path / "history.db") as kept:
        look(kept, T0, ("a", 1.0, 100))
        kept.write()
        (tmp_path / "history.db").unlink()
        look(kept, T0 + 2, ("a", 0.5, 100))
        kept.write()
        kept.write()
        assert kept.history.top(T0, T0 + 60)[0].by_cpu == (("a", 0.75, 1.0, 100, 100, 1),)
        assert kept.count("top") == 1


def test_what_all_processes_take_by_name_is_what_counts(tmp_path: Path) -> None:
    """Rows are only the top ones of them."""
    with keeping(tmp_path / "history.db") as kept:
        row = ProcessRow(1, "big", "u", 0.06, 10)
        programs = (Program("php-fpm", 2.0, 4000, 40), Program("big", 0.06, 10, 1))
        kept.history.append(Batch("h/processes", T0, 2.0, {}, {}, (row,), programs))
        (minute,) = kept.history.top(T0, T0 + 60)
        assert minute.by_cpu == (("php-fpm", 2.0, 2.0, 4000, 4000, 40), ("big", 0.06, 0.06, 10, 10, 1))


def test_a_name_that_comes_last_of_very_many_counts(tmp_path: Path) -> None:
    with keeping(tmp_path / "history.db") as kept:
        look(kept, T0, *((f"small{n}", 0.001, n) for n in range(3_000)), ("cc1plus", 0.9, 1))
        (minute,) = kept.history.top(T0, T0 + 60)
        assert minute.by_cpu[0].name == "cc1plus" and minute.by_memory[0].name == "small2999"


def test_minutes_of_long_ago_are_let_go(tmp_path: Path) -> None:
    """They are kept for thirty days."""
    with keeping(tmp_path / "history.db") as kept:
        look(kept, T0, ("a", 1.0, 100))
        look(kept, T0 + 60, ("a", 1.0, 100))
        kept.tidy(T0 + 29 * 86_400)
        assert len(kept.history.top(T0, T0 + 60)) == 1
        kept.tidy(T0 + 31 * 86_400)
        assert kept.history.top(T0, T0 + 60) == []
