"""Archives for tests, and events to put into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dashboard.archive import Archive, Kept
from dashboard.datadir import DataDir
from dashboard.disk import Disk
from dashboard.diskarchive import DiskArchive
from dashboard.eventlog import Entry, EventId
from dashboard.events import KEPT, Event, Log, Notification, System, Task
from dashboard.model import Clock
from dashboard.shelf import Bound
from tests.clocks import START, HandClock

PATIENCE = 20.0
"""Seconds that a commit may take."""

MS = int(START * 1000)
"""Unix milliseconds at which the clocks of tests begin."""

ALL = frozenset(KEPT)
RESERVE = 256 * 1024
"""Bytes of disk that archives of tests keep free."""


def disk_archive(folder: Path, clock: Clock | None = None, bounds: Mapping[str, Bound] | None = None) -> DiskArchive:
    """Return an archive on disk; close it."""
    every = {type: Bound(count=10_000) for type in KEPT} | dict(bounds or {})
    clock = clock or HandClock()
    return DiskArchive(disk(folder, clock), clock, every)


def disk(folder: Path, clock: Clock, *, passing: Callable[[str], None] = lambda _: None) -> Disk:
    """Return the databases of a folder, with a small reserve; close them."""
    return Disk(DataDir(folder), clock, reserve_size=RESERVE, passing=passing)


def event_of(type: str, text: str = "", *, task: str = "a task", to: str | None = None) -> Event:
    """Return an event of a kept type that says `text`."""
    source, resource = "test/archive", {"instance": "test"}
    match type:
        case "log":
            return Log(timestamp=START, source=source, resource=resource, level="info", message=text)
        case "task":
            return Task(
                timestamp=START,
                source=source,
                resource=resource,
                task=task,
                state="running",
                message=text,
                interval=1,
                started_at=START,
            )
        case "notification":
            return Notification(timestamp=START, source=source, title=text, level="info", to=to)
        case _:
            return System(timestamp=START, source=source, event="start", message=text)


def entry(number: int, event: Event) -> Entry:
    """Return an entry whose ids rise with `number`, several to a millisecond."""
    return Entry(id_of(number), event, 0.0)


def id_of(number: int) -> EventId:
    """Return the id of an entry; 0 is before the first."""
    return EventId(MS + number // 4, number % 4)


def entries(type: str, numbers: Sequence[int], text: str = "") -> list[Entry]:
    """Return entries of one type."""
    return [entry(number, event_of(type, text or str(number))) for number in numbers]


def commit(archive: Archive, type: str, *numbers: int, text: str = "") -> None:
    """Store entries of one type and wait for it."""
    archive.commit(entries(type, numbers, text)).result(PATIENCE)


def stored(archive: Archive, after: int = 0, upto: int = 10**9, types: frozenset[str] = ALL) -> list[EventId]:
    """Return the ids of what is in the archive."""
    return [row.id for row in all_of(archive, after, upto, types)]


def all_of(archive: Archive, after: int = 0, upto: int = 10**9, types: frozenset[str] = ALL) -> list[Kept]:
    """Read everything, in pieces."""
    found: list[Kept] = []
    last = id_of(after)
    while piece := archive.read(last, id_of(upto), types, 100):
        found += piece
        last = piece[-1].id
    return found
