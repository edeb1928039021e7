"""Samples that come late: found at once, in every tier afterwards, and counted once however often they are sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.tiers import Bounds
from tests.history.keeping import AGES, T0, keeping


def test_late_samples_are_found_at_once_and_are_in_every_tier_afterwards(tmp_path: Path) -> None:
    """Also those from long before this run, where finer tiers have nothing any more."""
    with keeping(tmp_path / "history.db", T0 + 40 * 86_400) as kept:
        now = kept.clock.wall()
        kept.take(now, {"jobs": 1.0})
        kept.tidy(now + 1000)
        for age in (600, 86_400, 5 * 86_400, 35 * 86_400):  # of each tier one
            time = now - age
            kept.take(time, {"jobs": 7.0})
            assert (time // 900 * 900, 7, 7, 7) in kept.points("jobs", time - 900, time + 900, 900)
            kept.tidy(now + 5000)
            assert (time // 900 * 900, 7, 7, 7) in kept.points("jobs", time - 900, time + 900, 900)
            kept.take(time + 1, {"jobs": 9.0})  # into what is rolled up already
            kept.tidy(now + 9000)
            assert (time // 900 * 900, 8, 7, 9) in kept.points("jobs", time - 900, time + 900, 900)


def test_a_sample_that_is_sent_twice_counts_once(tmp_path: Path) -> None:
    """Where samples are kept as collected, one of the same time replaces, and roll-ups follow."""
    with keeping(tmp_path / "history.db") as kept:
        kept.every("jobs", [1.0] * 20)
        kept.tidy(T0 + 5000)
        kept.every("jobs", [3.0] * 10)
        for _ in range(2):
            assert kept.points("jobs", T0, T0 + 60, 60) == [(T0, 2, 1, 3)]
            assert [point[1] for point in kept.points("jobs", T0, T0 + 20)] == [3] * 10 + [1] * 10
            kept.tidy(T0 + 6000)


@pytest.mark.parametrize("age", [86_400, 5 * 86_400, 35 * 86_400])
def test_a_late_sample_that_is_sent_twice_counts_once(tmp_path: Path, age: int) -> None:
    """Also where only roll-ups are left: it is known again for as long as others are kept as collected."""
    with keeping(tmp_path / "history.db", T0 + 40 * 86_400) as kept:
        now, time = kept.clock.wall(), kept.clock.wall() - age
        kept.take(now, {"jobs": 1.0})
        kept.tidy(now + 1000)
        rates = [(time, 5, 5, 5)]
        for turn in range(3):
            kept.take(time, {"jobs": 1.0, "jobs_total": 100.0})
            kept.take(time + 2, {"jobs": 4.0, "jobs_total": 110.0}, interval=2.0)
            if turn:
                kept.take(time + 2, {"jobs": 9.0})  # what is rolled up cannot be taken out again
            for _ in range(2):
                assert kept.points("jobs", time, time + 900, 900) == [(time, 2.5, 1, 4)], turn
                assert kept.points("jobs_total", time, time + 900, 900) == rates
                kept.tidy(kept.clock.wall() + 1000)
        kept.take(time + 3, {"jobs": 1.0})  # beside them
        assert kept.points("jobs", time, time + 900, 900) == [(time, 2, 1, 4)]
        for passed, rows in ((1000, 2), (AGES["raw"] + 1000, 0)):
            kept.tidy(kept.clock.wall() + passed)
            assert kept.count("chunk_late") == rows
        assert kept.points("jobs", time, time + 900, 900) == [(time, 2, 1, 4)]


def test_what_is_sent_again_as_its_samples_are_let_go_counts_once(tmp_path: Path) -> None:
    """What came twice is known by what is there, so nothing is deleted before that was looked at."""
    with keeping(tmp_path / "history.db") as kept:
        kept.take(T0, {"jobs": 1.0})
        kept.take(T0 + 1, {"jobs": 4.0})
        kept.tidy(T0 + 2000)
        kept.take(T0, {"jobs": 1.0})
        kept.tidy(T0 + AGES["raw"] + 5000)
        assert kept.count("chunk_raw") == 0
        assert kept.points("jobs", T0, T0 + 900, 900) == [(T0, 2.5, 1, 4)]


def test_late_samples_are_remembered_in_bounded_room(tmp_path: Path) -> None:
    """Of more, those that came first are forgotten, not what is stored."""
    with keeping(tmp_path / "history.db", T0 + 40 * 86_400, Bounds(AGES, 16 * 600)) as kept:
        now = kept.clock.wall()
        kept.take(now, {"jobs": 1.0})
        kept.tidy(now + 1000)
        for turn in range(3):
            kept.every("jobs", [(at * 7919 + turn) % 1.7 for at in range(60)], begin=now - 86_400 * (2 + turn))
            kept.tidy(kept.clock.wall() + 1000)
        assert kept.count("chunk_late") == 1


def test_a_clock_that_was_never_set_forgets_no_late_samples(tmp_path: Path) -> None:
    """It says 2030 until it is set right: what is sent again after that counts once."""
    begin = T0 + 2 * 86_400
    with keeping(tmp_path / "history.db", begin) as kept:
        kept.take(begin, {"jobs": 1.0})
        kept.tidy(begin + 5_000)
        kept.take(begin - 86_400, {"jobs": 1.0})
        kept.tidy(begin + 9_000)
        rows = kept.count("chunk_late")
        assert rows
        kept.clock.step(4 * 365 * 86_400)
        kept.tidy(kept.clock.wall() + 60)
        assert kept.count("chunk_late") == rows
