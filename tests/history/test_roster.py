"""Series that come and go: how many are known, and that none is ever taken for another."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from dashboard.config import Settings
from dashboard.history import kept as kept_by
from dashboard.history.roster import LAST_ID
from dashboard.tiers import Bounds
from tests.history.keeping import AGES, PATIENCE, T0, Keeping, keeping


def names(kept: Keeping) -> list[str]:
    return [known.text for known in kept.history.catalogue([])]


def test_of_too_many_series_those_that_ended_first_are_forgotten_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bounds = Bounds(AGES, 1 << 30, series=5)
    with keeping(tmp_path / "history.db", bounds=bounds) as kept, caplog.at_level(logging.WARNING):
        for at in range(5):
            kept.take(T0 + at, {f"request{at}": 1.0})
        kept.tidy(T0 + 1_000)
        assert len(names(kept)) == 5 and not caplog.messages
        for at in range(5, 8):
            kept.take(T0 + at, {f"request{at}": 1.0})
        kept.tidy(T0 + 2_000)
        assert names(kept) == [f"request{at}" for at in range(3, 8)]
        kept.take(T0 + 8, {"request8": 1.0})
        kept.tidy(T0 + 3_000)
        assert names(kept) == [f"request{at}" for at in range(4, 9)]
        assert kept.points("request7", T0, T0 + 10) == [(T0 + 7, 1.0, 1.0, 1.0)]
        (said,) = caplog.messages
        assert "3 series that ended first are forgotten" in said and "5 are known at most" in said


def test_no_series_that_goes_on_is_forgotten_however_many_may_be_live() -> None:
    """As many again have room that ended."""
    assert kept_by(Settings()).series == 100_000
    assert kept_by(Settings(max_series=150_000)).series == 300_000


def test_series_for_which_no_number_is_left_are_not_stored_and_take_no_others_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with keeping(tmp_path / "history.db") as kept:
        kept.take(T0, {"old": 1.0})
        kept.write()
        kept.database.write(
            lambda connection: connection.execute("UPDATE sqlite_sequence SET seq = ?", (LAST_ID - 1,))
        ).result(PATIENCE)
    with keeping(tmp_path / "history.db") as kept:
        for at in range(1, 20):
            kept.take(T0 + at, {"new": 7.0, "last": 2.0, "old": 1.0, f"newer{at}": 8.0})
        for now in (T0 + 20, T0 + 5_000, T0 + 90_000):
            assert names(kept) == ["new", "old"]
            assert {point[1] for point in kept.points("old", T0, T0 + 20)} == {1.0}
            assert {point[1] for point in kept.points("new", T0 + 1, T0 + 20)} == {7.0}
            kept.tidy(now)
        (said,) = [said for said in caplog.messages if "no number is left" in said]
        assert "last" in said
