"""What comes in is found at once and for as long as is promised, whatever it lies in by then."""

from __future__ import annotations

import logging
import math
import random
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.errors import StorageError, TotalsGone
from dashboard.model import Batch
from dashboard.selector import Selector
from dashboard.tiers import Bounds
from tests.history.keeping import AGES, FOR_EVER, PATIENCE, T0, keeping


def test_a_sample_is_found_the_moment_it_is_taken_and_after_each_step_of_its_way(tmp_path: Path) -> None:
    """Unwritten, in the journal, in chunks, after a restart: the answer is the same."""
    values = [round(0.1 * (at % 7), 1) for at in range(1000)]
    with keeping(tmp_path / "history.db") as kept:
        kept.every("cpu_ratio", values)
        expected = [(T0 + at, value, value, value) for at, value in enumerate(values)]
        assert kept.points("cpu_ratio", T0, T0 + 1000) == expected
        kept.write()
        assert kept.points("cpu_ratio", T0, T0 + 1000) == expected
        kept.tidy(T0 + 1000)
        assert kept.count("chunk_raw") == 1 and kept.count("journal") == 1  # what is younger than its span stays
        assert kept.points("cpu_ratio", T0, T0 + 1000) == expected
    with keeping(tmp_path / "history.db") as kept:
        assert kept.points("cpu_ratio", T0 + 890, T0 + 910) == expected[890:910]
        (known,) = kept.history.catalogue([Selector.parse("cpu_*")])
        assert (known.text, known.first, known.last, known.interval) == ("cpu_ratio", T0, (T0 + 999, values[-1]), 1.0)


def test_whoever_asks_meanwhile_sees_all_that_was_taken_by_then(tmp_path: Path) -> None:
    """Writing, compaction and rolling up go on: no answer lacks a sample, or has one twice, at any tier."""
    with keeping(tmp_path / "history.db", bounds=FOR_EVER) as kept:
        taken, done, faults = T0, threading.Event(), list[str]()

        def ask() -> None:
            while not done.is_set():
                least = taken
                for step in (1, 10, 60, 900):
                    for key, low, high in (("a", 3, 3), ("n_total", 2, 2)):
                        points = kept.points(key, T0, T0 + 90_000, step)
                        seconds = sum(point[1] is not None for point in points) * step
                        if {point[2:] for point in points} - {(low, high), (None, None)} or seconds < least - T0 - 1:
                            faults.append(f"{key} at {step}: {seconds} of {least - T0}")

        asking = [threading.Thread(target=ask) for _ in range(2)]
        for thread in asking:
            thread.start()
        for at in range(20):
            for second in range(at * 300, at * 300 + 300):
                kept.take(T0 + second, {"a": 3.0, "n_total": 2.0 * second})
                taken = T0 + second
            kept.tidy(T0 + at * 300 + 300)
        done.set()
        for thread in asking:
            thread.join(PATIENCE)
        assert faults == []


def test_a_counter_whose_interval_changes_before_it_is_rolled_up_keeps_its_rates(tmp_path: Path) -> None:
    """Ten minutes of samples 10 s apart, then some a second apart."""
    with keeping(tmp_path / "history.db") as kept:
        kept.every("bytes_total", [50.0 * at for at in range(60)], apart=10.0)
        kept.every("bytes_total", [3000.0 + 5 * at for at in range(300)], begin=T0 + 600)
        for _ in range(2):
            assert kept.points("bytes_total", T0 + 60, T0 + 840, 60) == [(T0 + 60 * at, 5, 5, 5) for at in range(1, 14)]
            kept.tidy(T0 + 4000)
        assert kept.points("bytes_total", T0, T0 + 30, raw=True) == [(T0 + 10 * at, *[50 * at] * 3) for at in range(3)]


def test_totals_that_are_gone_are_refused_with_when_they_begin_and_no_rate_takes_their_place(tmp_path: Path) -> None:
    """Those of the hour that is still kept as collected are given, and gauges as far back as ever."""
    with keeping(tmp_path / "history.db") as kept:
        for begin in (T0, T0 + 86_400):
            kept.every("n_total", [5.0 * at for at in range(180)], begin=begin, apart=10.0)
            kept.every("level", [7.0] * 180, begin=begin, apart=10.0)
        kept.tidy(T0 + 90_000)
        since = T0 + 90_000 - 21_600
        for step, begin in ((0, since), (60, since), (10_800, T0 + 75_600)):
            with pytest.raises(TotalsGone) as refused:
                kept.points("n_total", T0, T0 + 90_000, step, raw=True)
            assert refused.value.since == begin and refused.value.status == 400
            assert f"{datetime.fromtimestamp(begin, UTC):%Y-%m-%dT%H:%M:%SZ}" in str(refused.value)
            totals = kept.points("n_total", begin, T0 + 90_000, step, raw=True)
            assert max(highest or 0 for *_, highest in totals) == 5 * 179
        assert kept.points("n_total", T0 + 60, T0 + 120, 60) == [(T0 + 60, 0.5, 0.5, 0.5)]
        assert kept.points("level", T0, T0 + 60, 60, raw=True) == [(T0, 7, 7, 7)]


def test_resets_and_holes_of_counters_give_no_rate(tmp_path: Path) -> None:
    """Not across the border of two chunks either."""
    with keeping(tmp_path / "history.db") as kept:
        kept.every("n_total", [float(at) for at in range(895)])
        kept.every("n_total", [float(at) for at in range(20)], begin=T0 + 895)  # begins anew
        kept.every("n_total", [500.0 + 2 * at for at in range(20)], begin=T0 + 930)  # after a hole
        for _ in range(2):
            rates = {time: rate for time, rate, _, _ in kept.points("n_total", T0, T0 + 950)}
            assert T0 not in rates and T0 + 895 not in rates and T0 + 930 not in rates
            assert rates[T0 + 894] == rates[T0 + 900] == 1 and rates[T0 + 931] == 2
            assert None in rates.values()
            assert max(point[3] or 0 for point in kept.points("n_total", T0, T0 + 960, 10)) == 2
            kept.tidy(T0 + 2000)


def test_a_spike_of_a_second_is_seen_in_the_tier_of_two_years(tmp_path: Path) -> None:
    """100 % for one second, forty days later: the only tier that reaches back has it as maximum."""
    values = [0.02] * 5400
    values[4000] = 1.0
    with keeping(tmp_path / "history.db") as kept:
        kept.every("cpu_ratio", values)
        kept.tidy(T0 + 7200)
        for days, tier in ((0.5, "10s"), (10, "1m"), (40, "15m")):
            kept.tidy(T0 + days * 86_400)
            reading = kept.read("cpu_ratio", start=T0, end=T0 + 5400, step=1)
            assert reading.tier == tier
            assert max(point[3] or 0 for point in reading.stretches[0].points) == 1
        assert [kept.count(f"chunk_{tier}") for tier in ("raw", "10s", "1m", "15m")] == [0, 0, 0, 1]
        assert kept.points("cpu_ratio", T0, T0 + 5400, 900)[4] == (T0 + 3600, 0.02109, 0.02, 1)


def test_the_tier_is_the_coarsest_that_gives_the_step_and_reaches_back(tmp_path: Path) -> None:
    """By what is stored: where all is young, every tier reaches back; where samples are gone, they are not asked."""
    with keeping(tmp_path / "history.db", T0) as kept:
        kept.every("a", [1.0] * 100)
        for step, found in (
            (0, ("raw", 0)),
            (4, ("raw", 4)),
            (11, ("10s", 20)),
            (60, ("1m", 60)),
            (1000, ("15m", 1800)),
        ):
            reading = kept.read("a", start=T0 - 86_400, end=T0 + 100, step=step)
            assert (reading.tier, reading.step) == found
        kept.tidy(T0 + 86_400)
        kept.every("a", [2.0] * 100, begin=T0 + 86_400)
        assert kept.read("a", start=T0, end=T0 + 86_500, step=5).tier == "10s"
        assert kept.read("a", start=T0 + 80_000, end=T0 + 86_500, step=5).tier == "raw"
        assert kept.read("a", start=T0 + 80_000, end=T0 + 86_500, step=0, raw=True).tier == "raw"


def test_a_series_that_has_nothing_in_a_span_is_not_in_the_answer(tmp_path: Path) -> None:
    """One that ended, one that began later, one that paused; unknown ones neither."""
    with keeping(tmp_path / "history.db") as kept:
        kept.every("old", [1.0] * 50)
        kept.every("paused", [1.0] * 50)
        kept.every("paused", [1.0] * 50, begin=T0 + 9000)
        kept.every("new", [1.0] * 50, begin=T0 + 9000)
        for _ in range(2):
            reading = kept.read("old", "paused", "new", "never", start=T0 + 4000, end=T0 + 5000, step=10)
            assert reading.stretches == []
            reading = kept.read("old", "paused", "new", start=T0 + 8990, end=T0 + 9050, step=10)
            assert [stretch.known.text for stretch in reading.stretches] == ["paused", "new"]
            assert reading.stretches[1].points[:1] == [(T0 + 8990, None, None, None)]
            kept.tidy(T0 + 9100)


def test_what_is_missing_is_told_by_nulls(tmp_path: Path) -> None:
    """As collected and rolled up: a hole is as long as samples were overdue, and what is sparse is no hole."""
    with keeping(tmp_path / "history.db") as kept:
        kept.every("a", [1.0] * 100)
        kept.every("a", [1.0] * 100, begin=T0 + 200)
        kept.every("slow", [1.0] * 5, apart=60.0)
        for _ in range(2):
            assert (T0 + 100, None, None, None) in kept.points("a", T0, T0 + 300)
            empty = [time for time, value, *_ in kept.points("a", T0, T0 + 330, 10) if value is None]
            assert empty == [T0 + at for at in (*range(100, 200, 10), 300, 310, 320)]
            assert all(value == 1 for _, value, *_ in kept.points("slow", T0, T0 + 250, 10))
            kept.tidy(T0 + 4000)


def test_what_came_less_often_before_has_no_holes_for_that(tmp_path: Path) -> None:
    """Samples without a declared interval, a minute apart and then a second apart; and back to a minute."""
    with keeping(tmp_path / "history.db") as kept:
        times = [*range(0, 1_800, 60), *range(1_800, 1_900), *range(1_960, 3_600, 60), 4_200]
        for at in times:
            kept.take(T0 + at, {"a": 1.0}, interval=None)
        for at in range(4_260, 4_290):
            kept.take(T0 + at, {"a": 1.0}, interval=None)
        for _ in range(2):
            for step in (0, 1, 10):
                points = kept.points("a", T0, T0 + 4_290, step)
                holes = [time - T0 for time, value, *_ in points if value is None]
                assert holes and all(3_580 < time < 4_200 for time in holes), "nothing came then for ten minutes"
            kept.tidy(T0 + 9_000)


def test_damage_costs_its_span_and_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A chunk that is not what was written is left out; everything else is answered."""
    with keeping(tmp_path / "history.db") as kept:
        kept.every("a", [1.0] * 2700)
        kept.tidy(T0 + 3000)

        def damage(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE chunk_raw SET data = CAST(substr(data, 1, 9) || x'00' || substr(data, 11) AS BLOB)"
                " WHERE id = (SELECT id FROM chunk_raw ORDER BY id LIMIT 1 OFFSET 1)"
            )

        kept.database.write(damage).result(PATIENCE)
        reading = kept.read("a", start=T0, end=T0 + 2700)
        assert reading.incomplete == [(T0 + 900, T0 + 1800)]
        assert sum(point[1] == 1 for point in reading.stretches[0].points) == 1800
        assert kept.points("a", T0, T0 + 2700, 900) == [(T0 + 900 * at, 1, 1, 1) for at in range(3)]
        kept.take(T0 + 901, {"a": 5.0})
        with caplog.at_level(logging.ERROR):
            kept.tidy(T0 + 4000)
        assert "damaged" in caplog.text


def test_room_is_kept_by_giving_up_the_oldest_of_what_takes_most(tmp_path: Path) -> None:
    """Samples as collected go first: of what they were, the roll-ups still tell."""
    random.seed(4)
    with keeping(tmp_path / "history.db", bounds=Bounds(AGES, 600_000)) as kept:
        for at in range(6):
            begin = T0 + 3600 * at
            for second in range(0, 3600, 2):
                kept.take(begin + second, {f"s{n}": random.random() for n in range(4)}, interval=2.0)
            kept.tidy(begin + 3700)
        assert kept.read("s1", start=T0, end=T0 + 21_600, step=10).tier == "10s"
        used = kept.database.read(
            lambda connection: connection.execute(
                "SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count)"
            ).fetchone()[0]
        )
        assert used * 4096 <= 600_000 + 100_000  # what came since the last look is not yet trimmed
        points = kept.points("s1", T0, T0 + 21_600, 900)
        assert len([point for point in points if point[1] is not None]) == 24


def test_a_clock_that_was_never_set_costs_nothing(tmp_path: Path) -> None:
    """It says 2030 until it is set right a minute later: what is stored stays, and goes on."""
    with keeping(tmp_path / "history.db") as kept:
        kept.every("a", [1.0] * 1800)
        kept.tidy(T0 + 5400)
    with keeping(tmp_path / "history.db", T0 + 4 * 365 * 86_400.0) as kept:
        kept.take(kept.clock.wall(), {"a": 9.0})
        kept.tidy(kept.clock.wall() + 60)
        kept.tidy(T0 + 9000, steadily=False)
        kept.history.step_back(T0 + 9000)
        kept.every("a", [2.0] * 900, begin=T0 + 9000)
        for _ in range(2):
            assert kept.points("a", T0, T0 + 1800, 900) == [(T0, 1, 1, 1), (T0 + 900, 1, 1, 1)]
            assert (T0 + 9000, 2, 2, 2) in kept.points("a", T0 + 9000, T0 + 9001)
            kept.tidy(T0 + 12_000)
        assert kept.history.catalogue([])[0].last == (T0 + 9899, 2)


def test_a_file_that_is_taken_away_is_begun_anew(tmp_path: Path) -> None:
    """What was stored is gone; what comes is stored again, under the same name."""
    with keeping(tmp_path / "history.db") as kept:
        kept.every("a", [1.0] * 10)
        kept.every("gone", [1.0] * 10)
        kept.write()
        assert len(kept.points("a", T0, T0 + 20)) == 10
        for file in tmp_path.iterdir():
            file.unlink()
        kept.every("a", [2.0] * 10, begin=T0 + 10)
        kept.write()
        kept.write()
        kept.every("a", [3.0] * 10, begin=T0 + 20)
        assert {value for _, value, *_ in kept.points("a", T0, T0 + 30)} <= {2, 3, None}
        assert [known.text for known in kept.history.catalogue([])] == ["a"]
        kept.tidy(T0 + 5000)
        assert (T0 + 25, 3, 3, 3) in kept.points("a", T0, T0 + 30)


def test_an_unreadable_disk_is_told_and_nothing_that_is_taken_waits(tmp_path: Path) -> None:
    """Taking goes on; questions raise; `trouble` says why."""
    (tmp_path / "history.db").mkdir()
    with keeping(tmp_path / "history.db") as kept:
        kept.every("a", [1.0] * 10)
        kept.history.flush()
        with pytest.raises(StorageError):
            kept.history.catalogue([])
        with pytest.raises(StorageError):
            kept.read("a", start=T0, end=T0 + 10)
        assert kept.history.trouble() is not None


def test_series_that_come_and_go_for_years_are_never_taken_for_others(tmp_path: Path) -> None:
    """Tens of millions of them, as whoever puts a number into a label makes."""
    with keeping(tmp_path / "history.db") as kept:
        kept.every("first", [1.0] * 20)
        kept.write()
        kept.database.write(
            lambda connection: connection.execute("UPDATE sqlite_sequence SET seq = 20000000 WHERE name = 'series'")
        ).result(PATIENCE)
    with keeping(tmp_path / "history.db") as kept:
        kept.every("last", [2.0] * 20)
        for days in (0, 1, 5, 40):
            kept.tidy(T0 + 5000 + days * 86_400)
            for key, value in (("first", 1), ("last", 2)):
                assert kept.points(key, T0, T0 + 900, 900) == [(T0, value, value, value)]


@pytest.mark.parametrize(
    ("key", "values", "extremes"),
    [
        ("large", [1.7e308] * 120, (1.7e308, 1.7e308)),
        ("either", [*[1.7e308] * 10, *[-1.7e308] * 10] * 6, (-1.7e308, 1.7e308)),
        ("small", [5e-324] * 120, (0, 0)),
        ("risen_total", [*[-1.7e308] * 60, *[1.7e308] * 60], (0, 0)),
    ],
)
def test_numbers_as_large_as_there_are_break_nothing(
    tmp_path: Path, key: str, values: list[float], extremes: tuple[float, float]
) -> None:
    """Whoever sends such keeps nobody else's samples from being stored, rolled up and answered."""
    with keeping(tmp_path / "history.db") as kept:
        kept.every(key, values)
        kept.every("jobs", [3.0] * 120)
        for days in (0, 0.1, 1, 5, 40):
            kept.tidy(T0 + 2000 + days * 86_400)
            assert [(at, *rest) for at, _, *rest in kept.points(key, T0, T0 + 900, 900)] == [(T0, *extremes)]
            assert kept.points("jobs", T0, T0 + 900, 900) == [(T0, 3, 3, 3)]
            for step in (0, 4, 10, 60):
                points = kept.points(key, T0, T0 + 120, step)
                assert all(value is None or math.isfinite(value) for point in points for value in point)
        assert kept.count("journal") == 0


def test_refused_samples_are_not_stored(tmp_path: Path) -> None:
    """Of a batch only what the window took; what is left of it is stored under its full name."""
    with keeping(tmp_path / "history.db") as kept:
        batch = Batch("h/x", T0, 1.0, {"instance": "h"}, {"a": 1.0, 'b{c="d"}': 2.0})
        kept.history.append(batch, {"a": "taken"})
        assert [known.text for known in kept.history.catalogue([])] == ['b{c="d",instance="h"}']
