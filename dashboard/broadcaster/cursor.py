"""One viewer: what it wants and where it stands, in the log or, further back, in what the disk holds."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping, Sequence
from copy import copy
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from dashboard.archive import Kept
from dashboard.errors import StorageError
from dashboard.eventlog import LAST_OF_MS, Entry, EventId, event_frame
from dashboard.events import Gap
from dashboard.filters import Filter
from dashboard.sse import frame

if TYPE_CHECKING:
    from dashboard.broadcaster.core import Broadcaster

PIECE = 64 * 1024
"""Bytes after which what one read gives is cut, so that a viewer far behind holds no more than that in memory."""

PAGE = 100
"""Kept events that are read from the disk at once."""

CONFLATE_BEHIND = 2.0
"""Seconds behind the newest from which a viewer that is blocked is conflated."""

_FIRST = EventId(0, 0)
MALFORMED = EventId(-1, 0)
"""Stands for a Last-Event-ID that is none."""


class Piece(NamedTuple):
    """Frames of a filter, the position behind them, and the id of the last event looked at, if there was one."""

    frames: bytes
    end: int
    last: EventId | None


class Replay(NamedTuple):
    """Kept events that are still to be read from the disk: those with ids above `after`, up to `upto`."""

    after: EventId
    upto: EventId


class Cursor:
    """One viewer. Use as a context manager; read, then wait for `changed`.

    A viewer whose id is older than the log is first given what the disk keeps: while `needs_disk`, `refill` it.
    Of many who stand at one place one may read for all: its `lead` reads, and they `follow` until they `part`.
    """

    __slots__ = (
        "_beats",
        "_begun",
        "_broadcaster",
        "_first",
        "_floors",
        "_lead",
        "_replay",
        "_seen",
        "_stored",
        "ended",
        "filter",
        "position",
        "to",
    )

    def __init__(self, broadcaster: Broadcaster, filter: Filter, after: EventId | None, to: str) -> None:
        """Stand behind `after` (None: behind the newest). `to` is the principal, whose private events come along."""
        self._broadcaster, self.filter, self.to = broadcaster, filter, to
        self._beats = broadcaster.beats
        self._lead: Cursor | None = None
        self._replay: Replay | None = None
        self._stored: list[Kept] = []
        self._floors: Mapping[str, EventId] = {}
        self.ended = False
        broadcaster.flush()
        self._seen = broadcaster.log.bounds().newest
        self.position = broadcaster.log.end
        # Behind an id that nobody gave nothing follows, whether or not there is a gap to tell of.
        resumed = after is not None and _FIRST <= after <= self._seen
        self._begun = None if after is None else self._place(after)
        self._first = broadcaster.hello("gap" if self._begun else "resumed" if resumed else "fresh")

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
        return self._broadcaster.log.end - (self._lead or self).position

    @property
    def needs_disk(self) -> bool:
        """Whether nothing can be read before `refill` was called."""
        return self._replay is not None and not self._stored and not self._first

    def read(self, *, blocked: bool = False) -> bytes:
        """Return the next of what this viewer has not been given yet, as frames; empty when there is nothing.

        `blocked`: it could not take its last bytes in time. When it has fallen behind, events of metrics that a later
        one of their source makes superfluous are left out, and a gap in front tells how many.
        """
        self.part()
        broadcaster = self._broadcaster
        if self._begun is not None:  # counted now, for whoever was gone before was told of nothing
            broadcaster.resumes += 1
            self._first, self._begun = self._first + self._tell(*self._begun), None
        head, self._first = self._first, b""
        if self._beats != broadcaster.beats:
            self._beats = broadcaster.beats
            head += broadcaster.beat_frame
        if self.position < broadcaster.log.start:
            head += self._fallen_out()
        body = self._from_disk() if self._stored else b""
        if body or self._replay is not None or self._stored:
            pass  # the log comes after the last that the disk gives
        elif blocked and self._is_behind():
            body = self._conflated()
        else:
            body = self._from_log()
        if broadcaster.closing and (self._replay is not None or self.position == broadcaster.log.end):
            self.ended = True
            return head + body + broadcaster.bye()
        return head + body if head else body

    @property
    def alone(self) -> bool:
        """Whether what this viewer reads next may differ from what others of its filter read where it stands."""
        broadcaster = self._broadcaster
        own = self._first or self._stored or self._replay is not None or self.ended
        return bool(own or broadcaster.closing or self.position < broadcaster.log.start)

    def lead(self) -> Cursor:
        """Return one that reads for all who stand where this viewer does, which must not be `alone`."""
        return copy(self)

    def follow(self, lead: Cursor) -> bool:
        """Have another of the same filter and principal read for this viewer; False when they stand apart."""
        if self.position != lead.position or self._beats != lead._beats or self.alone:
            return False
        self._lead = lead
        return True

    def part(self) -> None:
        """Read for oneself again, from where the one stands who read for this viewer."""
        lead, self._lead = self._lead, None
        if lead is not None:
            self.position, self._beats, self._seen = lead.position, lead._beats, lead._seen

    def changed(self) -> Awaitable[None]:
        """Return what is to be waited for until there may be something to read; it fetches what is on the disk."""
        return self.refill() if self.needs_disk else self._broadcaster.changed()

    async def refill(self) -> None:
        """Fetch the next kept events from the disk; one that fails to answer is covered by a gap."""
        if self._replay is None or self._stored:
            return
        after, upto = self._replay
        fault = False
        try:
            rows = await self._broadcaster.stored(after, upto, self.filter.kept, PAGE)
        except StorageError:
            rows, fault = [], True
        # The end may have moved while the disk was read: the log goes on, and lets its oldest go.
        end = self._replay.upto
        if fault:
            self._first += self._tell(self._gap(after, _next(end), self.filter.kept, "not_stored"))
        self._first += self._tell(*self._trimmed(after, end))
        self._stored = rows
        reached = rows[-1].id if len(rows) >= PAGE else end if fault else upto
        self._replay = Replay(reached, end) if reached < end or len(rows) >= PAGE else None

    def _from_disk(self) -> bytes:
        """Return stored events up to the size of a piece."""
        frames, size, used = [], 0, 0
        for row in self._stored:
            used += 1
            if row.to is None or row.to == self.to:
                frames.append(event_frame(row.id, row.type, row.data))
                size += len(frames[-1])
            if size >= PIECE:
                break
        self._stored = self._stored[used:]
        return b"".join(frames)

    def _from_log(self) -> bytes:
        body, self.position, last = self._broadcaster.joined(self.filter, self.position)
        self._seen = last or self._seen
        if self.position == self._broadcaster.log.end:
            return body
        # The shared piece ends before an event that is for one principal alone, or at its full size.
        pieces = [body]
        entries = self._broadcaster.log.read(self.position)
        while entries and entries[0].to is not None and len(body) < PIECE:
            pieces.append(self._private(entries[0]))
            self.position, self._seen = self.position + 1, entries[0].id
            piece = self._broadcaster.joined(self.filter, self.position)
            pieces.append(piece.frames)
            self.position, self._seen = piece.end, piece.last or self._seen
            entries = self._broadcaster.log.read(self.position)
        return b"".join(pieces)

    def _private(self, entry: Entry) -> bytes:
        return self.filter.frame(entry) if entry.to == self.to else b""

    def _is_behind(self) -> bool:
        entries = self._broadcaster.log.read(self.position)
        return len(entries) > 1 and self._broadcaster.monotonic() - entries[0].stamped_at > CONFLATE_BEHIND

    def _conflated(self) -> bytes:
        entries = self._broadcaster.log.read(self.position)
        superseded = self.filter.superseded(entries)
        frames: list[bytes] = []
        size = skipped = 0
        begin = upto = self._seen
        times: list[float] = []  # of several sources, whose events are not in the order of their times
        for index, entry in enumerate(entries):
            if index in superseded:
                skipped, upto = skipped + 1, entry.id
                times.append(entry.event.timestamp)
            else:
                frames.append(self._private(entry) if entry.to is not None else self.filter.frame(entry))
                size += len(frames[-1])
            self.position, self._seen = self.position + 1, entry.id
            if size >= PIECE:
                break
        if not skipped:
            return b"".join(frames)
        self._broadcaster.conflated += skipped
        gap = Gap(
            after=str(begin),
            before=str(_next(upto)),
            start=min(times),
            end=max(times),
            types=("metrics",),
            reason="slow",
            skipped=skipped,
        )
        return self._tell(gap) + b"".join(frames)

    def _place(self, after: EventId) -> list[Gap]:
        """Stand behind `after`; return the gaps of what followed it and is held nowhere."""
        log, newest = self._broadcaster.log, self._broadcaster.log.bounds().newest
        bounds = log.bounds()
        if bounds.floor <= after <= newest:
            # Also an id that was never given: what follows it in the order of ids is all here.
            self.position, self._seen = log.position_after(after), after
            return []
        if after < _FIRST or after > newest:
            return self._losable(_FIRST, _next(newest), "unknown_id", start=None, end=self._broadcaster.now())
        reason: Literal["restart", "retention"] = "restart" if after < bounds.origin else "retention"
        self.position, self._seen = log.start, bounds.floor
        following = next(iter(log.read(self.position)), None)
        gaps = self._losable(
            after,
            following.id if following else _next(newest),
            reason,
            start=self._past(after),
            end=following.event.timestamp if following else self._broadcaster.now(),
        )
        return gaps + self._replayed(after, bounds.floor)

    def _replayed(self, after: EventId, upto: EventId) -> list[Gap]:
        """Have the disk read for what lies between; return the gaps of what it has no more, or never had."""
        kept = self.filter.kept
        if not kept:
            return []
        self._replay = Replay(after, upto)
        return self._trimmed(after, upto) + self._unstored(after, upto)

    def _unstored(self, after: EventId, upto: EventId) -> list[Gap]:
        """Return the gap of what lies between and the disk did not take."""
        kept = self.filter.kept
        lost = [
            span
            for span in self._broadcaster.unstored
            if after < span.last and span.first <= upto and span.types & kept
        ]
        if not lost:
            return []
        first, last = min(span.first for span in lost), max(span.last for span in lost)
        types = kept & frozenset().union(*(span.types for span in lost))
        return [self._gap(max(after, _before(first)), _next(min(upto, last)), types, "not_stored")]

    def _trimmed(self, after: EventId, upto: EventId) -> list[Gap]:
        """Return the gaps of what the disk has let go behind `after`, so far as they are not told yet."""
        known = self._floors
        self._floors = {type: min(floor, upto) for type, floor in self._broadcaster.floors().items()}
        return [
            self._gap(after, _next(floor), [type], "retention")
            for type, floor in sorted(self._floors.items())
            if type in self.filter.kept and floor > max(after, known.get(type, _FIRST))
        ]

    def _gap(
        self, after: EventId, before: EventId, types: Collection[str], reason: Literal["retention", "not_stored"]
    ) -> Gap:
        return Gap(
            after=str(after),
            before=str(before),
            start=self._past(after),
            end=self._past(before),
            types=tuple(sorted(types)),
            reason=reason,
        )

    def _losable(
        self,
        after: EventId,
        before: EventId,
        reason: Literal["restart", "retention", "unknown_id"],
        *,
        start: float | None,
        end: float,
    ) -> list[Gap]:
        types = self.filter.losable
        if not types:
            return []
        return [Gap(after=str(after), before=str(before), start=start, end=end, types=types, reason=reason)]

    def _past(self, id: EventId) -> float | None:
        """Return the time of an id; None when the clock has been set back behind it since: then it tells nothing."""
        return id.time if id.time <= self._broadcaster.now() else None

    def _fallen_out(self) -> bytes:
        """Return the gaps of a viewer that read too slowly, and stand at the oldest entry that is left."""
        log = self._broadcaster.log
        lost = log.lost(self.position)
        seen, floor = self._seen, log.bounds().floor
        self.position, self._seen = log.start, floor
        gaps = []
        if self.filter.losable and lost != 0:
            following: Sequence[Entry] = log.read(log.start)
            gaps.append(
                Gap(
                    after=str(seen),
                    before=str(following[0].id if following else _next(log.bounds().newest)),
                    start=self._past(seen),
                    end=following[0].event.timestamp if following else self._broadcaster.now(),
                    types=self.filter.losable,
                    reason="slow",
                    skipped=lost if self.filter.types is None and not self.filter.selectors else None,
                )
            )
        if self._replay is None and not self._stored:
            return self._tell(*gaps, *self._replayed(seen, floor))
        after = self._stored[-1].id if self._replay is None else self._replay.after
        self._replay = Replay(after, floor)
        gaps += self._unstored(seen, floor)
        return self._tell(*gaps)

    def _tell(self, *gaps: Gap) -> bytes:
        for gap in gaps:
            self._broadcaster.gaps[gap.reason] += 1
        return b"".join(frame(gap.type, gap.encode()) for gap in gaps)


def _before(id: EventId) -> EventId:
    return EventId(id.ms, id.seq - 1) if id.seq else EventId(id.ms - 1, LAST_OF_MS)


def _next(id: EventId) -> EventId:
    return EventId(id.ms, id.seq + 1) if id.seq < LAST_OF_MS else EventId(id.ms + 1, 0)
