"""A broadcaster on a clock set by hand, and what its viewers are given."""

from __future__ import annotations

from dashboard.archive import MemoryArchive
from dashboard.broadcaster import Broadcaster, Cursor
from dashboard.eventlog import MemoryLog
from dashboard.filters import Filter
from tests.clocks import HandClock
from tests.occurrences import Seen, metrics, seen

EVERYTHING = Filter.parse(None, [])


class Stage:
    """A broadcaster, its log, and a clock set by hand."""

    def __init__(
        self,
        *,
        max_events: int = 1000,
        flush_interval: float = 0.01,
        archive: MemoryArchive | None = None,
        begin_above: int = 0,
    ) -> None:
        self.clock = HandClock()
        self.archive = archive or MemoryArchive()
        self.log = MemoryLog(self.clock, max_events=max_events, max_age=60, begin_above=begin_above)
        self.broadcaster = Broadcaster(
            self.log,
            self.clock,
            self.archive,
            version="1.2.3",
            source="web-1/dashboard",
            heartbeat_interval=5.0,
            flush_interval=flush_interval,
        )

    def say(self, *texts: str) -> None:
        """Publish a collection for each text, with a series of that name, in one flush."""
        for text in texts:
            self.broadcaster.publish(metrics(self.clock.wall(), **{text: 1.0}))
        self.broadcaster.flush()

    def join(
        self, filter: Filter = EVERYTHING, *, after: str | None = None, header: str | None = None, to: str = ""
    ) -> Cursor:
        """Place a cursor."""
        return self.broadcaster.subscribe(filter, after=after, header=header, to=to)

    @property
    def newest(self) -> str:
        return str(self.log.bounds().newest)


async def given(cursor: Cursor) -> list[Seen]:
    """Return all that a viewer is given now, what comes from the disk among it."""
    pieces = [cursor.read()]
    while pieces[-1] or cursor.needs_disk:
        if cursor.needs_disk:
            await cursor.refill()
        pieces.append(cursor.read())
    return seen(b"".join(pieces))


def said(events: list[Seen]) -> list[str]:
    """Return the series of the `metrics` events among these."""
    return [name for event in events if event.type == "metrics" for name in dict(event.data["samples"])]  # type: ignore[call-overload]


def types(events: list[Seen]) -> list[str]:
    return [event.type for event in events]
