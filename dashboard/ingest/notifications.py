"""Notices to all or to one principal, pushed as JSON."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from dashboard import plain
from dashboard.events import Notification
from dashboard.ingest.items import Rejection, read_each, refusal
from dashboard.ingest.logs import MAX_NAME, Name, level_of

MAX_NOTIFICATIONS = 100
"""Notices of one request at most."""

MAX_TITLE = 200
MAX_MESSAGE = 4_096


class PushedNotification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One notice as a program sends it; `to` is the name of the principal that it is for (none: all).

    With `annotate` it is put on all charts, too.
    """

    title: str
    message: str | None = None
    level: Name = "info"
    to: Annotated[str, Meta(max_length=MAX_NAME)] | None = None
    annotate: bool = False


class Reading(msgspec.Struct, frozen=True):
    """What a request held: notices to publish, which of them are to be put on charts, and what was refused."""

    notifications: list[Notification]
    annotated: list[Notification]
    rejected: list[Rejection]


def read(body: bytes, *, source: str, now: float) -> Reading:
    """Read a request's body: one object or a list. `source` tells who sends it.

    Raises InvalidInput when the body is no JSON, neither an object nor a list, or too long.
    """
    taken, rejected = read_each(
        body,
        lambda raw: _notification(raw, source, now),
        noun="notification",
        shape='{"title": …}',
        most=MAX_NOTIFICATIONS,
    )
    notices = taken.values()
    return Reading([notice for notice, _ in notices], [notice for notice, annotate in notices if annotate], rejected)


def _notification(raw: msgspec.Raw, source: str, now: float) -> tuple[Notification, bool]:
    pushed = msgspec.json.decode(raw, type=PushedNotification)
    title = plain.line(pushed.title, MAX_TITLE)
    if not title:
        raise refusal("invalid_notification", "title: must not be empty")
    to = pushed.to
    if to is not None and (not to or plain.line(to, MAX_NAME) != to):
        raise refusal("invalid_notification", "to: must be the name of a principal; leave it out to tell everyone")
    if to is not None and pushed.annotate:
        raise refusal("invalid_notification", "annotate: charts are for everyone, and this notice is not: leave out to")
    notice = Notification(
        timestamp=now,
        source=source,
        title=title,
        message=plain.text(pushed.message or "", MAX_MESSAGE).strip(),
        level=level_of(pushed.level),
        to=to,
    )
    return notice, pushed.annotate
