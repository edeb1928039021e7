"""Times of a question: Unix seconds, or ISO 8601 with its offset from UTC. A zone is never guessed."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone

from dashboard.errors import InvalidParameter
from dashboard.web.routing import number

EARLIEST, LATEST = -6e10, 1e11
"""Unix seconds between which a time must be, from the year 68 to 5138: what is above is milliseconds."""

_ISO = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?P<part>[.,][0-9]{1,9})?"
    # The bare + of an address comes as a space.
    r"(?P<zone>[Zz]|(?P<sign>[+\- ])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2}))?"
)
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d|w)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}


def moment(parameter: str, text: str) -> float:
    """Read a time as Unix seconds; raise InvalidParameter, which says what is wrong with it."""
    found = _ISO.fullmatch(text)
    if found is not None:
        return _near(parameter, _of_iso(parameter, text, found))
    value = number(text)
    if not math.isfinite(value):
        raise InvalidParameter(
            parameter,
            "must be a time: Unix seconds, or ISO 8601 with an offset, such as 2026-11-22T03:00:00Z "
            "or 2026-11-22T04:00:00+01:00",
        )
    return _near(parameter, value)


def seconds(parameter: str, text: str) -> float:
    """Read a span as seconds: a number of them, or one with a unit, such as `500ms`, `15s`, `1m`, `6h`, `30d`."""
    found = _DURATION.fullmatch(text)
    value = float(found[1]) * _UNITS[found[2]] if found is not None else number(text)
    if not math.isfinite(value):
        raise InvalidParameter(parameter, "must be a number of seconds, or one with a unit, such as 15s, 1m or 6h")
    return value


def iso(time: float) -> str:
    """Write a time as ISO 8601 in UTC, with its offset; milliseconds only where there are some."""
    at = datetime.fromtimestamp(round(time, 3), UTC)
    return at.isoformat(timespec="milliseconds" if at.microsecond else "seconds")


def span(length: float) -> str:
    """Write a span for people, in the largest unit of which there are two: `90 s`, `36 h`, `30 d`, `2 years`."""
    for unit, name in ((31_536_000.0, "years"), (86_400.0, "d"), (3_600.0, "h"), (60.0, "min")):
        if length >= 2 * unit:
            return f"{length / unit:.4g} {name}"
    return f"{length:.4g} s"


def _near(parameter: str, time: float) -> float:
    if not EARLIEST < time < LATEST:
        raise InvalidParameter(parameter, "is far from any time: Unix seconds are wanted, not milliseconds")
    return time


def _of_iso(parameter: str, text: str, found: re.Match[str]) -> float:
    if found["zone"] is None:
        raise InvalidParameter(
            parameter,
            f"{text} has no offset from UTC, and a zone is never guessed: write {text}Z for UTC, "
            f"or {text}+01:00 where clocks are an hour ahead of it",
        )
    try:
        at = datetime.fromisoformat(f"{found['date']}T{found['time']}").replace(tzinfo=_zone(found))
        part = float(f"0.{found['part'][1:]}") if found["part"] else 0.0
        return (at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() + part
    except (ValueError, OverflowError) as error:
        raise InvalidParameter(parameter, f"{text} is no time that there is: {error}") from error


def _zone(found: re.Match[str]) -> timezone:
    if found["sign"] is None:
        return UTC
    ahead = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
    return timezone(-ahead if found["sign"] == "-" else ahead)
