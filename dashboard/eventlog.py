"""The one log: every event in the order of its id, bounded by count and by age."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple, Protocol

from dashboard.errors import InvalidParameter
from dashboard.events import KEPT, Event, Metrics
from dashboard.model import Clock
from dashboard.sse import frame

MOST_BYTES = 64 * 1024 * 1024
"""Memory that the events of a log take at most, about."""

LAST_OF_MS = 9_999_999_999
"""The sequence that no id of a millisecond is above."""

_OVERHEAD, _PART = 500, 150  # bytes of an event, and of each of its samples or rows
_MOST_LEFT = 10_000  # places of kept events that have left, remembered to count the others
_ID = re.compile(r"([0-9]{1,15})-([0-9]{1,10})", re.ASCII)


class EventId(NamedTuple):
    """`<unix milliseconds>-<sequence>`: strictly increasing, also over a restart and when the clock steps back."""

    ms: int
    seq: int

    def __str__(self) -> str:
        return f"{self.ms}-{self.seq}"

    @property
    def time(self) -> float:
        """Unix seconds at which the id was given."""
        return self.ms / 1000

    @classmethod
    def parse(cls, text: str, parameter: str = "after") -> EventId:
        """Read an id; raise InvalidParameter when it is none."""
        match = _ID.fullmatch(text)
        if match is None:
            raise InvalidParameter(
                parameter, "not an event id; one looks like 1732183200000-0, as in the field id of an event"
            )
        return cls(int(match.group(1)), int(match.group(2)))


class Entry:
    """An event with its id; encoded at most once, when the first reader wants it whole."""

    __slots__ = ("_data", "_frame", "event", "id", "stamped_at", "to", "type")

    def __init__(self, id: EventId, event: Event, stamped_at: float) -> None:
        self.id, self.event, self.stamped_at = id, event, stamped_at
        self.type = event.type
        self.to: str | None = getattr(event, "to", None)
        self._data: bytes | None = None
        self._frame: bytes | None = None

    @property
    def data(self) -> bytes:
        """The whole event as JSON, without its id; this is what a disk keeps."""
        if self._data is None:
            self._data = self.event.encode()
        return self._data

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        if self._data is not None:
            return 2 * len(self._data) + _OVERHEAD
        parts = self.event.samples if isinstance(self.event, Metrics) else getattr(self.event, "rows", ())
        return _OVERHEAD + _PART * len(parts)

    @property
    def frame(self) -> bytes:
        """The whole event as an SSE frame."""
        if self._frame is None:
            self._frame = event_frame(self.id, self.type, self._data or self.event.encode())
        return self._frame

    def frame_of(self, event: Event) -> bytes:
        """Encode `event`, a part of this entry's, under this entry's id."""
        return event_frame(self.id, self.type, event.encode())


def event_frame(id: EventId, type: str, data: bytes) -> bytes:
    """Return the SSE frame of an event, its id as the first key of `data`."""
    return frame(type, b'{"id":"%b",%b' % (str(id).encode(), data[1:]), id=str(id))


class Bounds(NamedTuple):
    """What a log holds: all after `floor`, up to `newest`. `origin` is the id that stood before this run's first."""

    origin: EventId
    floor: EventId
    newest: EventId


class EventLog(Protocol):
    """Where events live between a publisher and its readers. Positions count entries since the start of the run."""

    def stamp(self, events: Sequence[Event]) -> list[Entry]:
        """Give each event its id; nobody can read it yet."""
        ...

    def admit(self, entries: Sequence[Entry]) -> None:
        """Make entries readable, in the order in which they were stamped."""
        ...

    def read(self, position: int) -> Sequence[Entry]:
        """Return the entries from `position` on; those that have left the log are not among them."""
        ...

    def position_after(self, id: EventId) -> int:
        """Return the position of the first entry whose id is above `id`."""
        ...

    def bounds(self) -> Bounds:
        """Return what is held, by id."""
        ...

    def lost(self, position: int) -> int | None:
        """Return how many events from `position` on have left that no disk keeps; None: that is not known any more."""
        ...

    @property
    def start(self) -> int:
        """Position of the oldest entry held."""
        ...

    @property
    def end(self) -> int:
        """Position that the next entry will have."""
        ...


class MemoryLog:
    """An EventLog in memory of one process."""

    def __init__(self, clock: Clock, *, max_events: int, max_age: float, begin_above: int = 0) -> None:
        """Begin ids above `begin_above` (Unix milliseconds), the mark that an earlier run left."""
        self._clock, self._max_events, self._max_age = clock, max_events, max_age
        self._entries: list[Entry] = []
        self._dropped = 0  # entries at the head of the list that have left; cut off in bulk, for a list's head is dear
        self._base = 0  # position of the list's first element
        self._sizes: list[int] = []  # of the entries, as they were when they came
        self._bytes = 0
        self._left: list[int] = []  # positions of kept events that have left, from `_left_since` on
        self._left_since = 0
        self._origin = self._stamped = self._last = self._floor = EventId(max(int(clock.wall() * 1000), begin_above), 0)

    @property
    def start(self) -> int:
        return self._base + self._dropped

    @property
    def end(self) -> int:
        return self._base + len(self._entries)

    def bounds(self) -> Bounds:
        return Bounds(self._origin, self._floor, self._last)

    def lost(self, position: int) -> int | None:
        if position < self._left_since:
            return None
        return self.start - position - (len(self._left) - bisect_left(self._left, position))

    @property
    def stamped(self) -> EventId:
        """The newest id that was given, whether or not its event can be read yet."""
        return self._stamped

    def stamp(self, events: Sequence[Event]) -> list[Entry]:
        now, last, entries = self._clock.monotonic(), self._stamped, []
        for event in events:
            ms = int(self._clock.wall() * 1000)
            last = EventId(ms, 0) if ms > last.ms else EventId(last.ms, last.seq + 1)
            entries.append(Entry(last, event, now))
        self._stamped = last
        return entries

    def admit(self, entries: Sequence[Entry]) -> None:
        if entries:
            self._entries.extend(entries)
            sizes = [entry.size for entry in entries]
            self._sizes.extend(sizes)
            self._bytes += sum(sizes)
            self._last = entries[-1].id
        self._trim(self._clock.monotonic())

    def read(self, position: int) -> Sequence[Entry]:
        return self._entries[max(position - self._base, self._dropped) :]

    def position_after(self, id: EventId) -> int:
        return self._base + bisect_right(self._entries, id, lo=self._dropped, key=attrgetter("id"))

    def _trim(self, now: float) -> None:
        entries = self._entries
        while self._dropped < len(entries) and (
            len(entries) - self._dropped > self._max_events
            or self._bytes > MOST_BYTES
            or now - entries[self._dropped].stamped_at > self._max_age
        ):
            self._floor = entries[self._dropped].id
            self._bytes -= self._sizes[self._dropped]
            if entries[self._dropped].type in KEPT:
                self._left.append(self.start)
            self._dropped += 1
        if self._dropped > 256 and self._dropped * 2 > len(entries):
            del entries[: self._dropped], self._sizes[: self._dropped]
            self._base += self._dropped
            self._dropped = 0
        if len(self._left) > _MOST_LEFT:
            self._left_since = self._left[-_MOST_LEFT // 2]
            del self._left[: -_MOST_LEFT // 2]
