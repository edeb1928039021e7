"""Kills of programs that store, by the dozen: never the file, never what was sure, at most two seconds of points."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 900.0


KILLS = re.compile(r"(\d+) kills, (\d+) of which left points, at most [012]\.\d\d s lost\n")


def survived(scenario: str, folder: Path, count: int = 0) -> str:
    """Run a scenario of `tests.doomed`; return what it says."""
    command = [sys.executable, "-W", "error", "-m", "tests.doomed", scenario, str(folder), str(count)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    print(ended.stdout)
    return ended.stdout


@pytest.mark.fault
def test_a_kill_at_any_step_of_a_migration_loses_nothing(tmp_path: Path) -> None:
    assert survived("migrations", tmp_path) == "15 places\n"


@pytest.mark.fault
def test_a_kill_at_any_step_of_storing_compacting_and_trimming_changes_no_point(tmp_path: Path) -> None:
    assert int(survived("boundaries", tmp_path).partition(" ")[0]) > 24


@pytest.mark.fault
def test_fifty_kills_at_random_moments_take_two_seconds_of_points_each_at_most(tmp_path: Path) -> None:
    """They run side by side, each with a folder of its own, for up to four seconds."""
    kills = KILLS.fullmatch(survived("together", tmp_path, 50))
    assert kills is not None and kills[1] == "50" and int(kills[2]) >= 25


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.timeout(PATIENCE)
def test_five_hundred_kills_at_random_moments_take_two_seconds_of_points_each_at_most(tmp_path: Path) -> None:
    kills = KILLS.fullmatch(survived("together", tmp_path, 500))
    assert kills is not None and kills[1] == "500" and int(kills[2]) >= 250
