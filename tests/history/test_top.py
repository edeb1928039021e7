"""What ate the processor, minute by minute."""

from __future__ import annotations

from pathlib import Path

from dashboard.model import Batch, ProcessRow
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
            assert kept.count("top") == 1


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


def test_minutes_of_long_ago_are_let_go(tmp_path: Path) -> None:
    """They are kept for thirty days."""
    with keeping(tmp_path / "history.db") as kept:
        look(kept, T0, ("a", 1.0, 100))
        look(kept, T0 + 60, ("a", 1.0, 100))
        kept.tidy(T0 + 29 * 86_400)
        assert len(kept.history.top(T0, T0 + 60)) == 1
        kept.tidy(T0 + 31 * 86_400)
        assert kept.history.top(T0, T0 + 60) == []
