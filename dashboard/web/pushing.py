"""What all ways in share: the kind of body, whose it is, and the form of the answer."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from quart import Response
from quart.wrappers import Request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from dashboard.errors import InvalidInput, InvalidParameter
from dashboard.ingest.items import Rejection
from dashboard.ingest.repeats import Answer
from dashboard.recent import Recent
from dashboard.web.routing import JSON, MAX_BODY, Context, json_response

PATIENCE = 20.0
"""Seconds that a body may take in any case."""

REST = 1.0
"""Seconds that the rest of a body may take once its answer is known."""

SLOWEST = 8 * 1024
"""Bytes of a body that are worth one further second: the largest may come by a line of 64 kbit/s."""


class CompressedBody(HTTPException):
    """A body in a coding; few bytes of one could become many."""

    code = 415
    name = "Unsupported Media Type"
    description = "compressed bodies are not read: send it as it is, without Content-Encoding"

    def get_headers(self, *given: Any) -> list[tuple[str, str]]:
        """Return the headers of the answer, with what may be sent instead (RFC 9110, 12.5.3)."""
        return [*super().get_headers(*given), ("Accept-Encoding", "identity")]


class SlowBody(HTTPException):
    """A body that stands still, or trickles; a connection is not held for it."""

    code = 408
    name = "Request Timeout"

    def __init__(self) -> None:
        super().__init__(f"the body came too slowly: it may take {PATIENCE:g} s, and 1 s more for each {SLOWEST} bytes")

    def get_headers(self, *given: Any) -> list[tuple[str, str]]:
        """Return the headers of the answer, with what becomes of the connection (RFC 9110, 15.5.9)."""
        return [*super().get_headers(*given), ("Connection", "close")]


async def json_body(context: Context) -> bytes:
    """Return the body; raise InvalidInput unless it says that it is JSON, which no foreign page can.

    Raises CompressedBody when it is compressed, RequestEntityTooLarge past `MAX_BODY`, and SlowBody.
    """
    if context.request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise CompressedBody
    if context.request.mimetype != JSON:
        raise InvalidInput(f"send Content-Type: {JSON}")
    return await _body(context.request)


async def _body(request: Request) -> bytes:
    """Return the request's body.

    One somewhat too large is read on all the same, for a client that is still sending when the connection closes never
    gets to see the reason.
    """
    kept, size, most = bytearray(), 0, request.max_content_length or MAX_BODY
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(PATIENCE) as patience:
            async for data in request.body:
                size += len(data)
                if size <= MAX_BODY:
                    kept += data
                    patience.reschedule(began + PATIENCE + size / SLOWEST)
                elif size > most:
                    break
    except TimeoutError:
        if size <= MAX_BODY:
            raise SlowBody from None
    if size > MAX_BODY:
        raise RequestEntityTooLarge
    return bytes(kept)


async def read_rest(request: Request) -> bool:
    """Read what nobody read of a body before it is answered; tell whether that was all of it.

    A connection can take its next request only when this one's body is over, and a client that did not hear that it
    will be closed may have sent that already.
    """
    if "Content-Length" not in request.headers and "Transfer-Encoding" not in request.headers:
        return True
    size = 0
    try:
        async with asyncio.timeout(REST):
            async for data in request.body:
                size += len(data)
                if size > MAX_BODY:
                    return False
    except (TimeoutError, RequestEntityTooLarge):
        return False
    return True


def sender(context: Context) -> str:
    """Return the instance that an item without one belongs to: this machine, or the sender's address."""
    address = context.request.remote_addr or ""
    try:
        local = ipaddress.ip_address(address).is_loopback
    except ValueError:
        local = True
    return context.runtime.instance if local else address


async def taken_once(context: Context, take: Callable[[bytes], Awaitable[Answer]]) -> Response:
    """Have `take` the JSON of the body, unless its `Idempotency-Key` says that it did before; give the same answer.

    Raises what `json_body` does, and InvalidParameter for a key that cannot be used.
    """
    body, key = await json_body(context), context.request.headers.get("Idempotency-Key", "")
    if not key:
        return answer(*await take(body))
    place = (context.principal.name, context.request.path, key)
    return answer(*await context.runtime.repeats.once(place, body, lambda: take(body)))


def answer(accepted: int, rejected: Sequence[Rejection]) -> Response:
    """Tell what was accepted and, one by one, what was not and why: 400 when nothing was."""
    return json_response({"accepted": accepted, "rejected": rejected}, 200 if accepted or not rejected else 400)


def listed(context: Context, found: Recent) -> Response:
    """Give the newest events of a type."""
    return json_response(
        {
            "as_of": str(found.as_of),
            "server_time": context.runtime.clock.wall(),
            "since": found.since,
            "result": found.events,
        }
    )


def limit(context: Context, default: int, most: int) -> int:
    """Return the query parameter `limit`, a whole number from 1 to `most`."""
    text = context.arg("limit")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise InvalidParameter("limit", f"must be a whole number from 1 to {most}")
    return int(text)
