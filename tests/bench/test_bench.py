"""Each command of `python -m bench` runs for a moment with little load and prints its table; no number is judged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def bench(*arguments: str) -> tuple[list[dict[str, str]], str]:
    """Run `python -m bench ARGUMENTS`; return its table's rows by column, and all that it printed."""
    command = [sys.executable, "-m", "bench", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    columns, _, *rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in done.stdout.splitlines() if line[:1] == "|"
    ]
    return [dict(zip(columns, row, strict=True)) for row in rows], done.stdout


@pytest.mark.parametrize(("feed", "seconds"), [("overview", "1"), pytest.param("fixed", "3", marks=pytest.mark.long)])
def test_fanout_tells_what_a_delivered_event_costs(feed: str, seconds: str) -> None:
    """One row for each feed and number of viewers; every viewer was sent something and nothing was lost."""
    rows, text = bench("fanout", "--feed", feed, "--n", "3", "--seconds", seconds)
    assert [(row["feed"], row["viewers"]) for row in rows] == [(feed, "3")]
    assert float(rows[0]["events"]) > 0 and float(rows[0]["writes"]) > 0
    assert rows[0]["lost"] == "0"
    assert f"Command: `python -m bench fanout --feed {feed} --n 3 --seconds {seconds}`" in text
    if feed == "fixed":  # what makes the rows of different versions comparable stays what it says it is
        assert 0.6 <= float(rows[0]["events"]) <= 1.4
        assert 1400 <= float(rows[0]["bytes / event"].replace(",", "")) <= 1650


@pytest.mark.long
def test_fanout_shows_peers_beside_us() -> None:
    """Each peer that this machine has sent its events to every viewer; who is missing is named."""
    rows, text = bench("fanout", "--peers", "--n", "3", "--seconds", "1", "--rounds", "1")
    assert {"dashboard", "dashboard, fast_writer = false", "bare asyncio"} <= {row["server"] for row in rows}
    assert len(rows) + text.count("Missing: ") == 6
    assert all(row["delivered"] == "100.00 %" for row in rows)


@pytest.mark.long
def test_resume_tells_how_soon_all_are_back_and_what_they_lost() -> None:
    """After either end of the server every viewer has every notification, once and in order."""
    rows, _ = bench("resume", "--n", "3")
    assert [(row["end"], row["lost"], row["out of order or twice"]) for row in rows] == [
        ("SIGTERM", "0", "0"),
        ("kill -9", "0", "0"),
    ]


@pytest.mark.long
def test_collect_shows_the_dashboard_beside_an_idle_netdata(need: Callable[[str], Path]) -> None:
    """Two programs over the same window, and the ratio of the two."""
    need("netdata")
    rows, text = bench("collect", "--viewers", "2", "--seconds", "1", "--windows", "1")
    assert [row["program"].split()[0] for row in rows] == ["dashboard,", "Netdata", "ratio,"]
    assert all(float(row["RSS MB"]) > 0 for row in rows)
    assert "cores" in text and "Python" in text


@pytest.mark.parametrize("canvas", ["software", pytest.param("gpu", marks=pytest.mark.long)])
def test_charts_tells_what_live_charts_cost_the_main_thread(canvas: str, need: Callable[[str], Path]) -> None:
    """A few charts in a real Chromium: all of them move."""
    need("chromium")
    rows, _ = bench("charts", "--charts", "3", "--lines", "2", "--seconds", "1", "--canvas", canvas)
    assert [(row["canvas by"], row["charts that moved"]) for row in rows] == [(canvas, "3 of 3")]
    assert all(row["main thread, % of a core"].endswith(" %") for row in rows)
