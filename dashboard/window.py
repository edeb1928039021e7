"""The last minutes of every series, in memory: what charts are filled from, and what `latest` answers."""

from __future__ import annotations

import logging
import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from heapq import nlargest
from itertools import pairwise
from typing import Literal

import msgspec

from dashboard.model import Batch, Family, Series
from dashboard.selector import Selector, Selectors

log = logging.getLogger("dashboard.window")

MOST_SAMPLES = 32_000_000
"""Samples held at most, of 16 bytes each: half as many again as the default `max_series` gives once a second."""

_SLACK = 64  # samples above the bound before the head is cut, so that cutting is rare
_MARGIN = 32  # seconds that are left when it is, so that what is asked for in whole buckets is there
_UNITS = ("bytes", "seconds", "ratio", "celsius", "rpm", "percent", "watts", "volts", "amperes", "hertz", "meters")


Refusal = Literal["too_many_series", "taken"]
"""Why a sample was not stored: no room, or its series is another source's."""

Standing = Literal["own", "added", "guest"]
"""Whose a batch is: a built-in collector's, one's that was added to them, or another program's that pushes."""


class Columns(msgspec.Struct, frozen=True):
    """A copy of one series' samples, for reading at leisure."""

    series: Series
    text: str
    counter: bool
    interval: float | None
    source: str
    times: array[float]
    values: array[float]


class Line:
    """The samples of one series, by time, and its newest arrival."""

    __slots__ = ("declared", "key", "last", "pushed", "series", "source", "text", "times", "values")

    def __init__(self, series: Series, key: str, source: str) -> None:
        self.series, self.text, self.key, self.source = series, str(series), key, source
        self.declared: float | None = None
        self.pushed = False
        self.times, self.values = array("d"), array("d")
        self.last = (0.0, 0.0)

    @property
    def interval(self) -> float | None:
        """Seconds between samples: as declared, else the median of the last five arrivals, else unknown."""
        if self.declared is not None:
            return self.declared
        recent = self.times[-5:]
        if len(recent) < 5:
            return None
        _, shorter, longer, _ = sorted(later - earlier for earlier, later in pairwise(recent))
        return (shorter + longer) / 2

    def holds(self, now: float) -> bool:
        """Tell whether its newest sample is what it is now, for the next is not overdue."""
        return self.interval is not None and now <= self.last[0] + 2 * self.interval + 1

    def is_fed(self, now: float) -> bool:
        """Tell whether its source goes on: no guest may write it then."""
        return now <= self.last[0] + 2 * (self.interval or 60.0) + 1

    def add(self, time: float, value: float, keep: float) -> None:
        """Store a sample in its place; one of the same time replaces."""
        times = self.times
        if not times or time > times[-1]:
            times.append(time)
            self.values.append(value)
        else:
            at = bisect_left(times, time)
            if times[at] == time:
                self.values[at] = value
            else:
                times.insert(at, time)
                self.values.insert(at, value)
        if times[0] < times[-1] - keep - _SLACK:
            # Two stay, however seldom they come: one holds until the next is overdue, and a rate is of two.
            self.drop(times[-1] - keep - _MARGIN)

    def drop(self, since: float) -> int:
        """Forget what is older than `since`, but for the two newest; return how many samples are left."""
        cut = min(bisect_left(self.times, since), len(self.times) - 2)
        if cut > 0:
            del self.times[:cut], self.values[:cut]
        return len(self.times)

    def count(self, start: float, end: float) -> int:
        """Return how many samples there are from `start` to before `end`."""
        return bisect_left(self.times, end) - bisect_left(self.times, start)

    def step_back(self, now: float) -> None:
        """Drop samples of what is the future since the clock was set back; let the newest grow old from now on."""
        at = bisect_left(self.times, now + 1)
        del self.times[at:], self.values[at:]
        self.last = (min(self.last[0], now), self.last[1])


class Window:
    """Every series of the last `keep` seconds, at most `max_series` of them, each with at most `max_points` samples.

    In all about `max_samples`: of more the oldest give way, and who asks for those is answered from disk.
    """

    def __init__(
        self, *, keep: float, max_series: int, max_points: int = 20_000, max_samples: int = MOST_SAMPLES
    ) -> None:
        self.keep, self.max_series, self.max_points, self.max_samples = keep, max_series, max_points, max_samples
        self._since, self._told = 0.0, False
        self.refused = 0
        self._reserve = min(1000, max_series // 10)
        self._families: dict[str, Family] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._lines: dict[str, Line] = {}
        self._sources: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, Line]] = {}

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def reach(self) -> float:
        """Seconds that every sample is held while there is room."""
        return self.keep + _MARGIN

    def since(self, now: float) -> float:
        """Return the time since which every sample that came is held."""
        return max(now - self.reach, self._since)

    def declare(self, families: Iterable[Family], *, owner: str = "", instance: str = "") -> None:
        """Take note of what the series of these families are.

        Those of `instance` belong to the built-in collector whose source is `owner`, before its first sample, too.
        """
        for family in families:
            self._families.update(dict.fromkeys(family.sample_names, family))
            for name in family.sample_names if owner else ():
                self._owners.setdefault((name, instance), owner)

    def append(self, batch: Batch, *, standing: Standing = "own") -> dict[str, Refusal]:
        """Store a batch; return why samples were not taken, by their key.

        Samples that arrive late are stored in their place; what is newest goes by their time, not by their arrival.
        All but the built-in collectors leave room for these and cannot write what is theirs. A series is the
        collector's that gave it first; what a guest gave a collector may take.
        """
        lines = self._sources.setdefault((batch.source, tuple(batch.resource.items())), {})
        refused: dict[str, Refusal] = {}
        for key, value in batch.samples.items():
            line = lines.get(key)
            if line is None:
                found = self._admit(key, batch, lines, standing)
                if isinstance(found, str):
                    refused[key] = found
                    continue
                line = found
            if line.source != batch.source and _is_taken(line, batch.timestamp, standing):
                refused[key] = "taken"
                continue
            line.add(batch.timestamp, value, self.keep)
            if len(line.times) > self.max_points + _SLACK:
                del line.times[: -self.max_points], line.values[: -self.max_points]
                self._since = max(self._since, line.times[1])  # a rate is of two
            if batch.timestamp >= line.last[0]:
                line.last, line.source = (batch.timestamp, value), batch.source
                line.declared, line.pushed = batch.interval, standing == "guest"
        self.refused += sum(code == "too_many_series" for code in refused.values())
        return refused

    def owner(self, key: str, batch: Batch) -> str:
        """Return the source whose series this sample of a batch is."""
        series = Series.parse(key).merged(batch.resource)
        line = self._lines.get(str(series))
        return line.source if line is not None else self._owners.get(_home(series), "")

    def sweep(self, now: float) -> None:
        """Forget series without a sample for the whole window, unless the newest still holds.

        Those that come so seldom have a quarter of the room at most: each keeps its place for long.
        """
        since = now - self.reach
        old = [line for line in self._lines.values() if not line.times or line.times[-1] < since]
        seldom = nlargest(
            self.max_series // 4, (line for line in old if line.holds(now)), key=lambda line: line.last[0]
        )
        gone = {line.text for line in old} - {line.text for line in seldom}
        for text in gone:
            del self._lines[text]
        for origin, lines in list(self._sources.items()):
            kept = {key: line for key, line in lines.items() if line.text not in gone}
            if len(kept) < len(lines):
                self._sources[origin] = kept
            if not kept:
                del self._sources[origin]
        self._make_room(now)

    def _make_room(self, now: float) -> None:
        """Let the oldest samples of all series go where there are too many, but for two of each."""
        held, since = sum(len(line.times) for line in self._lines.values()), self.since(now)
        if held <= self.max_samples:
            return
        while held > self.max_samples and now - since > 1:
            since += (now - since) / 8
            held = sum(line.drop(since - _MARGIN) for line in self._lines.values())
        self._since = since
        if not self._told:
            self._told = True
            log.warning(
                "memory holds %s samples, the most that it may, and so the last %.0f s instead of the setting window's "
                "%.0f: what is older is read from disk, more slowly; have fewer series, or longer intervals",
                *(f"{self.max_samples:,}", now - since, self.keep),
            )

    def step_back(self, now: float) -> None:
        """Drop samples from what has become the future, after the clock was set back to `now`."""
        self._since = min(self._since, now)
        for line in self._lines.values():
            line.step_back(now)

    def family(self, name: str) -> Family:
        """Return what is known of a name; a pushed one without declaration gets a standard help text."""
        known = self._families.get(name)
        if known is not None:
            return known
        words = name.removesuffix("_total").rsplit("_", 1)
        unit = words[-1] if words[-1] in _UNITS else ""
        kind = "counter" if name.endswith("_total") else "gauge"
        return Family(name, kind, unit, "Pushed by a program, without a description.")  # type: ignore[arg-type]

    def is_counter(self, name: str) -> bool:
        """Tell whether samples of this name are totals that pages show as rates."""
        return self.family(name).type in ("counter", "histogram")

    def select(self, selectors: Sequence[Selector]) -> Iterator[Line]:
        """Yield the series that any selector chooses (all, when there are none), sorted by name and labels."""
        chosen = Selectors(selectors)
        for text in sorted(self._lines):
            line = self._lines[text]
            if not selectors or chosen.match(line.series):
                yield line

    def line(self, text: str) -> Line | None:
        """Return the series that is written so, if there is one."""
        return self._lines.get(text)

    def columns(self, line: Line, start: float, end: float) -> Columns:
        """Copy the samples of a series from `start` to `end`; of a counter one earlier, for the first rate."""
        counter = self.is_counter(line.series.name)
        low, high = bisect_left(line.times, start), bisect_left(line.times, end)
        if counter and low:
            low -= 1
        return Columns(
            series=line.series,
            text=line.text,
            counter=counter,
            interval=line.interval,
            source=line.source,
            times=line.times[low:high],
            values=line.values[low:high],
        )

    def adopt(self, series: Series, source: str, interval: float, last: tuple[float, float], now: float) -> None:
        """Let a series of an earlier run go on with its newest sample, time and value, if that still holds.

        What came since is newer; there is as much room for these as `sweep` leaves to what comes seldom.
        """
        line = Line(series, "", source)
        line.add(*last, self.keep)
        line.last, line.declared, line.pushed = last, interval, True
        if line.holds(now) and line.text not in self._lines and len(self._lines) < self.max_series // 4:
            self._lines[line.text] = line

    def newest(self, line: Line) -> Columns:
        """Copy the newest sample of a series, of a counter the two newest."""
        return self.columns(line, line.times[-1] if line.times else 0.0, math.inf)

    def _admit(self, key: str, batch: Batch, lines: dict[str, Line], standing: Standing) -> Line | Refusal:
        series = Series.parse(key).merged(batch.resource)
        if standing != "own" and _home(series) in self._owners:
            return "taken"
        text = str(series)
        line = self._lines.get(text)
        if line is None:
            if len(self._lines) >= self.max_series - (0 if standing == "own" else self._reserve):
                return "too_many_series"
            line = self._lines[text] = Line(series, key, batch.source)
        lines[key] = line
        return line


def _is_taken(line: Line, now: float, standing: Standing) -> bool:
    """Tell whether a series of another source is not for a batch of this standing to write."""
    return line.is_fed(now) if standing == "guest" else not line.pushed


def _home(series: Series) -> tuple[str, str]:
    return series.name, series.label("instance")
