"""Lines of programs' logs, pushed as JSON: read one by one, cut where they are too long."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from dashboard import plain
from dashboard.events import Level, Log
from dashboard.ingest.items import Rejection, moment, read_each, refusal

MAX_LINES = 1_000
"""Lines of one request at most."""

MAX_MESSAGE = 8_192
"""Characters of a line at most; the rest is cut off."""

MAX_NAME = 200
"""Characters of an instance, a program or a logger at most."""

LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error", "critical")
"""Levels, the least first."""

_OTHER_WORDS: dict[str, Level] = {
    "trace": "debug",
    "notice": "info",
    "information": "info",
    "warn": "warning",
    "err": "error",
    "fatal": "critical",
    "panic": "critical",
    "alert": "critical",
    "emergency": "critical",
}
_LEVELS: dict[str, Level] = {**{level: level for level in LEVELS}, **_OTHER_WORDS}

Name = Annotated[str, Meta(max_length=MAX_NAME)]


class PushedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line as a program sends it; `source` is the program's name, `timestamp` Unix seconds (none: now)."""

    message: str
    level: Name = "info"
    logger: Name | None = None
    timestamp: Annotated[float, Meta(ge=0)] | None = None
    instance: Name | None = None
    source: Name | None = None


class Reading(msgspec.Struct, frozen=True):
    """What a request held: lines to publish, and what was refused."""

    lines: list[Log]
    rejected: list[Rejection]


def read(body: bytes, *, instance: str, now: float) -> Reading:
    """Read a request's body: one object or a list. `instance` is the sender's.

    Raises InvalidInput when the body is no JSON, neither an object nor a list, or too long.
    """
    lines, rejected = read_each(
        body, lambda raw: _line(raw, instance, now), noun="line", shape='{"message": …}', most=MAX_LINES
    )
    return Reading([*lines.values()], rejected)


def level_of(word: str) -> Level:
    """Return the level that a word means, in whatever case; raise a refusal when it means none."""
    level = _LEVELS.get(word.strip().lower())
    if level is None:
        raise refusal("invalid_level", f"level: must be one of {', '.join(LEVELS)}")
    return level


def _line(raw: msgspec.Raw, instance: str, now: float) -> Log:
    pushed = msgspec.json.decode(raw, type=PushedLine)
    home = plain.line(pushed.instance or "", MAX_NAME) or instance
    return Log(
        timestamp=moment(pushed.timestamp, now),
        source=f"{home}/{plain.line(pushed.source or '', MAX_NAME) or 'push'}",
        resource={"instance": home},
        level=level_of(pushed.level),
        message=plain.text(pushed.message, MAX_MESSAGE).rstrip("\n"),
        logger=plain.line(pushed.logger or "", MAX_NAME),
    )
