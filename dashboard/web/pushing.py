"""What all ways in share: the kind of body, whose it is, and the form of the answer."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from quart import Response
from werkzeug.exceptions import HTTPException

from dashboard.errors import InvalidInput, InvalidParameter
from dashboard.ingest.items import Rejection
from dashboard.recent import Recent
from dashboard.web.routing import JSON, Context, json_response


class CompressedBody(HTTPException):
    """A body in a coding; few bytes of one could become many."""

    code = 415
    name = "Unsupported Media Type"
    description = "compressed bodies are not read: send it as it is, without Content-Encoding"

    def get_headers(self, *given: Any) -> list[tuple[str, str]]:
        """Return the headers of the answer, with what may be sent instead (RFC 9110, 12.5.3)."""
        return [*super().get_headers(*given), ("Accept-Encoding", "identity")]


async def json_body(context: Context) -> bytes:
    """Return the body; raise InvalidInput unless it says that it is JSON, which no foreign page can.

    Raises CompressedBody when it is compressed.
    """
    if context.request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise CompressedBody
    if context.request.mimetype != JSON:
        raise InvalidInput(f"send Content-Type: {JSON}")
    return await context.body()


def sender(context: Context) -> str:
    """Return the instance that an item without one belongs to: this machine, or the sender's address."""
    address = context.request.remote_addr or ""
    try:
        local = ipaddress.ip_address(address).is_loopback
    except ValueError:
        local = True
    return context.runtime.instance if local else address


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
