"""Publishing: what comes within one flush is given its ids together and becomes readable together.

Publishers never wait for readers. Each flush wakes every viewer once; a viewer that stops reading costs its cursor.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

import msgspec

from dashboard.archive import Archive, Kept
from dashboard.broadcaster.admission import Admission
from dashboard.broadcaster.cursor import MALFORMED, PIECE, Cursor, Piece
from dashboard.errors import Busy, InvalidParameter, StorageError
from dashboard.eventlog import LAST_OF_MS, Entry, EventId, MemoryLog
from dashboard.events import KEPT, Bye, Event, Heartbeat, Hello, System
from dashboard.filters import Filter
from dashboard.model import Clock
from dashboard.sse import frame

MOST_NAMED = 200
"""Ids that one `not_stored` event names at most."""

ROOM = 4.0
"""Seconds that a push waits for others to get to the disk: less than the five in which our own handler gives up."""

TROUBLE = 600.0
"""Seconds without a loss after which the next one is another trouble."""

_MAX_JOINED = 16 * 1024 * 1024
_MOST_UNSTORED = 10_000
_TELL_AGAIN = 5.0


class Unstored(NamedTuple):
    """Events from one id to another that no disk holds, of these types; there may be others between."""

    first: EventId
    last: EventId
    types: frozenset[str]


class Trouble:
    """A time in which events were not stored, again and again: `at` is the latest of it, as the clock that counts."""

    __slots__ = ("at", "count", "first", "last")

    def __init__(self, first: EventId) -> None:
        self.at, self.first, self.last, self.count = 0.0, first, first, 0

    def add(self, entries: Sequence[Entry], at: float) -> None:
        """Take what was not stored; notices of it do not count."""
        self.at = at
        self.first, self.last = min(self.first, entries[0].id), max(self.last, entries[-1].id)
        self.count += sum(not _named(entry.event) for entry in entries)


class Broadcaster:
    """Append events, wake cursors, beat. All calls come from the event loop's thread."""

    def __init__(
        self,
        log: MemoryLog,
        clock: Clock,
        archive: Archive,
        *,
        version: str,
        source: str,
        heartbeat_interval: float,
        flush_interval: float,
    ) -> None:
        """`source` is what the events are said to be from that tell of events which no disk holds."""
        self.log, self._clock, self._archive, self._version, self._source = log, clock, archive, version, source
        self.heartbeat_interval, self._flush_interval = heartbeat_interval, flush_interval
        self.published: dict[str, int] = {}
        self.cursors: set[Cursor] = set()
        self.listeners: set[Callable[[], None]] = set()
        """Called whenever there may be something new to read; each must return at once."""
        self.beats = 0
        self.beat_frame = b""
        self.closing: Literal["shutdown"] | None = None
        self.conflated = 0
        """Events of metrics that were left out for viewers that read too slowly."""
        self.gaps: Counter[str] = Counter()
        """Gaps that were told, by reason."""
        self.resumes = 0
        """Streams that went on behind an id."""
        self.unstored: deque[Unstored] = deque()
        """Events that the disk did not take; when they are too many, the first of them as one span."""
        self._untold: list[EventId] = []
        self._untold_reason = ""
        self._trouble: Trouble | None = None
        self._tell_at = -math.inf
        self._admission = Admission(log, archive, self._admitted, self._not_stored)
        self._readers: ThreadPoolExecutor | None = None
        self._end: Literal["shutdown"] | None = None
        self._pending: list[Event] = []
        self._flush_timer: asyncio.TimerHandle | None = None
        self._beat_due = clock.monotonic() + heartbeat_interval
        self._waiters: list[asyncio.Future[None]] = []
        self._filters: dict[object, Filter] = {}
        self._uses: Counter[Filter] = Counter()
        self._joined: dict[tuple[Filter, int], Piece] = {}
        self._joined_bytes = 0

    def publish(self, event: Event, *, urgent: bool = False) -> None:
        """Take an event; it is readable after the next flush, which `urgent` does at once."""
        self._pending.append(event)
        self.published[event.type] = self.published.get(event.type, 0) + 1
        if urgent:
            self.flush()
        elif self._flush_timer is None:
            loop = asyncio.get_running_loop()
            self._flush_timer = loop.call_later(self._flush_interval, self.flush)

    def flush(self) -> None:
        """Give ids to what was published, make it readable, and wake every viewer once."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if not self._pending:
            return
        events, self._pending = self._pending, []
        self._admission.take(self.log.stamp(events))

    def _admitted(self) -> None:
        if self._clock.monotonic() > self._beat_due - self.heartbeat_interval / 8:
            self._make_beat()  # it rides in this flush's write instead of costing one of its own
        self._end_if_all_is_told()
        self._wake()

    async def settled(self) -> None:
        """Wait until all that was published so far can be read: what a disk keeps is on it then, or told as missing."""
        upto = sum(self.published.values())
        while self.log.end < upto:
            await self.changed()

    async def room(self) -> None:
        """Wait while as much is on its way to the disk as may be; raise Busy when that takes long."""
        try:
            async with asyncio.timeout(ROOM):
                while not self._admission.leaves_room(len(self._pending)):
                    await self.changed()
        except TimeoutError:
            raise Busy("more comes in than the disk takes; send it again later", math.ceil(ROOM)) from None

    def beat(self) -> None:
        """Send a heartbeat to every viewer, ahead of whatever else its next write holds."""
        self._make_beat()
        self._wake()

    def close(self) -> None:
        """End every stream with `bye`; streams opened from now on get it at once."""
        self.flush()
        self._tell_at = -math.inf  # the next run learns it from the disk, or never
        self._tell_of_unstored()
        self._end = "shutdown"
        self._admission.hurry()
        self._end_if_all_is_told()
        self._wake()

    def _end_if_all_is_told(self) -> None:
        # What is on its way to the disk still comes, if that takes no longer than is left for it.
        if self._admission.idle:
            self.closing = self._end

    async def run(self) -> None:
        """Beat every `heartbeat_interval`, or a twentieth of it later, until cancelled."""
        while True:
            # Ticks come at whole seconds, as beats do that rode in one: a moment later it can ride in the next again.
            wait = self._beat_due + self.heartbeat_interval / 20 - self._clock.monotonic()
            self._tell_of_unstored()
            if wait <= 0:
                self.beat()
            else:
                await asyncio.sleep(wait)

    def subscribe(self, filter: Filter, *, after: str | None = None, header: str | None = None, to: str = "") -> Cursor:
        """Place a cursor: after the id in `header` (Last-Event-ID), else `after`, else the newest.

        `to` is the principal who looks, for events that are for one alone. A malformed `after` raises
        InvalidParameter; a malformed header becomes a gap, for a native EventSource gives up for good on anything
        but a 200.
        """
        if not header and after:
            return Cursor(self, filter, EventId.parse(after), to)
        if not header:
            return Cursor(self, filter, None, to)
        try:
            return Cursor(self, filter, EventId.parse(header), to)
        except InvalidParameter:
            return Cursor(self, filter, MALFORMED, to)

    def retire(self) -> None:
        """Let go of the threads that read the disk; nothing is asked of this broadcaster any more."""
        if self._readers is not None:
            self._readers.shutdown(wait=False, cancel_futures=True)
            self._readers = None

    def floors(self) -> Mapping[str, EventId]:
        """Return, by kept type, the id up to which the disk may have let events go."""
        return self._archive.floors()

    async def stored(self, after: EventId, upto: EventId, types: Collection[str], limit: int) -> list[Kept]:
        """Return kept events from the disk, read in a thread of its own; raise StorageError when it cannot be read."""
        if self._readers is None:
            self._readers = ThreadPoolExecutor(2, "archive-reader")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._archive.read, after, upto, types, limit)

    async def recall(self) -> None:
        """Learn from the disk which events earlier runs could not store; call it once, before the first viewer."""
        after, upto = EventId(0, 0), self.log.bounds().floor
        while True:
            try:
                rows = await self.stored(after, upto, {"system"}, 500)
            except StorageError:
                return
            for row in rows:
                if b'"not_stored"' in row.data:
                    event = msgspec.json.decode(row.data, type=System)
                    self._recall(event)
            if len(rows) < 500:
                return
            after = rows[-1].id

    def acquire(self, cursor: Cursor) -> Filter:
        """Count a cursor among the viewers; return the one filter that all who want the same share."""
        self.cursors.add(cursor)
        filter = self._filters.setdefault(cursor.filter.key, cursor.filter)
        self._uses[filter] += 1
        return filter

    def release(self, cursor: Cursor) -> None:
        """Forget a cursor, and its filter when it was the last to use it."""
        self.cursors.discard(cursor)
        self._uses[cursor.filter] -= 1
        if not self._uses[cursor.filter]:
            del self._uses[cursor.filter], self._filters[cursor.filter.key]

    def changed(self) -> asyncio.Future[None]:
        """Return what is done when there may be something new to read."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)  # one that is waited for no more stays until the next beat at most
        return waiter

    def joined(self, filter: Filter, position: int) -> Piece:
        """Return the frames of a filter from `position` on; made once for all viewers that stand there."""
        key = (filter, position)
        piece = self._joined.get(key)
        if piece is None:
            piece = self._join(filter, position)
            self._joined_bytes += len(piece.frames)
            if self._joined_bytes > _MAX_JOINED:
                self._joined.clear()
                self._joined_bytes = len(piece.frames)
            self._joined[key] = piece
        return piece

    def _join(self, filter: Filter, position: int) -> Piece:
        frames, size, last = [], 0, None
        for entry in self.log.read(position):
            if entry.to is not None:
                break  # for one principal alone: no bytes of it are shared
            shown = filter.frame(entry)
            frames.append(shown)
            size += len(shown)
            position += 1
            last = entry.id
            if size >= PIECE:
                break
        return Piece(b"".join(frames), position, last)

    def hello(self, resume: Literal["fresh", "resumed", "gap"]) -> bytes:
        """Return the first frame of a stream, with a `retry` that differs from viewer to viewer."""
        bounds = self.log.bounds()
        hello = Hello(
            version=self._version,
            server_time=self._clock.wall(),
            heartbeat_interval=self.heartbeat_interval,
            resume=resume,
            oldest=str(bounds.floor),
            newest=str(bounds.newest),
        )
        return frame(hello.type, hello.encode(), retry=random.randint(1000, 3000))

    def bye(self) -> bytes:
        """Return the last frame of a stream; viewers come back spread over three seconds."""
        delay = random.uniform(0.5, 3.5)
        bye = Bye(reason=self.closing or "shutdown", retry_after=round(delay, 3))
        return frame(bye.type, bye.encode(), retry=int(delay * 1000))

    def now(self) -> float:
        """Return Unix seconds of the clock that all events go by."""
        return self._clock.wall()

    def monotonic(self) -> float:
        """Return seconds of the clock that never jumps."""
        return self._clock.monotonic()

    @property
    def untold(self) -> Collection[EventId]:
        """Events that no disk holds, and of which no disk was told yet either."""
        return self._untold

    @property
    def slowest(self) -> int:
        """Events between the newest and the viewer that is furthest behind."""
        return max((cursor.lag for cursor in self.cursors), default=0)

    def is_lagging(self, events: int) -> bool:
        """Tell whether a viewer is over so many events behind whom the log still has all for."""
        held = self.log.end - self.log.start
        return any(events < cursor.lag <= held for cursor in self.cursors)

    def _recall(self, event: System) -> None:
        if event.start is not None and event.end is not None:
            last = EventId(round(event.end * 1000), LAST_OF_MS)
            self._miss(Unstored(EventId(round(event.start * 1000), 0), last, frozenset(KEPT)))
        for id in map(EventId.parse, event.ids):
            self._miss(Unstored(id, id, frozenset(KEPT)))

    def _miss(self, lost: Unstored) -> None:
        self.unstored.append(lost)
        if len(self.unstored) > _MOST_UNSTORED:
            first, second = self.unstored.popleft(), self.unstored.popleft()
            span = Unstored(min(first.first, second.first), max(first.last, second.last), first.types | second.types)
            self.unstored.appendleft(span)

    def _not_stored(self, entries: Sequence[Entry], reason: str) -> None:
        now = self._clock.monotonic()
        trouble = self._trouble
        if trouble is None or (now - trouble.at > TROUBLE and not self._untold):
            trouble = self._trouble = Trouble(entries[0].id)
        trouble.add(entries, now)
        for entry in entries:
            self._miss(Unstored(entry.id, entry.id, frozenset({entry.type})))
            # That such a notice was itself not stored is no news; what it named is still to be told.
            self._untold += map(EventId.parse, _named(entry.event) or (str(entry.id),))
        self._untold = self._untold[-_MOST_UNSTORED:]
        self._untold_reason = reason
        asyncio.get_running_loop().call_soon(self._tell_of_unstored)

    def _tell_of_unstored(self) -> None:
        now = self._clock.monotonic()
        if not self._untold or self._trouble is None or now < self._tell_at:
            return
        self._tell_at = now + _TELL_AGAIN
        ids, self._untold = self._untold[:MOST_NAMED], self._untold[MOST_NAMED:]
        count = self._trouble.count
        self.publish(
            System(
                timestamp=self._clock.wall(),
                source=self._source,
                event="not_stored",
                message=f"{count} events could not be stored, and a restart would lose them: {self._untold_reason}",
                ids=tuple(map(str, ids)),
                start=self._trouble.first.time,
                end=self._trouble.last.time,
            ),
            urgent=True,
        )

    def _make_beat(self) -> None:
        self._beat_due = self._clock.monotonic() + self.heartbeat_interval
        self.beats += 1
        beat = Heartbeat(server_time=self._clock.wall())
        self.beat_frame = frame(beat.type, beat.encode())

    def _wake(self) -> None:
        self._joined.clear()
        self._joined_bytes = 0
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        for listener in tuple(self.listeners):
            listener()


def _named(event: Event) -> tuple[str, ...]:
    """Return the ids that a notice of events which were not stored names; none of any other event."""
    return event.ids if isinstance(event, System) else ()
