"""Two hundred series of real system metrics, a value a second: recorded once, and gone through again for any time.

The file holds what the collectors of the server gave, and the rest from `/proc`: `python -m bench record` makes it. It
is gone through forward and then backward, so that nothing comes twice within an hour; of counters it is the growth
that is, and their totals grow on.
"""

from __future__ import annotations

import lzma
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, pairwise
from pathlib import Path

import click
import msgspec

from bench.server import Server, serving

FILE = Path(__file__).with_name("recording.json.xz")
INSTANCE = "recorded"
"""The label `instance` of all series, so that they are nobody else's."""

_PROC = ("meminfo", "net/snmp", "vmstat", "softirqs", "net/netstat")
_PRODUCER = "system_"
_GAUGE = re.compile(r"(?:nr_(?!dirtied|written)|Tcp_CurrEstab|.*_bytes$)")


class Series(msgspec.Struct, frozen=True):
    """One series as it was recorded: its first value, and by how much each was above the one before.

    What is no whole number stands as it was.
    """

    name: str
    labels: dict[str, str]
    values: list[float]
    steps: bool

    @property
    def counter(self) -> bool:
        """Whether its values are totals."""
        return self.name.endswith("_total")

    @property
    def text(self) -> str:
        """The series as it is written, with its instance."""
        labels = ",".join(f'{key}="{value}"' for key, value in sorted({**self.labels, "instance": INSTANCE}.items()))
        return f"{self.name}{{{labels}}}"


class Line:
    """A series that goes on for as long as is asked for."""

    def __init__(self, series: Series) -> None:
        self.series = series
        values = list(accumulate(series.values)) if series.steps else series.values
        self.moves = len(set(values)) > 1
        if series.counter:
            grown = [max(0.0, other - one) for one, other in pairwise(values)]
            self._values = list(accumulate([*grown, *reversed(grown)], initial=0.0))
            self._period, self._rise, self._first = 2 * len(grown), self._values[-1], values[0]
        else:
            self._values = [*values, *reversed(values)]
            self._period, self._rise, self._first = len(self._values), 0.0, 0.0

    def at(self, second: int) -> float:
        """Return the value of a second, counted from the beginning."""
        rounds, place = divmod(second, self._period)
        found = self._first + rounds * self._rise + self._values[place]
        return found if found.is_integer() else float(f"{found:.12g}")


def load(count: int) -> list[Line]:
    """Return so many series of the recording, or all that there are."""
    found = msgspec.json.decode(lzma.decompress(FILE.read_bytes()), type=list[Series])
    return [Line(series) for series in found[:count]]


def record(seconds: int, count: int, folder: Path) -> None:
    """Record so many series of this machine for so many seconds, a second apart, into the file."""
    with serving(folder) as server:
        settings = "".join(f'[[collector]]\nname = "{name}"\ninterval = 1.0\n' for name in server.collectors())
    taken: list[dict[str, float]] = []
    with serving(folder, f"keep_raw_age = 86400\n{settings}") as server:
        begin = time.time()
        while len(taken) < seconds + 5:
            time.sleep(1 - time.time() % 1)
            taken.append(dict(_proc()))
        columns = _collected(server, begin + 2, begin + 2 + seconds)
    others = {name: [row[name] for row in taken[2:]] for name in taken[0] if all(name in row for row in taken)}
    save(columns, others, seconds, count)


def save(collected: dict[str, list[float]], others: dict[str, list[float]], seconds: int, count: int) -> None:
    """Write the file: what was collected, and of the others first those that moved, until there are so many."""
    moving = sorted(others.items(), key=lambda item: len(set(item[1])) == 1)
    whole = [(text, values[:seconds]) for text, values in [*collected.items(), *moving] if len(values) >= seconds]
    found = [_series(text, values) for text, values in whole[:count]]
    FILE.write_bytes(lzma.compress(msgspec.json.encode(found), preset=9))
    click.echo(f"{FILE.name}: {len(found)} series, {seconds} s, {FILE.stat().st_size:,} bytes", err=True)


def _series(text: str, values: Sequence[float]) -> Series:
    name, _, rest = text.partition("{")
    labels = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    labels.pop("instance", None)
    if all(float(value).is_integer() for value in values):
        whole = list(map(int, values))
        return Series(name, labels, [whole[0], *(other - one for one, other in pairwise(whole))], True)
    return Series(name, labels, list(values), False)


class _Answer(msgspec.Struct):
    """The part of an answer of `query_range` that is needed here."""

    result: list[_Found]


class _Found(msgspec.Struct):
    series: str
    points: list[tuple[float, float | None, float | None, float | None]]


def _collected(server: Server, start: float, end: float) -> dict[str, list[float]]:
    query = f"/api/v1/query_range?match={_PRODUCER}*&raw=1&step=0&start={start}&end={end}"
    answer = msgspec.json.decode(server.get(query), type=_Answer)
    return {one.series: [value for _, value, _, _ in one.points if value is not None] for one in answer.result}


def _proc() -> Iterator[tuple[str, float]]:
    """Yield what several files of `/proc` tell, in names as others give them."""
    for file in _PROC:
        with suppress(OSError):
            yield from read(file, Path("/proc", file).read_text())


def read(file: str, text: str) -> Iterator[tuple[str, float]]:
    """Yield the series of one file of `/proc`."""
    lines = [line.split() for line in text.splitlines()]
    if file.startswith("net/"):
        for names, values in zip(lines[::2], lines[1::2], strict=True):
            for name, value in zip(names[1:], values[1:], strict=True):
                key = f"{names[0][:-1]}_{name}"
                yield f"node_netstat_{key}{'' if _GAUGE.match(key) else '_total'}", float(value)
    elif file == "softirqs":
        for kind, *counts in lines[1:]:
            for cpu, value in enumerate(counts):
                yield f'node_softirqs_total{{cpu="{cpu}",type="{kind[:-1]}"}}', float(value)
    elif file == "meminfo":
        for name, value, *_ in lines:
            yield f"node_memory_{re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_')}_bytes", 1024.0 * float(value)
    else:
        for name, value in lines:
            yield f"node_vmstat_{name}{'' if _GAUGE.match(name) else '_total'}", float(value)
