"""The newest events of one type, newest first: what a panel shows before its stream goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from dashboard.archive import NONE, Kept
from dashboard.errors import StorageError
from dashboard.eventlog import Entry, EventId, EventLog
from dashboard.events import Event

MOST = 20_000
"""Events of the disk that are looked through for one answer at most."""

_LOOK = 2_000  # events read at once
_SPAN = 10 * 60 * 1000  # milliseconds that are looked at first
_WIDER = 8

E = TypeVar("E", bound=Event)


class Stored(Protocol):
    """What a broadcaster gives of the disk."""

    def __call__(self, after: EventId, upto: EventId, types: Collection[str], limit: int) -> Awaitable[list[Kept]]:
        """Return kept events in (after, upto], in the order of ids, at most `limit`; raise StorageError."""
        ...


class Recent(NamedTuple):
    """Events as JSON with their ids, newest first.

    `as_of` is the id up to which nothing is missing, `since` the Unix seconds from which on all was looked through;
    None when it was all that there is.
    """

    as_of: EventId
    events: list[msgspec.Raw]
    since: float | None


async def recent(log: EventLog, stored: Stored, kind: type[E], limit: int, chosen: Callable[[E], bool]) -> Recent:
    """Return the newest events of a type that are `chosen`, at most `limit`, from the log and then from the disk.

    `chosen` is called in a thread, for thousands of long lines take long enough to be felt by every viewer.
    """
    bounds = log.bounds()
    found = await asyncio.to_thread(_of_log, log.read(log.start), kind, limit, chosen)
    name = str(kind.__struct_config__.tag)
    upto, span, looked = bounds.floor, _SPAN, 0
    while len(found) < limit and upto > NONE and looked < MOST:
        after = max(NONE, EventId(upto.ms - span, upto.seq))
        try:
            rows = await stored(after, upto, {name}, _LOOK)
        except StorageError:
            break
        if len(rows) == _LOOK and span > 1:
            span = max(1, span // _WIDER)  # there are more, of which these are the older ones
            continue
        looked += len(rows)
        found += await asyncio.to_thread(_of_disk, rows, kind, limit - len(found), chosen)
        upto, span = after, span * _WIDER if len(rows) < _LOOK // _WIDER else span
    return Recent(bounds.newest, found, upto.time if upto > NONE and len(found) < limit else None)


def _of_log(entries: Sequence[Entry], kind: type[E], limit: int, chosen: Callable[[E], bool]) -> list[msgspec.Raw]:
    matching = (entry for entry in reversed(entries) if isinstance(entry.event, kind) and chosen(entry.event))
    return [_with_id(entry.id, entry.data) for entry in islice(matching, limit)]


def _of_disk(rows: Sequence[Kept], kind: type[E], limit: int, chosen: Callable[[E], bool]) -> list[msgspec.Raw]:
    matching = (row for row in reversed(rows) if (event := _read(row, kind)) is not None and chosen(event))
    return [_with_id(row.id, row.data) for row in islice(matching, limit)]


def _read(row: Kept, kind: type[E]) -> E | None:
    """Return a stored event; None when an earlier version wrote one that is none any more."""
    try:
        return msgspec.json.decode(row.data, type=kind)
    except msgspec.DecodeError:
        return None


def _with_id(id: EventId, data: bytes) -> msgspec.Raw:
    return msgspec.Raw(b'{"id":"%b",%b' % (str(id).encode(), data[1:]))
