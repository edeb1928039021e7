"""What every way in has in common: bodies taken apart, so that one bad item costs only itself, and refusals."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from dashboard.errors import InvalidInput
from dashboard.ingest.words import words

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
        items = _items(body)
    except NO_JSON as error:
        raise InvalidInput(f"expected one {shape} or a list of them as JSON: {words(error)}") from error
    if len(items) > most:
        raise InvalidInput(f"{len(items)} {noun}s in one request; at most {most}: send them in several")
    taken: dict[int, T] = {}
    rejected: list[Rejection] = []
    for index, item in enumerate(items):
        try:
            taken[index] = read(item if isinstance(item, msgspec.Raw) else _written(item))
        except NO_JSON as error:
            rejected.append(Rejection(index, f"invalid_{noun}", words(error)))
        except InvalidInput as error:
            rejected.append(Rejection(index, error.code, str(error)))
    return taken, rejected


def reason(body: bytes, error: Exception) -> str:
    """Return in words why `body`, a single object, could not be read, which `error` says in those of the decoder."""
    try:
        _written(json.loads(_text(body)))
    except (InvalidInput, msgspec.ValidationError) as better:
        return str(better)
    except (ValueError, RecursionError):
        pass  # no better than what is known already
    return words(error)


def _items(body: bytes) -> Sequence[object]:
    """Return each item of a body: as bytes to decode, or as plain values when one of them keeps the others from it.

    The quick decoder gives a whole list up for a NaN or for half a character in one item; both come from common writers
    of JSON, of which the standard library's is one, and that reads them.
    """
    try:
        if body.lstrip()[:1] == b"{":
            return [msgspec.json.decode(body, type=msgspec.Raw)]
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    except NO_JSON:
        try:
            read = json.loads(_text(body))
        except (ValueError, RecursionError):
            read = None
        if isinstance(read, dict | list):
            return read if isinstance(read, list) else [read]
        raise


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _written(item: object) -> msgspec.Raw:
    """Write an item again; raise what names the field when it holds something that is no JSON."""
    for name, value in item.items() if isinstance(item, dict) else [("", item)]:
        _refuse_no_json(f"{name[:200]}: " if name and name.isprintable() else "", [name, value])
    return msgspec.Raw(json.dumps(item).encode())


def _refuse_no_json(where: str, value: object) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise refusal("not_finite", f"{where}must be a finite number, not {json.dumps(value)}")
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise msgspec.ValidationError(f"{where}holds half a character, which no text can") from None
    if isinstance(value, dict | list):
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            _refuse_no_json(where, part)


def moment(timestamp: float | None, now: float) -> float:
    """Return when an item was true; raise a refusal when that is ahead of the server's clock."""
    time = now if timestamp is None else timestamp
    if not math.isfinite(time) or time > now + FUTURE:
        raise refusal(
            "in_the_future", f"timestamp: over {FUTURE:.0f} s ahead of this server's clock; send Unix seconds"
        )
    return time
