"""Bodies that stand still, trickle, or come when they are refused already."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterable
from itertools import chain, repeat
from pathlib import Path

import hypercorn.asyncio.run
import hypercorn.protocol
import msgspec
import pytest
from hypercorn.asyncio import serve

from dashboard.config import Settings
from dashboard.runtime import running
from dashboard.web import pushing
from dashboard.web.app import create_app
from dashboard.web.connections import Connections, listen
from dashboard.web.server import _config
from tests.web.wire import DEADLINE

HEAD = b"POST /api/v1/samples HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of a server in this process, which has less patience than one has for people."""
    monkeypatch.setattr(pushing, "PATIENCE", 0.4)
    monkeypatch.setattr(hypercorn.asyncio.run, "TCPServer", hypercorn.asyncio.run.TCPServer)
    monkeypatch.setattr(hypercorn.protocol, "H11Protocol", hypercorn.protocol.H11Protocol)
    settings, stop = Settings(port=0, data_dir=tmp_path), asyncio.Event()
    listener = listen(settings)
    async with running(settings, [], None) as runtime:
        connections = Connections(runtime.tally, settings.stall_timeout)
        app = create_app(runtime)
        connections.register(app.extensions.get("opening"))
        config = _config(listener, connections.batch, None)
        serving = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
        yield listener.getsockname()[1]
        runtime.end_streams()
        connections.abort()
        stop.set()
        await serving


async def sent(port: int, pieces: Iterable[bytes], every: float = 0.0) -> bytes:
    """Send pieces until the server answers; return what comes until it closes, as far as it is not lost by that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(every)

    sending = asyncio.create_task(send())
    answer = b""
    async with asyncio.timeout(DEADLINE):
        with contextlib.suppress(ConnectionError):
            answer = await reader.read(1 << 16)
            sending.cancel()
            answer += await reader.read()
    writer.transport.abort()
    return answer


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([HEAD + b"Content-Length: 100\r\n\r\n", b"["], id="announced, and one byte"),
        pytest.param([HEAD + b"Content-Length: 100\r\n\r\n"], id="announced, and none"),
        pytest.param([CHUNKED, *[b"1\r\n \r\n"] * 10_000], id="in chunks of a byte"),
    ],
)
async def test_a_body_that_stalls_is_answered_and_cut_off(port: int, pieces: list[bytes]) -> None:
    head, _, body = (await sent(port, pieces, every=0.02)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ") and b"connection: close" in head.lower()
    error = msgspec.json.decode(body)["error"]
    assert error["code"] == "request_timeout" and "the body came too slowly" in error["message"]


async def test_a_body_that_goes_on_coming_is_given_the_time_that_it_needs(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "SLOWEST", 10)
    ask = HEAD + b"Connection: close\r\nContent-Length: 501\r\n\r\n"
    answer = await sent(port, [ask + b" " * 50, *[b" " * 50] * 9, b"x"], every=0.1)  # a second in all
    assert answer.startswith(b"HTTP/1.1 400 ") and b"invalid character (byte 500)" in answer, answer


async def test_a_body_without_an_end_is_read_no_further_than_one_that_says_its_length(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "PATIENCE", 10 * DEADLINE)
    answer = await sent(port, chain([CHUNKED], repeat(b"10000\r\n" + b" " * 0x10000 + b"\r\n")))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 "), answer


REFUSED = [
    pytest.param("POST", "/api/v1/samples", 400, id="of no JSON"),
    pytest.param("POST", "/api/v1/none", 404, id="to no route"),
    pytest.param("DELETE", "/api/v1/samples", 405, id="by no method"),
    pytest.param("GET", "/healthz", 200, id="that is not asked for"),
]


@pytest.mark.parametrize(("method", "path", "status"), REFUSED)
async def test_a_body_that_comes_after_its_refusal_costs_no_connection(
    port: int, method: str, path: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "REST", DEADLINE)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
    async with asyncio.timeout(DEADLINE):
        for _ in range(3):
            writer.write(head.encode())
            await asyncio.sleep(0.1)  # long enough for an answer, were there one before the body
            writer.write(b"12345")
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 %d " % status) and b"connection:" not in answer.lower(), answer
            await reader.readexactly(int(re.findall(rb"content-length: (\d+)", answer.lower())[0]))
    writer.close()


@pytest.mark.parametrize(("method", "path", "status"), REFUSED)
async def test_where_a_refused_body_stays_away_the_answer_says_that_the_connection_ends(
    port: int, method: str, path: str, status: int
) -> None:
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
    answer = await sent(port, [head.encode(), b"1234"])
    assert answer.startswith(b"HTTP/1.1 %d " % status) and b"connection: close" in answer.lower(), answer
