"""What every way in has in common: bodies taken apart, so that one bad item costs only itself, and refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import msgspec

from dashboard.errors import InvalidInput

T = TypeVar("T")

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


def read_each(
    body: bytes, read: Callable[[msgspec.Raw], T], *, noun: str, shape: str, most: int
) -> tuple[dict[int, T], list[Rejection]]:
    """Read a request's body, one object or a list; return what was taken, by its index, and what was not.

    Raises InvalidInput, which shows the `shape` to send, when the body is no JSON, neither of both, or over `most`.
    """
    try:
        one = body.lstrip()[:1] == b"{"
        raws = (
            [msgspec.json.decode(body, type=msgspec.Raw)] if one else msgspec.json.decode(body, type=list[msgspec.Raw])
        )
    except NO_JSON as error:
        raise InvalidInput(f"expected one {shape} or a list of them as JSON: {error}") from error
    if len(raws) > most:
        raise InvalidInput(f"{len(raws)} {noun}s in one request; at most {most}: send them in several")
    taken: dict[int, T] = {}
    rejected: list[Rejection] = []
    for index, raw in enumerate(raws):
        try:
            taken[index] = read(raw)
        except NO_JSON as error:
            rejected.append(Rejection(index, f"invalid_{noun}", str(error)))
        except InvalidInput as error:
            rejected.append(Rejection(index, error.code, str(error)))
    return taken, rejected


def moment(timestamp: float | None, now: float) -> float:
    """Return when an item was true; raise a refusal when that is ahead of the server's clock."""
    time = now if timestamp is None else timestamp
    if not math.isfinite(time) or time > now + FUTURE:
        raise refusal(
            "in_the_future", f"timestamp: over {FUTURE:.0f} s ahead of this server's clock; send Unix seconds"
        )
    return time
