"""The one log and its many cursors: a viewer is a position and a filter, nothing more.

Publishers never wait for readers. What was published within one flush is given its ids together, becomes readable
together, and wakes each viewer once. A viewer that stops reading costs its cursor.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Literal, NamedTuple, Self

from dashboard.errors import InvalidParameter
from dashboard.eventlog import EventId, MemoryLog
from dashboard.events import Bye, Event, Gap, Heartbeat, Hello
from dashboard.filters import Filter
from dashboard.model import Clock
from dashboard.sse import frame

PIECE = 64 * 1024
"""Bytes after which what one read gives is cut, so that a viewer far behind holds no more than that in memory."""

_MAX_JOINED = 16 * 1024 * 1024
_FIRST = EventId(0, 0)
_MALFORMED = EventId(-1, 0)


class Piece(NamedTuple):
    """Frames of a filter, the position behind them, and the id of the last event looked at, if there was one."""

    frames: bytes
    end: int
    last: EventId | None


class Broadcaster:
    """Append events, wake cursors, beat. All calls come from the event loop's thread."""

    def __init__(
        self, log: MemoryLog, clock: Clock, *, version: str, heartbeat_interval: float, flush_interval: float
    ) -> None:
        self.log, self._clock, self._version = log, clock, version
        self.heartbeat_interval, self._flush_interval = heartbeat_interval, flush_interval
        self.published: dict[str, int] = {}
        self.cursors: set[Cursor] = set()
        self.listeners: set[Callable[[], None]] = set()
        """Called whenever there may be something new to read; each must return at once."""
        self.beats = 0
        self.beat_frame = b""
        self.closing: Literal["shutdown"] | None = None
        self._pending: list[Event] = []
        self._flush_timer: asyncio.TimerHandle | None = None
        self._beat_due = clock.monotonic() + heartbeat_interval
        self._waiters: set[asyncio.Future[None]] = set()
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
        self.log.admit(self.log.stamp(events))
        if self._clock.monotonic() > self._beat_due - self.heartbeat_interval / 8:
            self._make_beat()  # it rides in this flush's write instead of costing one of its own
        self._wake()

    def beat(self) -> None:
        """Send a heartbeat to every viewer, ahead of whatever else its next write holds."""
        self._make_beat()
        self._wake()

    def close(self) -> None:
        """End every stream with `bye`; streams opened from now on get it at once."""
        self.flush()
        self.closing = "shutdown"
        self._wake()

    async def run(self) -> None:
        """Beat every `heartbeat_interval` at the latest, until cancelled."""
        while True:
            wait = self._beat_due - self._clock.monotonic()
            if wait <= 0:
                self.beat()
            else:
                await asyncio.sleep(wait)

    def subscribe(self, filter: Filter, *, after: str | None = None, header: str | None = None) -> Cursor:
        """Place a cursor: after the id in `header` (Last-Event-ID), else `after`, else the newest.

        A malformed `after` raises InvalidParameter; a malformed header becomes a gap, for a native EventSource
        gives up for good on anything but a 200.
        """
        if not header and after:
            return Cursor(self, filter, EventId.parse(after))
        if not header:
            return Cursor(self, filter, None)
        try:
            return Cursor(self, filter, EventId.parse(header))
        except InvalidParameter:
            return Cursor(self, filter, _MALFORMED)

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

    async def changed(self) -> None:
        """Wait until there may be something new to read."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

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

    def _make_beat(self) -> None:
        self._beat_due = self._clock.monotonic() + self.heartbeat_interval
        self.beats += 1
        beat = Heartbeat(server_time=self._clock.wall())
        self.beat_frame = frame(beat.type, beat.encode())

    def _wake(self) -> None:
        self._joined.clear()
        self._joined_bytes = 0
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        for listener in self.listeners:
            listener()


class Cursor:
    """One viewer: what it wants and where it stands. Use as a context manager; read, then wait for `changed`."""

    __slots__ = ("_beats", "_broadcaster", "_first", "_seen", "ended", "filter", "position")

    def __init__(self, broadcaster: Broadcaster, filter: Filter, after: EventId | None) -> None:
        self._broadcaster, self.filter = broadcaster, filter
        self._beats = broadcaster.beats
        self.ended = False
        broadcaster.flush()
        self._seen = broadcaster.log.bounds().newest
        gap = None if after is None else self._place(after)
        if after is None:
            self.position = broadcaster.log.end
        shown = gap is not None and bool(gap.types)
        self._first = broadcaster.hello("fresh" if after is None else "gap" if shown else "resumed")
        if gap is not None and shown:
            self._first += frame(gap.type, gap.encode())

    def __enter__(self) -> Self:
        self.filter = self._broadcaster.acquire(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._broadcaster.release(self)

    @property
    def lag(self) -> int:
        """Events between this viewer and the newest."""
        return self._broadcaster.log.end - self.position

    def read(self) -> bytes:
        """Return the next of what this viewer has not been given yet, as frames; empty when there is nothing."""
        broadcaster = self._broadcaster
        head, self._first = self._first, b""
        if self._beats != broadcaster.beats:
            self._beats = broadcaster.beats
            head += broadcaster.beat_frame
        if self.position < broadcaster.log.start:
            head += self._fallen_out()
        body, self.position, last = broadcaster.joined(self.filter, self.position)
        self._seen = last or self._seen
        if broadcaster.closing and self.position == broadcaster.log.end:
            self.ended = True
            return head + body + broadcaster.bye()
        return head + body if head else body

    async def changed(self) -> None:
        """Wait until there may be something to read."""
        await self._broadcaster.changed()

    def _place(self, after: EventId) -> Gap | None:
        """Stand behind `after`; return the gap when not all that followed it is still held."""
        log, types = self._broadcaster.log, self.filter.losable
        bounds = log.bounds()
        self.position = log.position_after(after)
        if bounds.floor <= after <= bounds.newest:
            # Also an id that was never given: what follows it in the order of ids is all here.
            self._seen = after
            return None
        if _MALFORMED < after < bounds.floor:
            reason: Literal["restart", "retention"] = "restart" if after < bounds.origin else "retention"
            following = next(iter(log.read(self.position)), None)
            self._seen = after
            return Gap(
                after=str(after),
                before=str(following.id if following else _next(bounds.newest)),
                start=self._past(after),
                end=following.event.timestamp if following else self._broadcaster.now(),
                types=types,
                reason=reason,
            )
        self.position = log.end
        return Gap(
            after=str(_FIRST),
            before=str(_next(bounds.newest)),
            end=self._broadcaster.now(),
            types=types,
            reason="unknown_id",
        )

    def _past(self, id: EventId) -> float | None:
        """Return the time of an id; None when the clock has been set back behind it since: then it tells nothing."""
        return id.time if id.time <= self._broadcaster.now() else None

    def _fallen_out(self) -> bytes:
        """Return the gap of a viewer that read too slowly, and stand at the oldest entry that is left."""
        log, missed = self._broadcaster.log, self._broadcaster.log.start - self.position
        self.position = log.start
        if not self.filter.losable:
            return b""
        following = log.read(log.start)[0]
        gap = Gap(
            after=str(self._seen),
            before=str(following.id),
            start=self._past(self._seen),
            end=following.event.timestamp,
            types=self.filter.losable,
            reason="slow",
            skipped=missed if self.filter.types is None and not self.filter.selectors else None,
        )
        return frame(gap.type, gap.encode())


def _next(id: EventId) -> EventId:
    return EventId(id.ms, id.seq + 1)
