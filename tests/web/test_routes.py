"""Every route that there is: a role, a sane answer, HEAD, other methods, headers, errors in the right form."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import httpx
import pytest

from dashboard.model import Role
from dashboard.web.routing import Route, routes
from tests.serving import Server
from tests.web.wire import ask, asking

ALL = list(routes())
READ = [route for route in ALL if "GET" in route.methods and route.path != "/api/v1/events"]
PARTS = {"<chart>": "overview.cpu", "<id>": "1", "<name>": "overview", "<path:path>": "js/main.js", "<task>": "backup"}
QUERIES = {"/api/v1/query_range": "?match=system_load_1m", "/explore.toml": "?match=system_load_1m"}
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def address(route: Route) -> str:
    """Return a path that the route answers."""
    path = route.path
    for part, value in PARTS.items():
        path = path.replace(part, value)
    assert "<" not in path, f"{route.path} has a part that PARTS does not know"
    return path + QUERIES.get(route.path, "")


def named(route: Route) -> str:
    return route.path


def hold_headers(headers: httpx.Headers | dict[str, str]) -> None:
    """Raise AssertionError when an answer lacks one of the headers that protect a page."""
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'" and policy["form-action"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] and headers["cross-origin-opener-policy"]
    assert "server" not in headers


class Inline(HTMLParser):
    """Collects what a Content-Security-Policy without inline code would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        runs = tag == "script" and "src" not in values and values.get("type") != "application/json"
        if runs or tag == "style" or any(name == "style" or name.startswith("on") for name in values):
            self.found.append(self.get_starttag_text() or tag)
        for name in ("src", "href", "action"):
            if "//" in (values.get(name) or ""):
                self.foreign.append(self.get_starttag_text() or tag)


def test_every_route_declares_a_role_and_has_a_name_of_its_own() -> None:
    assert ALL and all(isinstance(route.role, Role) for route in ALL)
    assert len({route.name for route in ALL}) == len(ALL)
    writing = {route.path: route.role for route in ALL if not {"GET", "HEAD"}.issuperset(route.methods)}
    assert Role.ANYONE not in writing.values() and Role.VIEWER not in writing.values()
    assert {route.path for route in ALL if route.role is Role.ANYONE} == {"/healthz", "/readyz", "/static/<path:path>"}


def test_the_public_addresses_are_there() -> None:
    api = {"events", "series", "latest", "query_range", "status", "samples"}
    pages = {"/", "/boards/<name>", "/boards/<name>.toml", "/add", "/metrics", "/healthz", "/readyz"}
    assert pages | {f"/api/v1/{name}" for name in api} <= {route.path for route in ALL}


@pytest.mark.parametrize("route", READ, ids=named)
async def test_a_route_answers_with_what_it_says_it_is(client: httpx.AsyncClient, route: Route) -> None:
    answer = await client.get(address(route), headers=HTML)
    assert answer.status_code == 200, answer.text
    hold_headers(answer.headers)
    kind, _, charset = answer.headers["content-type"].partition("; ")
    assert answer.content and answer.headers["cache-control"]
    assert kind == "application/json" or charset.endswith("charset=utf-8") or kind in ("application/toml", "image/png")
    if kind == "application/json":
        assert isinstance(answer.json(), dict)
    if kind == "text/html":
        assert answer.text.lower().startswith("<!doctype html>")
        inline = Inline()
        inline.feed(answer.text)
        assert (inline.found, inline.foreign) == ([], [])


@pytest.mark.parametrize("route", [route for route in ALL if "GET" in route.methods], ids=named)
async def test_head_answers_as_get_without_a_body_and_comes_to_an_end(client: httpx.AsyncClient, route: Route) -> None:
    answer = await client.head(address(route), headers=HTML)
    assert answer.status_code == 200 and answer.content == b""
    hold_headers(answer.headers)


@pytest.mark.parametrize("route", ALL, ids=named)
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "POST", "GET", "QUERY"])
async def test_other_methods_are_refused_and_those_there_are_named(
    client: httpx.AsyncClient, route: Route, method: str
) -> None:
    taken = {method for other in ALL if other.path == route.path for method in other.methods}
    if method in taken:
        return
    answer = await client.request(method, address(route))
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"
    assert taken <= set(answer.headers["allow"].split(", "))
    hold_headers(answer.headers)


@pytest.mark.parametrize("path", ["/nothing", "/boards/nothing", "/boards/nothing.toml", "/static/nothing.js", "/.env"])
async def test_an_unknown_path_is_a_page_or_json_by_what_was_asked_for(client: httpx.AsyncClient, path: str) -> None:
    page = await client.get(path, headers=HTML)
    data = await client.get(path)
    assert (page.status_code, data.status_code) == (404, 404)
    assert page.headers["content-type"] == "text/html; charset=utf-8" and "</html>" in page.text
    assert "<title>Not found · web-1</title>" in page.text and "<h1>Not found</h1>" in page.text
    assert data.json()["error"]["code"] == "not_found"
    for answer in (page, data):
        hold_headers(answer.headers)


async def test_the_api_answers_json_to_a_browser_too(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/nothing", headers=HTML)
    assert answer.status_code == 404 and answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pyproject.toml",
        "/static/%2e%2e/pyproject.toml",
        "/static/..%2fpyproject.toml",
        "/static//etc/passwd",
        "/static/js/../../pyproject.toml",
        "/static/%00",
        "/static/js",
        "/boards/..%2f..%2fx",
        "/boards/%00",
    ],
)
async def test_no_path_leads_out_of_the_folder(shared: Server, path: str) -> None:
    answer = await ask(shared, asking(path))
    assert answer.status == 404 and b"[project]" not in answer.body


@pytest.mark.parametrize("route", [route for route in ALL if "GET" in route.methods], ids=named)
async def test_what_a_query_says_is_never_reflected_unescaped(client: httpx.AsyncClient, route: Route) -> None:
    names = ["match", "start", "end", "step", "raw", "types", "after", "range", "theme", "q", "next", EVIL]
    for name in names:
        answer = await client.request("HEAD" if route.path.endswith("/events") else "GET", address(route))
        if route.path.endswith("/events") and name not in ("types", "match", "after"):
            continue
        answer = await client.get(address(route).partition("?")[0], params={name: EVIL}, headers=HTML)
        if answer.headers["content-type"].startswith("text/html"):
            assert EVIL not in answer.text and "<img src=x" not in answer.text
        assert answer.status_code in (200, 400)
        assert all(EVIL not in value for value in answer.headers.values())


async def test_what_a_path_says_is_never_reflected_unescaped(shared: Server) -> None:
    for path in ("/%3Cscript%3Ealert(1)%3C/script%3E", "/boards/%3Cimg%20src=x%3E"):
        answer = await ask(shared, asking(path, "Accept: text/html"))
        assert answer.status == 404
        assert b"<script>alert" not in answer.body and b"<img src=x" not in answer.body


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/api/v1/query_range", None, 400, "invalid_parameter"),
        ("GET", "/api/v1/latest?match={", None, 400, "invalid_selector"),
        ("GET", "/api/v1/events?after=x", None, 400, "invalid_parameter"),
        ("POST", "/api/v1/samples", b"{", 400, "invalid"),
        ("POST", "/api/v1/samples", b" " * (4 * 1024 * 1024 + 1), 413, "request_entity_too_large"),
    ],
)
async def test_every_error_of_the_api_has_one_shape(
    client: httpx.AsyncClient, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    answer = await client.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]
    hold_headers(answer.headers)


async def test_a_method_that_someone_made_up_makes_no_series_of_its_own(client: httpx.AsyncClient) -> None:
    """Every label value is a series held in memory: a client must not be able to invent them."""
    for number in range(20):
        assert (await client.request(f"MADEUP{number}", "/healthz")).status_code == 405
    for number in range(20):
        assert (await client.get(f"/made-up-{number}")).status_code == 404
    await client.get("/healthz")

    def labels(body: dict[str, list[dict[str, dict[str, str]]]]) -> list[dict[str, str]]:
        return [entry["labels"] for entry in body["result"]]

    seen: list[dict[str, str]] = []
    while not any(label["route"] == "/healthz" and label["method"] == "GET" for label in seen):
        seen = labels((await client.get("/api/v1/series?match=dashboard_http_requests_total")).json())
    assert not [label for label in seen if "MADEUP" in label["method"] or "made-up" in label["route"]]


async def test_an_upgrade_to_a_websocket_is_refused(shared: Server) -> None:
    for path in ("/", "/api/v1/events"):
        request = asking(path).replace(b"Connection: close", b"Connection: close, Upgrade\r\nUpgrade: websocket")
        extra = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        assert (await ask(shared, request[:-2] + extra)).status in (400, 403, 404)


async def test_what_is_big_is_compressed_for_those_who_take_it(client: httpx.AsyncClient) -> None:
    async def page(coding: str) -> httpx.Response:
        return await client.get("/", headers={"Accept-Encoding": coding})

    for _ in range(100):  # the page has the time in it: between two that are alike it did not turn
        plain, packed, again = await page("identity"), await page("gzip"), await page("identity")
        if plain.text == again.text:
            break
    refused = await client.get("/", headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert all("Accept-Encoding" in answer.headers["vary"] for answer in (plain, packed))
    assert packed.text == plain.text and int(packed.headers["content-length"]) < len(plain.content)


async def test_the_board_is_data_in_the_page_and_no_text_can_end_it(client: httpx.AsyncClient) -> None:
    page = (await client.get("/boards/overview", headers=HTML)).text
    _, _, rest = page.partition('<script type="application/json" id="board">')
    board = json.loads(rest.partition("</script>")[0])
    assert board["name"] == "overview" and board["panels"] and board["instance"] == "web-1"
    toml = await client.get("/boards/overview.toml")
    assert toml.headers["content-type"] == "application/toml" and toml.text.startswith("[[board]]")


async def test_static_files_are_kept_for_ever_under_their_version_only(client: httpx.AsyncClient) -> None:
    page = (await client.get("/", headers=HTML)).text
    at = page.index("/static/")
    versioned = page[at : page.index('"', at)]
    kept, bare = await client.get(versioned), await client.get("/static/js/main.js")
    assert "immutable" in kept.headers["cache-control"] and bare.headers["cache-control"] == "no-cache"
    assert (await client.get("/static/000000000000/js/main.js")).status_code == 404
