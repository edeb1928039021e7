"""The Quart application: routes, guard, errors, headers; made by a factory, with nothing at import."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from hypercorn.typing import Scope as ASGIScope
from quart import Quart, Response, g, render_template, request
from quart.wrappers.base import BaseRequestWebsocket
from werkzeug.exceptions import BadHost, HTTPException
from werkzeug.routing import MapAdapter

from dashboard import __version__
from dashboard.errors import Busy, DashboardError, InvalidInput, TooManyPoints
from dashboard.model import Role
from dashboard.runtime import Runtime
from dashboard.tally import Tally
from dashboard.web.assets import FOR_EVER, Assets, folder
from dashboard.web.chunked_body import ChunkedBody
from dashboard.web.fast_writer import FastWriter, HandingOver
from dashboard.web.forwarded import Proxies
from dashboard.web.guard import HEADERS, PART_HEADERS, Guard
from dashboard.web.limits import Limits
from dashboard.web.opening import Opening
from dashboard.web.portable_writer import PortableWriter
from dashboard.web.pushing import read_rest
from dashboard.web.routing import EVENT_STREAM, MAX_BODY, json_response, register, routes, takes_gzip
from dashboard.web.shape import lacking

log = logging.getLogger("dashboard.web")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ANSWERED = "dashboard.answered"  # where a request's ASGI `scope["extensions"]` says as what it is to be counted
_LARGE = 64 * 1024  # bytes whose compression would be felt by everyone else
_HUGE = 512 * 1024  # bytes whose thorough compression would take longer than to send them
_COMPRESSIBLE = ("text/", "application/json", "image/svg")


class OldVersionsOnly(HTTPException):
    """HTTP/2 and later are for a proxy in front."""

    code = 505
    description = "speak HTTP/1.1; a proxy in front may speak HTTP/2 to browsers"


Shortcut = Callable[[HTTPScope], tuple[list[tuple[bytes, bytes]], bytes] | None]


class App(Quart):
    """Quart, with routes that do not depend on the Host header: what stands there is the guard's to judge."""

    proxies: Proxies | None = None
    """Makes of every request what its sender meant, whatever came between."""
    shortcut: Shortcut | None = None
    """Answers what needs no view. A page has some fifty files: by the long way they cost it a tenth of a second."""
    tally: Tally | None = None
    """Counts every request when its answer has been sent."""

    async def __call__(self, scope: ASGIScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return await super().__call__(scope, receive, send)
        began = time.monotonic()
        try:
            await self._answer(scope if self.proxies is None else self.proxies.resolve(scope), receive, send)
        finally:
            answered = scope["extensions"].get(_ANSWERED)
            if answered is not None and self.tally is not None:
                self.tally.count(**answered, seconds=time.monotonic() - began)
        return None

    async def _answer(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        answer = self.shortcut(scope) if self.shortcut is not None else None
        if answer is None:
            if scope["root_path"]:
                scope = {**scope, "path": scope["root_path"] + scope["path"]}  # as ASGI has it
            return await super().__call__(scope, receive, send)
        headers, body = answer
        await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        return None

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> MapAdapter | None:
        """Return what finds a request's route, also for a host that is no name at all."""
        try:
            return super().create_url_adapter(request)
        except BadHost:
            path, method = (request.path, request.method) if request is not None else ("/", "GET")
            return self.url_map.bind("localhost", path_info=path, default_method=method)


def create_app(runtime: Runtime) -> Quart:
    """Build the application around a running program."""
    app = App("dashboard", static_folder=None, template_folder=str(folder("templates")))
    app.config["MAX_CONTENT_LENGTH"] = 8 * MAX_BODY  # past this nobody reads on, see pushing
    app.url_map.merge_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    assets = Assets(folder("static"))
    app.extensions["assets"] = assets
    limits = app.extensions["limits"] = Limits(runtime.settings, runtime.tally, runtime.clock)
    app.jinja_env.globals.update(
        version=__version__, instance=runtime.instance, heartbeat_interval=runtime.settings.heartbeat_interval
    )
    app.context_processor(partial(_addresses, assets))
    guard = Guard(_own_names() | {runtime.settings.host}, runtime.settings.allowed_hosts)
    roles = {route.name: route.role for route in routes()}
    own = frozenset(route.path.split("/", 2)[1] for route in routes())
    app.proxies = Proxies(runtime.settings.trusted_proxies, runtime.settings.root_path, own)
    app.tally = runtime.tally
    app.before_request(partial(_admit, guard, roles))
    app.after_request(partial(_finish, runtime))
    app.register_error_handler(HTTPException, partial(_http_error, runtime))
    app.register_error_handler(DashboardError, partial(_own_error, runtime))
    app.register_error_handler(Exception, partial(_crash, runtime))
    register(app, runtime)
    if runtime.settings.fast_writer and not lacking():
        writer = FastWriter(runtime)
        app.asgi_http_class = HandingOver
        app.extensions["opening"] = Opening(runtime, guard, limits, writer, app.proxies.resolve)
        app.extensions["writer"] = writer
    else:
        app.extensions["writer"] = PortableWriter(runtime)
    app.shortcut = partial(_static_file, runtime, guard, assets)
    return app


def _static_file(
    runtime: Runtime, guard: Guard, assets: Assets, scope: HTTPScope
) -> tuple[list[tuple[bytes, bytes]], bytes] | None:
    if scope["method"] != "GET":
        return None
    asked = dict(scope["headers"])
    found = assets.kept(scope["path"], asked.get(b"accept-encoding", b""))
    if found is None or not guard.knows(asked.get(b"host", b"").decode("latin-1")):
        return None
    if b"content-length" in asked or b"transfer-encoding" in asked:
        return None  # a body that has to be read first
    body, kind = found
    runtime.tally.bytes_sent += len(body)
    scope["extensions"][_ANSWERED] = {"route": "/static/<path:path>", "method": "GET", "status": 200}
    given = {
        # A worker brings its own policies, as a document does; to scripts and styles they would be half their size.
        **(HEADERS if "worker" in scope["path"] else PART_HEADERS),
        "Content-Type": f"{kind}; charset=utf-8",
        "Content-Encoding": "gzip",
        "Content-Length": str(len(body)),
        "Cache-Control": FOR_EVER,
        "Vary": "Accept-Encoding",
    }
    return [(name.lower().encode(), value.encode()) for name, value in given.items()], body


def _addresses(assets: Assets) -> dict[str, object]:
    """Return what templates write addresses with: the prefix of this request, and of a file in `static`."""
    address = partial(assets.url, request.root_path)
    shared = [address(name) for name in assets.shared]
    return {"root_path": request.root_path, "static": address, "joined": assets.joined, "shared": shared}


def _own_names() -> frozenset[str]:
    """Return the names of this machine; its full one only where the network tells it at once."""
    names = {socket.gethostname()}
    # In a thread of its own, for a broken name server lets it wait for half a minute.
    asking = threading.Thread(target=lambda: names.add(socket.getfqdn()), name="own-name", daemon=True)
    asking.start()
    asking.join(0.5)
    return frozenset(names)


def wants_page() -> bool:
    """Tell whether an answer should be a page: asked for HTML, outside the API."""
    return not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")


async def _admit(guard: Guard, roles: dict[str, Role]) -> None:
    if request.http_version not in ("1.0", "1.1"):
        raise OldVersionsOnly
    if request.headers.get("Upgrade", "").lower() == "websocket":
        raise InvalidInput("Upgrade: there are no websockets here; live events are read from /api/v1/events")
    role = roles.get(request.endpoint or "", Role.ANYONE)
    g.principal = guard.admit(request, role)


async def _finish(runtime: Runtime, response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    route = request.url_rule.rule if request.url_rule is not None else "none"
    method = request.method if request.method in _METHODS else "other"  # each is a series: no client may invent them
    if response.content_type == EVENT_STREAM:
        runtime.tally.requests[route, method, response.status_code] += 1
        return response
    body = await response.get_data(as_text=False)
    compressible = (response.content_type or "").startswith(_COMPRESSIBLE) and len(body) > 1024
    if compressible and "Content-Encoding" not in response.headers and takes_gzip(request):
        if len(body) > _LARGE:
            body = await asyncio.to_thread(gzip.compress, body, 1 if len(body) > _HUGE else 6, mtime=0)
        else:
            body = gzip.compress(body, 6, mtime=0)
        response.set_data(body)
        response.headers["Content-Encoding"] = "gzip"
    if len(body) > _LARGE:
        response.response = ChunkedBody(body)
    if compressible:
        response.headers["Vary"] = "Accept-Encoding"
    if "Connection" not in response.headers and not await read_rest(request):
        response.headers["Connection"] = "close"
    runtime.tally.bytes_sent += len(body)
    request.scope["extensions"][_ANSWERED] = {"route": route, "method": method, "status": response.status_code}
    return response


async def _http_error(runtime: Runtime, error: HTTPException) -> Response:
    code = error.code or 500
    words = {
        404: "there is nothing here",
        405: "this path does not take this method",
        413: f"at most {MAX_BODY} bytes are taken",
    }
    answer = await _error_answer(
        runtime, code, (error.name or "error").lower().replace(" ", "_"), words.get(code, error.description or "")
    )
    answer.headers.extend((name, value) for name, value in error.get_headers() if name != "Content-Type")
    return answer


async def _own_error(runtime: Runtime, error: DashboardError) -> Response:
    much = {"series": error.series, "max_series": error.max_series} if isinstance(error, TooManyPoints) else {}
    answer = await _error_answer(runtime, error.status, error.code, str(error), **much)
    if isinstance(error, Busy):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


async def _crash(runtime: Runtime, error: Exception) -> Response:
    log.error("%s %s failed:\n%s", request.method, request.path, "".join(traceback.format_exception(error)))
    return await _error_answer(runtime, 500, "internal", "the server failed to answer this; its log says why")


async def _error_answer(runtime: Runtime, status: int, code: str, message: str, **further: int) -> Response:
    if wants_page():
        page = await render_template(
            "error.html",
            status=status,
            title=code.replace("_", " ").capitalize(),
            message=message,
            boards=list(runtime.boards.values()),
            page="error",
        )
        return Response(page, status, {"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")
    return json_response({"error": {"code": code, "message": message, **further}}, status)
