"""A history in a folder, with a clock that is moved by hand, and a plain model of what it should answer."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from dashboard import schema
from dashboard.history import History, Reading
from dashboard.model import Batch
from dashboard.points import Point
from dashboard.sqlite import Database
from dashboard.tiers import TIERS, Bounds
from tests.clocks import HandClock

PATIENCE = 20.0
T0 = 1_700_001_000 // 691_200 * 691_200 + 691_200
"""A time at which a span of every tier begins."""

AGES = {"raw": 21_600.0, "10s": 172_800.0, "1m": 2_592_000.0, "15m": 63_072_000.0}

FOR_EVER = Bounds(dict.fromkeys(AGES, 1e9), 1 << 30)


class Freely:
    """A disk on which anything may be written."""

    def claim(self) -> None:
        """Nobody else has it."""

    def allow(self) -> None:
        """Allow."""

    def make_room(self) -> bool:
        return False


class Keeping:
    """A history and what drives it."""

    def __init__(self, path: Path, clock: HandClock, bounds: Bounds | None = None) -> None:
        self.clock = clock
        self.database = Database(path, Freely(), clock, schema.HISTORY, safe=False)
        self.history = History(
            self.database, clock, bounds or Bounds(AGES, 1 << 30), lambda name: name.endswith("_total")
        )

    def take(
        self, time: float, samples: Mapping[str, float], *, interval: float | None = 1.0, source: str = "h/x"
    ) -> None:
        """Append a batch."""
        self.history.append(Batch(source, time, interval, {}, dict(samples)), ())

    def every(self, key: str, values: list[float], *, begin: float = T0, apart: float = 1.0) -> None:
        """Append a sample a second, or as far apart."""
        for at, value in enumerate(values):
            self.take(begin + at * apart, {key: value}, interval=apart)

    def write(self) -> None:
        """Have all that was appended in the journal."""
        self.history.flush()
        self.database.write(lambda connection: None).result(PATIENCE)

    def tidy(self, now: float, *, steadily: bool = True) -> None:
        """Write, and do what is due at a time, to which the clock went on, or else was set."""
        self.write()
        passed = now - self.clock.wall()
        (self.clock.move if steadily else self.clock.step)(passed)
        self.history.tidy()

    def read(self, *texts: str, start: float, end: float, step: float = 0.0, raw: bool = False) -> Reading:
        return self.history.read(texts, start, end, step, raw=raw)

    def points(self, text: str, start: float, end: float, step: float = 0.0, *, raw: bool = False) -> list[Point]:
        """Return the points of one series."""
        stretches = self.read(text, start=start, end=end, step=step, raw=raw).stretches
        return stretches[0].points if stretches else []

    def count(self, table: str) -> int:
        """Return the rows of a table."""
        return int(
            self.database.read(lambda connection: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        )


@contextmanager
def keeping(path: Path, now: float = T0, bounds: Bounds | None = None) -> Iterator[Keeping]:
    """Keep a history in a file, and close it."""
    kept = Keeping(path, HandClock(now), bounds)
    try:
        yield kept
    finally:
        kept.history.close()
        kept.database.close()


def rates_of(samples: Mapping[float, tuple[float, float]]) -> dict[float, float]:
    """Return the rates of a counter, given as value and interval by time; as plain as can be."""
    found = {}
    times = sorted(samples)
    for before, time in pairwise(times):
        (one, gap), (other, next_gap) = samples[before], samples[time]
        if other >= one and time - before <= 2 * max(gap, next_gap):
            found[time] = (other - one) / (time - before)
    return found


def buckets_of(values: Mapping[float, float], step: float, start: float, end: float) -> dict[float, tuple[float, ...]]:
    """Return average, minimum and maximum of each bucket from `start` to `end`."""
    found = defaultdict(list)
    for time, value in values.items():
        if start <= time < end:
            found[time // step * step].append(value)
    return {begin: (sum(some) / len(some), min(some), max(some)) for begin, some in found.items()}


def same(points: list[Point], expected: Mapping[float, tuple[float, ...]]) -> bool:
    """Tell whether points say what is expected, to the digits that are told; those without values aside."""
    found = {time: rest for time, *rest in points if rest[0] is not None}
    return (
        len(points) == len({time for time, *_ in points})
        and found.keys() == expected.keys()
        and all(
            math.isclose(one, other, rel_tol=2e-3, abs_tol=1e-3)
            for time, rest in found.items()
            for one, other in zip(rest, expected[time], strict=True)
            if one is not None
        )
    )


SPANS = {tier.name: tier.span for tier in TIERS}
