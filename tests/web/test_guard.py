"""Who may enter: by which name, from which page, and behind which headers."""

from __future__ import annotations

import json
import socket

import httpx
import pytest

from tests.serving import Server
from tests.web.test_routes import hold_headers
from tests.web.wire import Answer, ask, asking

GOOD_HOSTS = [
    "localhost",
    "LOCALHOST",
    "localhost:1",
    "localhost.",
    "localhost.:8000",
    "127.0.0.1",
    "127.0.0.1:9",
    "10.1.2.3",
    "192.168.0.7:8000",
    "[::1]",
    "[::1]:8000",
    "[2001:db8::5]:443",
    "[::ffff:10.0.0.1]",
    "[fe80::1%25eth0]:8000",
    "dash.example.com",
    "dash.example.com:8443",
    "DASH.example.com.",
    "upper.example",
    socket.gethostname(),
    socket.gethostname() + ":8000",
    "",
]
BAD_HOSTS = [
    "evil.example",
    "evil.example:8000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example.",
    "notlocalhost",
    "sub.dash.example.com",
    "example.com",
    "127.0.0.1.nip.io:8000",
    "2130706433",
    "0x7f.0.0.1",
    "[evil.example]",
    "[::1].evil.example",
    "[::1",
    "::1",
    "localhost@evil.example",
    "a" * 5_000,
    "<script>",
]


def error(answer: Answer) -> dict[str, str]:
    """Return what a JSON error says."""
    found: dict[str, str] = json.loads(answer.body)["error"]
    return found


@pytest.mark.parametrize("host", GOOD_HOSTS)
async def test_it_answers_to_addresses_and_to_its_own_names(shared: Server, host: str) -> None:
    answer = await ask(shared, asking("/healthz", host=host))
    assert (answer.status, answer.body) == (200, b"ok\n")


@pytest.mark.parametrize("host", BAD_HOSTS, ids=lambda host: host[:30])
async def test_to_any_other_name_it_answers_with_the_setting_that_would_add_it(shared: Server, host: str) -> None:
    """A page elsewhere can point its own name at this machine; only the name in the Host header gives it away."""
    for path in ("/healthz", "/api/v1/latest", "/api/v1/events", "/nothing"):
        answer = await ask(shared, asking(path, host=host))
        assert answer.status == 421 and error(answer)["code"] == "foreign_host"
        assert "allowed_hosts" in error(answer)["message"] and len(answer.body) < 1_000
        hold_headers(answer.headers)


async def test_a_foreign_name_gets_a_page_where_a_page_was_asked_for(shared: Server) -> None:
    answer = await ask(shared, asking("/", "Accept: text/html", host="<img>.evil.example"))
    assert answer.status == 421 and answer.headers["content-type"].startswith("text/html")
    assert b"allowed_hosts" in answer.body and b"<img>" not in answer.body
    assert b"<title>Foreign host" in answer.body and b"<h1>Foreign host</h1>" in answer.body


async def test_an_old_client_without_a_host_is_let_in_and_a_new_one_is_not(shared: Server) -> None:
    old = await ask(shared, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert old.status == 200
    new = await ask(shared, asking("/healthz", host=None))
    assert new.status == 400


async def test_two_hosts_are_one_too_many(shared: Server) -> None:
    answer = await ask(shared, asking("/healthz", "Host: evil.example"))
    assert answer.status == 400


BODY = b'{"series":"guarded","value":1}'


async def write(shared: Server, *headers: str, host: str = "dash.example.com:8000") -> Answer:
    """Push a sample with these headers."""
    head = asking(
        "/api/v1/samples",
        "Content-Type: application/json",
        f"Content-Length: {len(BODY)}",
        *headers,
        method="POST",
        host=host,
    )
    return await ask(shared, head + BODY)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Origin: http://dash.example.com:8000"],
        ["Origin: https://DASH.example.com:8000"],
        ["Origin: http://dash.example.com:8000", "Sec-Fetch-Site: same-origin"],
        ["Sec-Fetch-Site: none"],
    ],
    ids=lambda headers: " ".join(headers) or "none",
)
async def test_writes_of_its_own_pages_and_of_programs_are_taken(shared: Server, headers: list[str]) -> None:
    answer = await write(shared, *headers)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize(
    "headers",
    [
        ["Origin: http://evil.example"],
        ["Origin: http://dash.example.com"],
        ["Origin: http://dash.example.com:8001"],
        ["Origin: null"],
        ["Origin: "],
        ["Origin: http://["],
        ["Origin: nonsense"],
        ["Origin: http://evil.example", "Sec-Fetch-Site: same-origin"],
        ["Sec-Fetch-Site: cross-site"],
        ["Origin: http://dash.example.com:8000", "Sec-Fetch-Site: cross-site"],
    ],
    ids=lambda headers: " ".join(headers),
)
async def test_writes_that_another_sites_page_started_are_refused(shared: Server, headers: list[str]) -> None:
    answer = await write(shared, *headers)
    assert answer.status == 403 and error(answer)["code"] == "foreign_origin"
    hold_headers(answer.headers)


async def test_a_foreign_page_cannot_read_an_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/latest", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
