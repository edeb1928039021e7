"""What doomed programs do, and what must be left of it: scenarios of `tests.doomed`."""

from __future__ import annotations

import asyncio
import math
import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from dashboard import schema
from dashboard.clock import SystemClock
from dashboard.diskarchive import DiskArchive
from dashboard.events import KEPT
from dashboard.history import History
from dashboard.model import Batch, Clock, ProcessRow
from dashboard.points import Point
from dashboard.shelf import Bound
from dashboard.sqlite import Database
from dashboard.tiers import Bounds
from tests.archives import all_of, commit, disk, disk_archive, id_of
from tests.clocks import START, HandClock
from tests.doomed import Doomed, Passing, Tell, killed_at_each_place
from tests.test_migrations import write_version_1

RESOURCE = {"instance": "test"}
VERSIONS = {"history.db": len(schema.HISTORY), "state.db": len(schema.STATE)}


def whole(folder: Path) -> None:
    """Raise AssertionError unless every database is whole, and none was set aside."""
    for path in folder.glob("*.db"):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], path
    assert not list(folder.glob("*damaged*"))


def migrations(folder: Path, _: int) -> str:
    """Kill a program that leads both databases to the newest version, at each place: all that they held is there."""

    def work(place: Path, tell: Tell, passing: Passing) -> None:
        clock = HandClock(START + 60)
        with closing(disk(place, clock, passing=passing)) as owned:
            archive = DiskArchive(owned, clock, dict.fromkeys(KEPT, Bound()))
            for number, type in enumerate(("log", "system"), 60_000):  # one after the other: so places have an order
                commit(archive, type, number)
            tell(1)

    begin = folder / "begin"
    begin.mkdir()
    write_version_1(begin)
    killed: Counter[str] = Counter()
    for place, end in killed_at_each_place(work, begin, folder):
        killed[end.place or "never"] += 1
        whole(place)
        with closing(disk_archive(place)) as archive:
            found = [row.id for row in all_of(archive)]
        assert found[:5] == [id_of(number) for number in range(1, 6)], end
        assert len(found) == 7 or not end.told, end
        for name, version in VERSIONS.items():
            with closing(sqlite3.connect(place / name)) as connection:
                assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    for name, version in VERSIONS.items():
        assert killed[f"{name} led to version {version}"] == 1 and killed[f"{name} committed"] == 2
    return f"{killed.total() - 1} places"


BOUNDS = Bounds({"raw": 21_600.0, "10s": 172_800.0, "1m": 2_592_000.0, "15m": 63_072_000.0}, 2**30)
EVERY = 0.25
"""Seconds between two samples of those that are killed while time passes as it does."""

MOST_LOST = 2.0
"""Seconds of points that a kill may take."""

VALUES: dict[str, Callable[[float], float]] = {
    "doomed_wave": lambda time: time % 977,
    "doomed_grown_total": lambda time: time * 8,
    "doomed_still": lambda _: 0.125,
}
"""What the series of doomed programs are at a time."""


BUSY = ProcessRow(pid=1, name="cc1plus", user="test", cpu_ratio=0.5, resident_bytes=4096)


def batch(time: float, interval: float) -> Batch:
    """Return one collection."""
    samples = {name: value(time) for name, value in VALUES.items()}
    return Batch("test/doomed", time, interval, RESOURCE, samples, (BUSY,))


def history_on(database: Database, clock: Clock, bounds: Bounds = BOUNDS) -> History:
    """Return the history in a database."""
    return History(database, clock, bounds, lambda name: name.endswith("_total"))


def stored(history: History, start: float, end: float, step: float | None = None) -> dict[str, list[Point]]:
    """Return the points that there are of each series; without a step as collected, and counters as totals."""
    texts = [known.text for known in history.catalogue(())]
    reading = history.read(texts, start, end, step or 0.0, raw=step is None)
    assert not reading.incomplete
    return {
        stretch.known.series.name: [point for point in stretch.points if point[1] is not None]
        for stretch in reading.stretches
    }


def minutes(history: History, start: float, end: float) -> set[float]:
    """Return the minutes of which is known which processes took most; raise AssertionError where that is wrong."""
    found = history.top(start, end)
    assert all(busy.name == BUSY.name and busy.cpu == BUSY.cpu_ratio for one in found for busy in one.by_cpu)
    return {one.start for one in found}


def together(folder: Path, count: int) -> str:
    """Kill programs that store points once a second, at random moments: of none more than two seconds are lost.

    A fifth of them are killed while they begin, the others once all of these take samples.
    """
    chance = random.Random(count)
    turns = [_at_random(folder / f"{first}", min(50, count - first), chance) for first in range(0, count, 50)]
    lost = [one for turn in turns for one in turn]
    stored = len(lost) - lost.count(None)
    return f"{count} kills, {stored} of which left points, at most {max(filter(None, lost)):.2f} s lost"


def _at_random(folder: Path, count: int, chance: random.Random) -> list[float | None]:
    begun = time.time()
    running = []
    for number in range(count):
        (folder / f"{number}").mkdir(parents=True)
        running.append(Doomed(partial(_live, folder / f"{number}")))
    early, late = running[::5], [doomed for at, doomed in enumerate(running) if at % 5]
    for some, seconds in ((early, 1), (late, 4)):
        if some is late:
            for doomed in some:
                doomed.wait()
        passed = 0.0
        for moment, at in sorted((chance.uniform(0, seconds), at) for at in range(len(some))):
            time.sleep(moment - passed)  # from kill to kill: a machine that stands still does not bring them together
            some[at].kill()
            passed = moment
    return [_lost(folder / f"{number}", doomed.told(), begun) for number, doomed in enumerate(running)]


def _live(folder: Path, tell: Tell) -> None:
    """Take and store points for ever."""

    async def live() -> None:
        clock = SystemClock()
        history = history_on(disk(folder, clock).history, clock)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(history.run())
            due = math.ceil(clock.wall() / EVERY) * EVERY
            while True:
                await asyncio.sleep(due - clock.wall())
                history.append(batch(due, EVERY))
                tell(due)
                due = max(due, math.floor(clock.wall() / EVERY) * EVERY) + EVERY  # as collectors do, none afterwards

    asyncio.run(live())


def _lost(folder: Path, told: list[float], begun: float) -> float | None:
    """Return the seconds of which the points are lost, None where there were none before.

    Raise AssertionError when others are lost, or the file.
    """
    whole(folder)
    if not told:
        return None
    with closing(disk(folder, SystemClock())) as owned:
        history = history_on(owned.history, SystemClock())
        found = stored(history, begun - 10, told[-1] + 10)
        times = [point[0] for point in found.get("doomed_wave", ())]
        assert minutes(history, begun - 10, told[-1] + 10) >= {at // 60 * 60 for at in times}
    assert times[: len(told)] == told[: len(times)], "points are missing before the last, or twice there"
    untold = times[len(told) :]
    assert len(untold) <= 1, "more than one was stored and not told"
    assert all(at > told[-1] and at % EVERY == 0 for at in untold), "what was not told is of no tick that follows"
    for name, points in found.items():
        assert [point[:2] for point in points] == [(at, VALUES[name](at)) for at in times], name
    lost = (len(told) - len(times)) * EVERY  # where nothing was taken, as the machine stood still, nothing is lost
    assert lost <= MOST_LOST, f"{lost:g} s of points are lost"
    return lost if times else None


def boundaries(folder: Path, _: int) -> str:
    """Kill a program at each place at which its file changes while it stores, compacts, rolls up and trims.

    What comes afterwards finds the very points that it would have found without the kill, save what was not yet sure.
    """
    begin = folder / "begin"
    _fill(begin)
    clean = folder / "clean"
    shutil.copytree(begin, clean)
    _store_and_tidy(clean, lambda _: None, lambda _: None)
    expected = _answers(clean)[0]
    assert all(len(points) > 5 for answer in expected for points in answer.values()) and len(expected[0]) == len(VALUES)
    killed: Counter[str] = Counter()
    for place, end in killed_at_each_place(_store_and_tidy, begin, folder):
        killed[end.place or "never"] += 1
        whole(place)
        found, times, known = _answers(place)
        assert found == expected, end
        assert known - {FILLED} == set(range(int(BEGUN), int(FILLED), 60)) and (FILLED in known) >= bool(times), end
        assert times >= set(end.told) and times <= set(NEWER), end
    assert (
        killed["never"] == 1 and min(killed[f"history.db {step}"] for step in ("begun", "committing", "committed")) > 8
    )
    return f"{killed.total() - 1} places"


HOUR = 3600.0
BEGUN = START // HOUR * HOUR
FILLED = BEGUN + 3 * HOUR
NEWER = [FILLED + at for at in (1.0, 2.0, 3.0)]
NOW = FILLED + 0.5 * HOUR
SLOW = 30.0
"""Seconds between two samples of those who are killed at each place."""

SHORT = Bounds({**BOUNDS.ages, "raw": 1.5 * HOUR, "10s": 2.5 * HOUR}, BOUNDS.bytes)
"""So that something is to be trimmed."""


def _fill(folder: Path) -> None:
    """Store three hours, all of it still in the journal."""
    clock = HandClock(BEGUN)
    with closing(disk(folder, clock)) as owned:
        history = history_on(owned.history, clock, SHORT)
        for _ in range(round((FILLED - BEGUN) / SLOW)):
            history.append(batch(clock.wall(), SLOW))
            history.flush()
            owned.history.write(lambda _: None).result(60)
            clock.move(SLOW)


def _store_and_tidy(folder: Path, tell: Tell, passing: Passing) -> None:
    clock = HandClock(FILLED)
    with closing(disk(folder, clock, passing=passing)) as owned:
        history = history_on(owned.history, clock, SHORT)
        for time in NEWER:
            history.append(batch(time, SLOW))
            rows = owned.history.read(_journaled)
            history.flush()
            while owned.history.read(_journaled) == rows:
                pass
            tell(time)
        clock.move(NOW - FILLED)
        history.tidy()


def _journaled(connection: sqlite3.Connection) -> int:
    (rows,) = connection.execute("SELECT count(*) FROM journal").fetchone()
    return int(rows)


def _answers(folder: Path) -> tuple[list[dict[str, list[Point]]], set[float], set[float]]:
    """Return what each tier says of the time before the last hour, which newer samples there are, and which minutes.

    All is done before that a kill left undone.
    """
    clock = HandClock(NOW)
    with closing(disk(folder, clock)) as owned:
        history = history_on(owned.history, clock, SHORT)
        history.tidy()
        answers = [stored(history, BEGUN, FILLED - HOUR, step) for step in (0.0, 10.0, 60.0, 900.0)]
        newer = {point[0] for point in stored(history, FILLED, NOW).get("doomed_wave", ())}
        return answers, newer, minutes(history, BEGUN, NOW)


SCENARIOS: dict[str, Callable[[Path, int], str]] = {
    "boundaries": boundaries,
    "migrations": migrations,
    "together": together,
}
