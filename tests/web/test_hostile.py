"""Requests that mean harm: each is refused with a reason or cut off, soon, and costs nobody else anything."""

from __future__ import annotations

import json
import re
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.selector import MAX_TESTS
from tests.serving import TRACEBACK, Server, running_server
from tests.web.conftest import until_ready
from tests.web.wire import DEADLINE

SOON = 5.0
"""Seconds within which any of these is answered, on a machine with much else to do."""


@pytest.fixture(scope="module")
def attacked() -> Iterator[Server]:
    """A server that has been there for a while, and must be as it was afterwards."""
    with running_server(config="max_series = 20000\nheartbeat_interval = 0.5") as running:
        until_ready(running)
        yield running


@pytest.fixture(autouse=True)
def _unharmed(attacked: Server) -> Iterator[None]:
    yield
    began = time.monotonic()
    assert httpx.get(f"{attacked.url}/healthz", timeout=SOON).text == "ok\n"
    assert time.monotonic() - began < SOON and TRACEBACK not in attacked.log(), attacked.log()[-3000:]


def sent(server: Server, request: bytes, patience: float = 4.0) -> bytes:
    """Send bytes as they are; return what comes back until the server closes, or a stream's first event.

    A server that waits for more is told after `patience` seconds that there is none. One that has yet to begin leaves
    a request alone whose sender has gone, so only those are told soon who may be given no answer.
    """
    began, answer = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", server.port), SOON) as connection:
        connection.settimeout(SOON)
        try:
            connection.sendall(request)
            if not select.select([connection], [], [], patience)[0]:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(1 << 16):
                answer += piece
                if b"text/event-stream" in answer and b"event: hello" in answer:
                    return answer
        except (ConnectionError, TimeoutError):
            pass
    assert time.monotonic() - began < SOON + 1
    return answer


def resident(server: Server) -> int:
    """Return the server's memory in bytes."""
    text = Path(f"/proc/{server.pid}/status").read_text()
    return 1024 * int(re.findall(r"VmRSS:\s+(\d+)", text)[0])


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def lines(*headers: bytes, target: bytes = b"/api/v1/events?wait=0") -> bytes:
    return b"\r\n".join([b"GET " + target + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *headers, b"", b""])


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(lines(b"X: " + b"a" * 1_000_000), id="one header of a megabyte"),
        pytest.param(lines(*[b"X-%d: %b" % (number, b"a" * 100) for number in range(10_000)]), id="a megabyte of them"),
        pytest.param(lines(*[b"X: 1"] * 200_000), id="200,000 of them"),
        pytest.param(lines(target=b"/" + b"a" * 1_000_000), id="an address of a megabyte"),
        pytest.param(lines(target=b"/api/v1/events?" + b"match=a&" * 100_000), id="100,000 selectors"),
        pytest.param(b"G" * 1_000_000, id="a method of a megabyte"),
        pytest.param(b"\r\n" * 500_000, id="nothing, at length"),
        pytest.param(lines(b"X: a\0b"), id="NUL in a header"),
        pytest.param(lines(b"Last-Event-ID: 1-0\0"), id="NUL in an id"),
        pytest.param(lines(b"X: a\r b: c"), id="a bare CR"),
        pytest.param(lines(b"Content-Length: -1"), id="a length below zero"),
        pytest.param(lines(b"Content-Length: 1", b"Content-Length: 2"), id="two lengths"),
        pytest.param(lines(b"Transfer-Encoding: gzip"), id="an unknown coding"),
    ],
)
def test_what_is_no_request_is_refused_and_leaves_nothing_behind(attacked: Server, request_: bytes) -> None:
    sent(attacked, request_, 1.0)
    before = resident(attacked)
    for _ in range(10):
        assert status_of(sent(attacked, request_, 1.0)) in (0, 400, 404, 431, 501), "it was taken"
    assert resident(attacked) < before + 8_000_000


@pytest.mark.parametrize("settings", [b"AAA", b"AAMAAABkAARAAAAAAAIAAAAA", b"", b"\xff=", b"a" * 1_000])
def test_an_offer_to_go_on_in_http_2_is_answered_in_http_1_1(attacked: Server, settings: bytes) -> None:
    offer = [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: " + settings]
    answer = sent(attacked, lines(*offer, target=b"/healthz"))
    assert status_of(answer) == 200 and answer.endswith(b"\r\n\r\nok\n")
    assert b"upgrade" not in answer.lower()


@pytest.mark.parametrize("frames", [b"", b"\0\0\0\4\0\0\0\0\0", b"\0\0\1\1\4\0\0\0\1\x82", b"\xff" * 5_000, lines()])
def test_http_2_from_the_first_byte_is_refused_in_http_1_1(attacked: Server, frames: bytes) -> None:
    answer = sent(attacked, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frames)
    assert status_of(answer) == 505 and b"speak HTTP/1.1" in answer


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [b"Sec-WebSocket-Version: 13"],
        [b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 7"],
        [b"Sec-WebSocket-Key: \xff", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Extensions: \xff; ="],
        [b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13", b"Content-Length: 3"],
    ],
)
def test_a_websocket_of_any_kind_is_refused(attacked: Server, headers: list[bytes]) -> None:
    for noise in (b"", b"\x81\x05hello", b"\xff" * 1_000):
        request = lines(b"Connection: Upgrade", b"Upgrade: websocket", *headers)
        assert status_of(sent(attacked, request + noise)) in (400, 403, 404)


def test_many_small_headers_that_fit_are_read_in_no_time(attacked: Server) -> None:
    forwarded = b"X-Forwarded-For: " + b"127.0.0.1," * 5_000 + b"127.0.0.1"
    for headers in (
        [b"A: 1"] * 9_000,
        [forwarded],
        [b"Accept: " + b"a/b;q=0.1," * 5_000],
        [b"Cookie: " + b"a=1;" * 10_000],
    ):
        assert status_of(sent(attacked, lines(*headers))) in (200, 400, 431)


@pytest.mark.parametrize("path", ["events", "events?wait=0", "series", "latest", "query_range"])
def test_thousands_of_selectors_are_refused_by_number(attacked: Server, path: str) -> None:
    target = f"/api/v1/{path}{'&' if '?' in path else '?'}{'match=a&' * 7_500}"
    answer = sent(attacked, lines(target=target.encode()))
    assert status_of(answer) == 400 and b"7500 selectors; at most 200" in answer


@pytest.mark.parametrize(
    "selector",
    [
        "*a" * 900 + "b",
        'a{b=~"' + "(a+)+" * 300 + 'c"}',
        'a{b=~"((((a{100}){100}){100}){100}){100}"}',
        'a{b=~"' + "(" * 900 + ")" * 900 + '"}',
        'a{b=~"(?:a?){900}a{900}"}',
        "{" + ",".join(f'l{number}=~".*"' for number in range(150)) + "}",
        'a{b=~"[' + "\\\\" * 900 + ']"}',
        "a{b=~'\\\\Q'}" + " " * 1_900,
        '{b="' + "\N{PILE OF POO}" * 1_500 + '"}',
    ],
    ids=lambda selector: selector[:20],
)
def test_an_expression_that_would_blow_up_is_answered_soon(attacked: Server, selector: str) -> None:
    query = urlencode([("match", selector)] * 8)
    before = resident(attacked)
    for path in ("series", "latest", "query_range", "events"):
        answer = sent(attacked, lines(target=f"/api/v1/{path}?{query}".encode()))
        assert status_of(answer) in (200, 400, 404, 431), answer[:300]
    assert resident(attacked) < before + 16_000_000


@pytest.mark.parametrize(
    ("id_", "status"),
    [
        ("1-0\0", 400),
        ("999999999999999-9999999999", 200),
        ("9" * 60_000 + "-0", 400),
        ("-1-0", 400),
        ("1-0\r\nevent: hello", 400),
        ("\N{ARABIC-INDIC DIGIT ONE}-0", 400),
        ("0-0", 200),
        (" 1-0", 400),
        ("NaN", 400),
    ],
)
def test_an_id_is_one_or_is_refused(attacked: Server, id_: str, status: int) -> None:
    target = f"/api/v1/events?wait=0&after={quote(id_)}".encode()
    answer = sent(attacked, lines(target=target))
    assert status_of(answer) == status, answer[:300]
    if status == 200:
        events = json.loads(answer.partition(b"\r\n\r\n")[2])["events"]
        assert [event["type"] for event in events][1] == "gap"


def test_what_would_be_felt_by_everyone_is_refused_by_its_cost(attacked: Server) -> None:
    """Two hundred globs over twenty thousand series would hold the process for seconds."""
    with httpx.Client(base_url=attacked.url, timeout=DEADLINE) as client:
        for part in range(2):
            samples = [{"series": f'costly_{part}{{n="{number}"}}', "value": 1} for number in range(9_000)]
            assert client.post("/api/v1/samples", json=samples).json()["accepted"] == 9_000
        globs = {"match": [f"*x{number}*" for number in range(150)]}
        for path in ("series", "latest", "query_range", "events"):
            began = time.monotonic()
            answer = client.get(f"/api/v1/{path}", params=globs)
            assert answer.status_code == 400 and time.monotonic() - began < SOON
            assert "150 selectors without one name" in answer.json()["error"]["message"]
            assert MAX_TESTS // 150 < 18_000 < MAX_TESTS // 20
        few = client.get("/api/v1/series", params={"match": globs["match"][:20]})
        assert few.status_code == 200 and few.json()["result"] == []
        exact = {"match": [f"costly_{number}" for number in range(2, 200)]}
        assert client.get("/api/v1/series", params=exact).json()["result"] == []


targets = st.one_of(
    st.sampled_from(["/", "/api/v1/events", "/api/v1/series", "/boards/overview", "/static/x", "/api/v1/query_range"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60).map(lambda text: "/" + text),
)
words = st.text(st.characters(max_codepoint=255), max_size=40)
names = st.sampled_from(
    [
        "Accept",
        "Accept-Encoding",
        "Content-Length",
        "Content-Type",
        "Cookie",
        "Expect",
        "Host",
        "If-None-Match",
        "Last-Event-ID",
        "Origin",
        "Range",
        "Remote-Addr",
        "Transfer-Encoding",
        "Upgrade",
        "X-Forwarded-Prefix",
    ]
)
queries = st.lists(
    st.tuples(st.sampled_from(["after", "end", "match", "raw", "start", "step", "types", "wait"]), words), max_size=4
)


@settings(max_examples=150)
@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PRI", "get", "X" * 50]),
    targets,
    queries,
    st.lists(st.tuples(names, words), max_size=5),
    st.binary(max_size=60),
)
def test_whatever_is_asked_is_answered_and_never_by_a_fault_of_the_program(
    attacked: Server,
    method: str,
    target: str,
    query: list[tuple[str, str]],
    headers: list[tuple[str, str]],
    body: bytes,
) -> None:
    query = [(name, "0" if name == "wait" and value else value) for name, value in query]
    asked = f"{method} {target}?{urlencode(query)} HTTP/1.1\r\nConnection: close\r\n".encode()
    asked += b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers)
    asked += (b"" if "Host" in dict(headers) else b"Host: localhost\r\n") + b"\r\n" + body
    answer = sent(attacked, asked, 1.0)
    assert status_of(answer) < 500 or status_of(answer) in (501, 505), (asked, answer[:300])


@settings(max_examples=100)
@given(st.binary(max_size=2_000))
def test_bytes_of_no_kind_are_answered_by_nothing_worse_than_400(attacked: Server, noise: bytes) -> None:
    assert status_of(sent(attacked, noise, 0.02)) in (0, 400, 404, 421, 505), noise
