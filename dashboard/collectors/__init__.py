"""Collectors: each samples one thing of this machine, at its own interval. One file each, found by its place.

What a third party's file needs is here: `from dashboard.collectors import Family, Sample`. See docs/collectors.md.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Iterable, Sequence
from typing import Literal, Protocol

import msgspec

from dashboard.errors import CollectorError
from dashboard.model import Family, ProcessRow, Program, Sample

__all__ = ["Collected", "Collector", "CollectorError", "CollectorState", "Family", "ProcessRow", "Program", "Sample"]

Item = Sample | ProcessRow | Program

Collected = Iterable[Item]
"""What one collection gives."""


class Collector(Protocol):
    """Anything that samples. A module may be one itself, its name then being the file's.

    `interval` is in seconds (None: the setting `interval`). An optional `may_block = True` says that `collect`
    may wait for a device, and gives it a thread of its own from the start.
    """

    @property
    def name(self) -> str:
        """Last part of the events' `source`."""
        ...

    @property
    def interval(self) -> float | None:
        """Seconds between two collections."""
        ...

    @property
    def families(self) -> Sequence[Family]:
        """Every family that `collect` may give samples of."""
        ...

    def collect(self) -> Collected | Awaitable[Collected] | AsyncIterable[Item]:
        """Sample once. What was given before an exception counts; the exception makes the collector failed."""
        ...


class CollectorState(msgspec.Struct, frozen=True):
    """How one collector is doing.

    `waiting`: never returned yet. `late`: takes longer than its interval. `failed`: raised, takes longer than it is
    given, or gives samples that are refused; the others that it gives count. Times are Unix seconds, `duration` the
    seconds that its last run took, `failures` the number of runs that failed since the start, `families` the names of
    what it may give. One that could not be loaded has no `interval`, and nobody knows its families.
    """

    name: str
    source: str
    state: Literal["ok", "failed", "late", "waiting"]
    interval: float | None
    since: float
    last_success: float | None = None
    error: str | None = None
    duration: float | None = None
    failures: int = 0
    families: tuple[str, ...] = ()
