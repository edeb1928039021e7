"""What every way in has in common: bodies taken apart, so that one bad item costs only itself, and refusals."""

from __future__ import annotations

import math

import msgspec

from dashboard.errors import InvalidInput

FUTURE = 60.0
"""Seconds by which a sender's clock may be ahead."""

NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading JSON of any kind may raise."""


class Rejection(msgspec.Struct, frozen=True):
    """Why the item at `index` of a request was not taken."""

    index: int
    code: str
    message: str


def refusal(code: str, message: str) -> InvalidInput:
    """Return an error for one item, with a code of its own."""
    error = InvalidInput(message)
    error.code = code
    return error


def items(body: bytes, *, noun: str, shape: str, most: int) -> list[msgspec.Raw]:
    """Take a request's body apart: one object, or a list of at most `most`.

    Raises InvalidInput, which shows the `shape` to send, when the body is no JSON, neither of both, or too long.
    """
    try:
        if body.lstrip()[:1] == b"{":
            return [msgspec.json.decode(body, type=msgspec.Raw)]
        found = msgspec.json.decode(body, type=list[msgspec.Raw])
    except NO_JSON as error:
        raise InvalidInput(f"expected one {shape} or a list of them as JSON: {error}") from error
    if len(found) > most:
        raise InvalidInput(f"{len(found)} {noun} in one request; at most {most}: send them in several")
    return found


def moment(timestamp: float | None, now: float) -> float:
    """Return when an item was true; raise a refusal when that is ahead of the server's clock."""
    time = now if timestamp is None else timestamp
    if not math.isfinite(time) or time > now + FUTURE:
        raise refusal(
            "in_the_future", f"timestamp: over {FUTURE:.0f} s ahead of this server's clock; send Unix seconds"
        )
    return time
