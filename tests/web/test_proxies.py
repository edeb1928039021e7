"""Behind proxies: whom they speak for is believed if they are trusted, and nothing is held back."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from httpx_sse import aconnect_sse
from playwright.async_api import Browser

from tests.browser.glass import Glass, until
from tests.caddy import running_caddy
from tests.needs import need
from tests.nginx import certificate, running_nginx
from tests.serving import Server, running_server
from tests.web.conftest import until_ready
from tests.web.patience import Patience, awake
from tests.web.wire import DEADLINE, ask, asking

PROXIES_PAGE = (Path(__file__).parents[2] / "docs/proxies.md").read_text("utf-8")


@pytest.fixture(scope="module")
def trusting() -> Iterator[Server]:
    """A server that believes what comes from this machine."""
    config = 'trusted_proxies = ["127.0.0.1"]\nallowed_hosts = ["dash.example.com"]\nheartbeat_interval = 0.5\n'
    with running_server(config=config + 'instance = "web-1"') as running:
        until_ready(running)
        yield running


BODY = b'{"series":"forwarded","value":1}'


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["X-Forwarded-Host: dash.example.com", "Origin: http://dash.example.com"], 200),
        (["X-Forwarded-Host: dash.example.com", "X-Forwarded-Proto: https", "Origin: https://dash.example.com"], 200),
        (["X-Forwarded-Host: dash.example.com", "X-Forwarded-Proto: https", "Origin: http://dash.example.com"], 403),
        (["X-Forwarded-Host: dash.example.com:8443", "Origin: https://dash.example.com:8443"], 200),
        (["X-Forwarded-Host: dash.example.com", "Origin: http://evil.example"], 403),
        (["X-Forwarded-Host: evil.example", "Origin: http://evil.example"], 421),
        (["Origin: http://dash.example.com"], 403),
    ],
    ids=str,
)
async def test_writes_are_judged_by_the_name_that_the_browser_used(
    trusting: Server, headers: list[str], status: int
) -> None:
    length = f"Content-Length: {len(BODY)}"
    head = asking("/api/v1/samples", "Content-Type: application/json", length, *headers, method="POST")
    assert (await ask(trusting, head + BODY)).status == status


async def test_a_guest_without_an_instance_is_the_address_that_the_proxy_names(trusting: Server) -> None:
    headers = {"X-Forwarded-For": "203.0.113.7"}
    async with httpx.AsyncClient(base_url=trusting.url) as client:
        await client.post("/api/v1/samples", json={"series": "guest", "value": 1}, headers=headers)
        (found,) = (await client.get("/api/v1/series", params={"match": "guest"})).json()["result"]
    assert found["labels"]["instance"] == "203.0.113.7"


def bare(server: Server, more: str = "") -> str:
    return f"server {{ listen 80; location / {{ proxy_pass {server.url}; }} }} {more}"


async def longest_silence(port: int, seconds: float, query: str = "", path: str = "/healthz") -> float:
    """Read a stream through the proxy at a port for so long; return the longest time without a byte.

    The time counts in which answers to `path` came the same way: no proxy gathers these.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET /api/v1/events{query} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        began = time.monotonic()
        longest = last = 0.0
        async with awake(port, path) as clock:
            while time.monotonic() - began < seconds:
                assert await asyncio.wait_for(reader.read(1 << 20), DEADLINE), "the stream ended"
                longest, last = max(longest, clock.now - last), clock.now
        return longest
    finally:
        writer.transport.abort()


async def until_cut_off(port: int, query: str) -> None:
    """Read a stream through the proxy at a port until it ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET /api/v1/events{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        async with asyncio.timeout(DEADLINE):
            while await reader.read(1 << 20):
                pass
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("seconds", [6, pytest.param(60, marks=pytest.mark.long)])
async def test_through_a_bare_proxy_pass_nothing_is_held_back(seconds: float) -> None:
    """And nothing else: HTTP/1.0 to the server, buffering as nginx has it."""
    async with running_server() as server:
        until_ready(server)
        with running_nginx(bare(server)) as nginx:
            assert await longest_silence(nginx.port, seconds) < 2.0


@pytest.mark.long
@pytest.mark.parametrize("more", ["", "encode gzip"])
async def test_through_caddy_as_the_docs_set_it_up_nothing_is_held_back(more: str) -> None:
    (site,) = re.findall(r"## Caddy\n\n```\ndash\.example\.com \{\n(.*?)\n\}\n```", PROXIES_PAGE, re.DOTALL)
    async with running_server() as server:
        until_ready(server)
        assert "127.0.0.1:8000" in site
        with running_caddy(f"{site.replace('8000', str(server.port))}\n{more}") as port:
            assert await longest_silence(port, 30) < 2.0


@pytest.mark.long
async def test_below_a_path_caddy_is_set_up_as_the_docs_say() -> None:
    (site,) = re.findall(r"with `root_path`:\n\n```\ndash\.example\.com \{\n(.*?)\n\}\n```", PROXIES_PAGE, re.DOTALL)
    config = 'root_path = "/dashboard"\ntrusted_proxies = ["127.0.0.1"]'
    async with running_server(config=config) as server:
        with running_caddy(site.replace("8000", str(server.port))) as port:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as client:
                page = await client.get("/dashboard")
                assert page.status_code == 200 and page.url.path == "/dashboard/" and "/dashboard/static/" in page.text
                assert (await client.get("/dashboard/healthz")).text == "ok\n"
                assert (await client.get("/healthz")).status_code != 200 or not (await client.get("/healthz")).text


@pytest.mark.long
async def test_caddy_that_gathers_is_mended_by_the_line_that_is_shown() -> None:
    """The same board's stream, with heartbeats alone: gathered for a minute, and with our line not at all."""
    line = re.findall(r"\| Caddy \| `([^`]+)` in `reverse_proxy` \|", PROXIES_PAGE)[0]
    assert line in (Path(__file__).parents[2] / "templates/proxy.html").read_text("utf-8")
    async with running_server(config="heartbeat_interval = 0.5") as server:
        proxied = f"reverse_proxy 127.0.0.1:{server.port} {{\n{line}\n}}"
        with running_caddy(proxied) as port:
            assert await longest_silence(port, 5, "?types=system") < 1.5


def snippet(word: str) -> str:
    """Return what the page shows to be copied for a proxy, found by a word in it."""
    dialog = (Path(__file__).parents[2] / "templates/proxy.html").read_text("utf-8")
    (found,) = [text for text in re.findall(r"<code>([^<]+)</code></pre>", dialog) if word in text]
    return str(found)


async def test_nginx_that_cuts_off_is_mended_by_the_lines_that_are_shown() -> None:
    """A stream of heartbeats alone ends in the first silence, and with our lines in the location it does not."""
    lines = snippet("proxy_read_timeout")
    assert set(lines.splitlines()) <= {f"{line};" for line in re.findall(r"([a-z0-9_ ]+);", PROXIES_PAGE)}
    async with running_server(config="heartbeat_interval = 1") as server:
        for mended in ("", lines):
            site = f"proxy_read_timeout 400ms; location / {{ proxy_pass {server.url}; {mended} }}"
            with running_nginx(f"server {{ listen 80; {site} }}") as nginx:
                if mended:
                    assert await longest_silence(nginx.port, 2.5, "?types=task") > 0.45
                else:
                    await until_cut_off(nginx.port, "?types=task")


@pytest.mark.long
async def test_caddy_that_cuts_off_is_mended_by_the_lines_that_are_shown() -> None:
    """The lines hold for what was set before them, for they take its place."""
    lines = snippet("read_timeout 1h\n}")
    assert "`read_timeout 1h` in its `transport http`" in PROXIES_PAGE
    async with running_server(config="heartbeat_interval = 3") as server:
        proxied = f"reverse_proxy 127.0.0.1:{server.port} {{\n{lines}\n}}"
        # It ends the answer and may keep the connection, on which then nothing comes.
        with (
            running_caddy(proxied.replace("1h", "1s")) as port,
            pytest.raises((AssertionError, TimeoutError), match=r"the stream ended|^$"),
        ):
            await longest_silence(port, 8, "?types=system")
        with running_caddy(proxied) as port:
            assert await longest_silence(port, 8, "?types=system") > 2.0


async def test_compression_by_the_proxy_holds_nothing_back(trusting: Server) -> None:
    with running_nginx(bare(trusting, "gzip_types *; gzip_min_length 0;")) as nginx:
        assert await longest_silence(nginx.port, 4, "?types=system") < 1.5


async def test_what_a_viewer_reads_through_a_proxy_is_the_stream(trusting: Server) -> None:
    query = {"types": "metrics", "match": "passed_on"}
    with running_nginx(bare(trusting)) as nginx:
        async with (
            httpx.AsyncClient(base_url=nginx.url, timeout=DEADLINE) as client,
            aconnect_sse(client, "GET", "/api/v1/events", params=query) as stream,
        ):
            events = stream.aiter_sse()
            assert (await anext(events)).event == "hello"
            async with awake(nginx.port) as clock:
                await client.post("/api/v1/samples", json={"series": "passed_on", "value": 1})
                event = await anext(event async for event in events if event.event == "metrics")
                assert event.json()["samples"] == {"passed_on": 1.0} and clock.now < 1.0
            polled = await client.get("/api/v1/events", params={**query, "wait": 5, "after": event.id})
            assert polled.json()["events"][0]["resume"] == "resumed"


async def test_a_viewer_that_leaves_the_proxy_leaves_the_server(trusting: Server) -> None:
    async with httpx.AsyncClient(base_url=trusting.url) as client:

        async def streams() -> int:
            return int((await client.get("/api/v1/status")).json()["streams"])

        before = await streams()
        with running_nginx(bare(trusting)) as nginx:
            assert await longest_silence(nginx.port, 1, "?types=system") < 1.5
            patience = Patience(3.0)
            while await streams() > before:
                assert patience.spend()


def shown(mark: str) -> str:
    """Return the example of docs/proxies.md that has this in it and is run here."""
    found = [block for block in re.findall(r"^```nginx proxy\n(.*?)^```$", PROXIES_PAGE, re.M | re.S) if mark in block]
    assert len(found) == 1
    return str(found[0])


async def test_the_nginx_that_is_shown_speaks_http_2_with_browsers(trusting: Server, tmp_path: Path) -> None:
    """Twenty streams and a page share one connection, and all of them move."""
    curl = need("curl")
    cert, key = certificate(tmp_path, "dash.example.com")
    site = shown("http2").replace("http://127.0.0.1:8000", trusting.url)
    site = re.sub(r"/etc/ssl/\S+\.pem", str(cert), re.sub(r"/etc/ssl/\S+\.key", str(key), site))
    with running_nginx(site) as nginx:
        base = f"https://dash.example.com:{nginx.port}"
        command = [curl, "--silent", "--show-error", "--http2", "--cacert", cert, "--max-time", "8", "--parallel"]
        command += [
            "--resolve",
            f"dash.example.com:{nginx.port}:127.0.0.1",
            "--write-out",
            "%{http_version} %{http_code}\n",
        ]
        urls = [f"{base}/", *(f"{base}/api/v1/events?types=system&n={number}" for number in range(20))]
        outputs = [part for number in range(len(urls)) for part in ("--output", str(tmp_path / f"{number}"))]
        process = await asyncio.create_subprocess_exec(
            *map(str, [*command, "--parallel-max", "30", *outputs, *urls]),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, _ = await asyncio.wait_for(process.communicate(), DEADLINE)
        assert out.decode().split("\n")[:-1] == ["2 200"] * 21
        assert b"<html" in (tmp_path / "0").read_bytes()
        for number in range(1, 21):
            assert (tmp_path / f"{number}").read_bytes().count(b"event: heartbeat") >= 3
        async with httpx.AsyncClient(verify=False) as client:
            headers = {"Host": f"dash.example.com:{nginx.port}", "Origin": base}
            answer = await client.post(
                f"https://127.0.0.1:{nginx.port}/api/v1/samples", json={"series": "secure", "value": 1}, headers=headers
            )
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def prefixed(way: str, log: Path | None = None) -> AsyncIterator[str]:
    """Serve below a path, in one of the ways that there are; yield the address.

    A `log` gets a line `STATUS TARGET` for each request to any path.
    """
    config = {"root_path": 'root_path = "/dash"', "kept": 'root_path = "/dash"'}.get(way, "")
    async with running_server(config=f'{config}\ntrusted_proxies = ["127.0.0.1"]\nheartbeat_interval = 0.5') as server:
        until_ready(server)
        target = server.url if way == "kept" else f"{server.url}/"
        said = "proxy_set_header X-Forwarded-Prefix /dash;" if way == "header" else ""
        location = f"location /dash/ {{ proxy_pass {target}; proxy_set_header Host $http_host; {said} }}"
        noted = f"access_log {log} noted;" if log else ""
        line = "log_format noted '$status $request_uri';"
        with running_nginx(f"{line} server {{ listen 80; {noted} {location} location / {{ return 404; }} }}") as nginx:
            yield f"{nginx.url}/dash"


WAYS = pytest.mark.parametrize("way", ["root_path", pytest.param("kept", marks=pytest.mark.long), "header"])


@WAYS
async def test_below_a_path_every_address_that_a_page_names_is_there(way: str) -> None:
    async with prefixed(way) as base, httpx.AsyncClient(timeout=DEADLINE) as client:
        pages, seen = [f"{base}/"], set[str]()
        while pages:
            url = pages.pop()
            if url in seen:
                continue
            seen.add(url)
            assert url.startswith(f"{base}/"), f"{url} leaves the path"
            answer = await client.get(url)
            assert answer.status_code == 200, url
            if answer.headers["content-type"].startswith("text/html"):
                found = re.findall(r'(?:href|src)="([^"#]+)', answer.text)
                pages += [urljoin(url, link.replace("&amp;", "&")) for link in found if ":" not in link.split("/")[0]]
                embedded = re.search(r'"root_path":"([^"]*)"', answer.text)
                assert embedded is None or embedded[1] == "/dash"
        assert len(seen) > 15 and f"{base}/add" in seen
        missing = await client.get(f"{base}/nothing", headers={"Accept": "text/html"})
        assert missing.status_code == 404 and 'href="/dash/"' in missing.text


@WAYS
async def test_below_a_path_a_browser_is_live(way: str, browser: Browser, tmp_path: Path) -> None:
    """Every page works, shows what is pushed below the path, and asks, its worker too, for nothing that is missing."""
    log = tmp_path / "requests"
    async with prefixed(way, log) as base, httpx.AsyncClient(timeout=DEADLINE) as client:
        glass = Glass(await browser.new_page(viewport={"width": 1440, "height": 2000}))
        links: list[str] = []
        for page in ("/add", "/status", "/boards/overview", "/"):
            await glass.page.goto(base + page)
            if page == "/add":
                command = await glass.page.locator("pre").first.inner_text()
                assert f"{base}/api/v1/samples" in command
            else:
                await glass.status("live")
                await glass.page.locator(".panel[data-state=live]").first.wait_for()
            links += await glass.page.evaluate("[...document.querySelectorAll('a[href]')].map((link) => link.href)")
        line = {"level": "error", "logger": "pump", "message": f"The pump of {way} stands"}
        assert (await client.post(f"{base}/api/v1/logs", json=line)).status_code == 200
        task = {"title": f"Backup by {way}", "done": 420, "total": 1000, "interval": 60}
        assert (await client.put(f"{base}/api/v1/tasks/backup", json=task)).status_code == 200
        notice = {"title": f"Tests by {way}", "message": "They passed."}
        toast = glass.page.locator("notice-toasts").get_by_text(notice["title"])
        toasted = asyncio.create_task(toast.wait_for())  # already, for it does not stay
        assert (await client.post(f"{base}/api/v1/notifications", json=notice)).status_code == 200
        await glass.panels_when(
            lambda panels: line["message"] in panels["log"].text and f"Backup by {way}" in panels["tasks"].text
        )
        await toasted
        for schema in ("events.json", "events.d.ts"):
            assert (await client.get(f"{base}/schema/{schema}")).status_code == 200
        await glass.page.close()
        await until(lambda: "/dash/api/v1/events" in log.read_text())  # a stream has its line once it has ended
        asked = [line.split(" ", 1) for line in log.read_text().splitlines()]
    assert {(status, target) for status, target in asked if not target.startswith("/dash/")} == set()
    assert {(status, target) for status, target in asked if status not in ("200", "304", "499")} == set()
    assert {"/dash/api/v1/events", "/dash/api/v1/query_range", "/dash/api/v1/status"} <= {
        urlsplit(target).path for _, target in asked
    }
    assert [link for link in links if urlsplit(link).netloc == urlsplit(base).netloc and "/dash/" not in link] == []
    assert glass.faults == []


def test_what_is_shown_as_settings_is_what_the_tests_use() -> None:
    assert json.dumps(["127.0.0.1"]) in PROXIES_PAGE and shown("X-Forwarded-Prefix")
