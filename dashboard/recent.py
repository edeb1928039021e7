"""The newest events of one type, newest first: what a panel shows before its stream goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import msgspec

from dashboard.eventlog import EventId, EventLog
from dashboard.events import Event

E = TypeVar("E", bound=Event)


class Recent(NamedTuple):
    """Events as JSON with their ids, newest first, and the id up to which nothing is missing."""

    as_of: EventId
    events: list[msgspec.Raw]


def recent(log: EventLog, kind: type[E], limit: int, chosen: Callable[[E], bool]) -> Recent:
    """Return the newest events of a type that are `chosen`, at most `limit`."""
    found: list[msgspec.Raw] = []
    for entry in reversed(log.read(log.start)):
        if len(found) == limit:
            break
        if isinstance(entry.event, kind) and chosen(entry.event):
            found.append(msgspec.Raw(b'{"id":"%b",%b' % (str(entry.id).encode(), entry.data[1:])))
    return Recent(log.bounds().newest, found)
