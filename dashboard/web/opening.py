"""The short way to a stream: its request is recognised by the connection's first bytes, and no view answers it.

The way through the server and its application costs several times what the stream's beginning does, and a restart
brings thousands of viewers back at once. The short way can only say yes. Whatever is not a plain request for a stream
that may begin goes the long way, where it is refused with its reason, or answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import unquote

import h11
from hypercorn.typing import HTTPScope
from hypercorn.utils import parse_socket_addr
from quart.wrappers import Request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from dashboard.errors import DashboardError
from dashboard.model import Role
from dashboard.runtime import Runtime
from dashboard.web import guard, stream
from dashboard.web.connections import Connection
from dashboard.web.fast_writer import FastWriter, closing_lines, head_of
from dashboard.web.guard import Guard
from dashboard.web.limits import Limits
from dashboard.web.routing import Context

_METHOD, _PATH, _END = b"GET ", stream.PATH.encode(), b"\r\n\r\n"
_LONG = (b"upgrade", b"content-length", b"transfer-encoding", b"expect")


class Opening:
    """Begins streams on connections that ask for one and for nothing else."""

    def __init__(
        self,
        runtime: Runtime,
        guard: Guard,
        limits: Limits,
        writer: FastWriter,
        resolve: Callable[[HTTPScope], HTTPScope],
    ) -> None:
        """`resolve` makes of a scope what its sender meant."""
        self._runtime, self._guard, self._limits, self._writer = runtime, guard, limits, writer
        self._resolve = resolve
        self._head = head_of(HEADERS.items())

    def __call__(self, connection: Connection, begun: bytes) -> bool:
        """Take a connection that began with these bytes; False, with nothing done or counted, for the long way."""
        scope = _scope(connection, begun)
        if scope is None:
            return False
        scope = self._resolve(scope)
        if scope["path"] != stream.PATH:
            return False
        try:
            context = self._context(scope)
            viewer = context.viewer
            if "wait" in context.request.args or not self._limits.allows(viewer):
                return False
            cursor = stream.wanted(context)
        except (DashboardError, HTTPException):
            return False
        self._limits.refusal(viewer)  # none: it is counted
        self._runtime.tally.requests[stream.PATH, "GET", 200] += 1
        chunked = scope["http_version"] == "1.1"
        head = self._head + closing_lines(chunked=chunked)
        self._writer.open(connection, cursor, viewer, head, chunked=chunked)
        return True

    def _context(self, scope: HTTPScope) -> Context:
        headers = Headers([("Remote-Addr", scope["client"][0] if scope["client"] else "")])
        for name, value in scope["headers"]:
            headers.add(name.decode("latin-1").title(), value.decode("latin-1"))
        request = Request(
            scope["method"],
            scope["scheme"],
            scope["path"],
            scope["query_string"],
            headers,
            scope["root_path"],
            scope["http_version"],
            scope,
            send_push_promise=_no_push,
        )
        return Context(self._runtime, self._guard.admit(request, Role.VIEWER), request)


HEADERS = {**stream.HEADERS, **guard.HEADERS}
"""Headers of every stream."""


def _scope(connection: Connection, begun: bytes) -> HTTPScope | None:
    """Return the ASGI scope of a request that may be for a stream; None when these bytes are not just one such."""
    if not begun.startswith(_METHOD) or not begun.endswith(_END) or _PATH not in begun[: begun.index(b"\n")]:
        return None
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=connection.config.h11_max_incomplete_size)
    try:
        parser.receive_data(begun)
        request, end = parser.next_event(), parser.next_event()
    except h11.RemoteProtocolError:
        return None
    if not isinstance(request, h11.Request) or not isinstance(end, h11.EndOfMessage) or parser.trailing_data[0]:
        return None
    headers = list(request.headers)
    if any(name in _LONG for name, _ in headers) or request.http_version not in (b"1.0", b"1.1"):
        return None
    path, _, query = request.target.partition(b"?")
    socket = connection.writer.get_extra_info("socket")
    secure = connection.writer.get_extra_info("ssl_object") is not None
    try:
        client = parse_socket_addr(socket.family, socket.getpeername())
    except OSError:
        return None
    scope = {
        "type": "http",
        "http_version": request.http_version.decode(),
        "asgi": {"spec_version": "2.1", "version": "3.0"},
        "method": "GET",
        "scheme": "https" if secure else "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": client,
        "server": None,
        "state": {},
        "extensions": {},
    }
    return cast(HTTPScope, scope)


async def _no_push(path: str, headers: Headers) -> None:
    """Push nothing: that is of HTTP/2."""
