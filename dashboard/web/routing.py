"""Routes: each file of this folder lists its own in `ROUTES`, each with the least role that it needs."""

from __future__ import annotations

import math
import pkgutil
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import msgspec
from quart import Quart, Response, g, request
from quart.wrappers import Request

import dashboard.web
from dashboard.model import Principal, Role
from dashboard.tally import Viewer
from dashboard.web.forwarded import counted, parse

if TYPE_CHECKING:
    from dashboard.runtime import Runtime

JSON = "application/json"

EVENT_STREAM = "text/event-stream"

STREAM_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""What keeps proxies from holding events back."""

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a request's body at most."""


class Context(msgspec.Struct, frozen=True):
    """What a view is given: the running program, who asks, and the request."""

    runtime: Runtime
    principal: Principal
    request: Request

    @property
    def viewer(self) -> Viewer:
        """Return by whom a stream of this request is counted."""
        return Viewer(self.principal.name, counted(parse(self.request.remote_addr or "")))

    def arg(self, name: str) -> str | None:
        """Return a query parameter; None when it is absent or empty."""
        return self.request.args.get(name) or None

    def args(self, name: str) -> list[str]:
        """Return every value of a repeatable query parameter."""
        return [value for value in self.request.args.getlist(name) if value]


_NUMBER = re.compile(r" ?[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")  # a bare + before it comes as a space


def number(text: str) -> float:
    """Read a number of a query; NaN when it is none. `float` alone takes 1_000, and the digits of every script."""
    return float(text) if _NUMBER.fullmatch(text) else math.nan


View = Callable[..., Awaitable[Response]]


class Route(msgspec.Struct, frozen=True):
    """A path, the least role that may enter, the view that answers, and the methods it takes."""

    path: str
    role: Role
    view: View
    methods: tuple[str, ...] = ("GET",)

    @property
    def name(self) -> str:
        """Return a name that no other route has."""
        return f"{self.view.__module__}.{self.view.__qualname__} {self.path}"


def routes() -> Iterator[Route]:
    """Yield the routes of every file in this folder."""
    for module in pkgutil.iter_modules(dashboard.web.__path__, "dashboard.web."):
        yield from getattr(import_module(module.name), "ROUTES", ())


def register(app: Quart, runtime: Runtime) -> None:
    """Add every route to `app`; the guard finds a route's role by its endpoint."""
    for route in routes():
        app.add_url_rule(route.path, route.name, partial(_enter, runtime, route), methods=list(route.methods))


async def _enter(runtime: Runtime, route: Route, **parts: str) -> Response:
    return await route.view(Context(runtime, g.principal, request._get_current_object()), **parts)  # type: ignore[attr-defined]


def takes_gzip(request: Request) -> bool:
    """Tell whether the client takes gzip."""
    return request.accept_encodings.quality("gzip") > 0


def json_response(value: object, status: int = 200) -> Response:
    """Return a value as JSON, not to be cached."""
    return Response(msgspec.json.encode(value), status, {"Cache-Control": "no-store"}, content_type=JSON)
