"""Server-Sent Events, the sending half, as the HTML standard has it (section 9.2)."""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r\n|\n|\r")
_FORBIDDEN = re.compile(r"[\r\n\0]")


def frame(event: str, data: bytes, *, id: str | None = None, retry: int | None = None) -> bytes:
    """Return one frame: fields `id`, `event`, `retry` (milliseconds) and `data`, closed by an empty line.

    Line ends in `data` become further `data` fields, which the receiver joins again by LF. An `id` or `event`
    with CR, LF or NUL would end its field or void it: ValueError.
    """
    if _FORBIDDEN.search(event) or (id is not None and _FORBIDDEN.search(id)):
        raise ValueError(f"CR, LF or NUL in an SSE field: {event!r} {id!r}")
    head = f"id: {id}\nevent: {event}\n" if id is not None else f"event: {event}\n"
    if retry is not None:
        head += f"retry: {retry}\n"
    if b"\n" in data or b"\r" in data:
        data = _LINE_END.sub(b"\ndata: ", data)
    return b"%bdata: %b\n\n" % (head.encode(), data)
