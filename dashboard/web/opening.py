"""The short way to a stream: its request is recognised by the connection's first bytes, and no view answers it.

The way through the server and its application costs several times what the stream's beginning does, and a restart
brings thousands of viewers back at once. The short way can only say yes. Whatever is not a plain request for a stream
that may begin goes the long way, where it is refused with its reason, or answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast
from urllib.parse import unquote

from hypercorn.typing import HTTPScope
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

_PLAIN = re.compile(
    rb"GET ([\x21-\x7e]+) HTTP/(1\.[01])\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)+)\r\n"
)
"""A whole request, with nothing in it that could be read in two ways, and nothing behind it."""

_PATH = stream.PATH.encode()
_LONG = frozenset({b"upgrade", b"content-length", b"transfer-encoding", b"expect"})


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


def read_plain(begun: bytes) -> tuple[bytes, bytes, list[tuple[bytes, bytes]]] | None:
    """Return target, version and headers of a request that is plain; None when these bytes are not just one such."""
    plain = _PLAIN.fullmatch(begun)
    if plain is None:
        return None
    parts = (line.partition(b":") for line in plain[3].split(b"\r\n")[:-1])
    headers = [(name.lower(), value.strip(b" \t")) for name, _, value in parts]
    names = [name for name, _ in headers]
    if names.count(b"host") != 1 or not _LONG.isdisjoint(names):
        return None
    return plain[1], plain[2], headers


def _scope(connection: Connection, begun: bytes) -> HTTPScope | None:
    """Return the ASGI scope of a request that may be for a stream; None when it is none of the kind."""
    read = read_plain(begun) if _PATH in begun else None
    if read is None:
        return None
    target, version, headers = read
    path, _, query = target.partition(b"?")
    socket = connection.writer.get_extra_info("socket")
    secure = connection.writer.get_extra_info("ssl_object") is not None
    try:
        client = socket.getpeername()[:2]  # host and port, of IPv6 as well
    except OSError:
        return None
    scope = {
        "type": "http",
        "http_version": version.decode(),
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
