"""The short way to a stream and the long one: the same answer, and every refusal as it always was."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import h11
import hypercorn.asyncio.run
import hypercorn.protocol
import pytest
from hypercorn.asyncio import serve
from hypothesis import given
from hypothesis import strategies as st

from dashboard.config import Settings
from dashboard.runtime import Runtime, running
from dashboard.web.app import create_app
from dashboard.web.connections import Connection, Connections, listen
from dashboard.web.opening import read_plain
from dashboard.web.server import _config
from tests.waiting import until
from tests.web.wire import DEADLINE, asking

CONFIG = {"trusted_proxies": ("127.0.0.1",), "max_streams_per_address": 2, "max_attempts_per_minute": 5}
PLAIN = b"GET /api/v1/events?types=system HTTP/1.1\r\nHost: localhost\r\n"
FAR = {"X-Forwarded-For": "203.0.113.7"}


class Door:
    """A server in this process that notes of each connection whether it took the short way."""

    def __init__(self, runtime: Runtime, connections: Connections, port: int) -> None:
        self.runtime, self.connections, self.port = runtime, connections, port
        self.short: list[bool] = []

    async def ask(self, *pieces: bytes, until: bytes = b"\n\n") -> bytes:
        """Send pieces, each after the answer to the one before; return the last answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answer = b""
        async with asyncio.timeout(DEADLINE):
            for piece in pieces:
                writer.write(piece)
                answer = await reader.readuntil(until if piece is pieces[-1] else b"ok\n")
        writer.transport.abort()
        return answer

    async def emptied(self) -> None:
        """Return when no stream is open."""
        await until(lambda: not self.runtime.tally.streams)


@pytest.fixture
async def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    """A door that is open."""
    async with opened(Settings(data_dir=tmp_path, port=0, **CONFIG), monkeypatch) as found:
        yield found


@asynccontextmanager
async def opened(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    monkeypatch.setattr(hypercorn.asyncio.run, "TCPServer", vars(hypercorn.asyncio.run)["TCPServer"])
    monkeypatch.setattr(hypercorn.protocol, "H11Protocol", vars(hypercorn.protocol)["H11Protocol"])
    listener, stop = listen(settings), asyncio.Event()
    async with running(settings, [], None) as runtime:
        connections = Connections(runtime.tally, settings.stall_timeout)
        app = create_app(runtime)
        found = Door(runtime, connections, listener.getsockname()[1])
        opening = app.extensions["opening"]

        def noted(connection: Connection, begun: bytes) -> bool:
            found.short.append(opening(connection, begun))
            return found.short[-1]

        connections.register(noted)
        config = _config(listener, connections.batch, None)
        serving = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
        yield found
        runtime.end_streams()
        connections.abort()
        stop.set()
        await serving


def parts(answer: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Return the first line of an answer, its headers but for the date, and its body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first, {name: value for name, _, value in (line.partition(b": ") for line in lines) if name != b"date"}, body


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("query", [b"", b"?types=system,log&match=cpu_*&after=1-0"])
async def test_both_ways_give_the_same_answer_and_count_the_same(door: Door, version: bytes, query: bytes) -> None:
    ask = b"GET /api/v1/events%b HTTP/%b\r\nHost: localhost\r\n\r\n" % (query, version)
    asked = door.runtime.tally.requests
    key = ("/api/v1/events", "GET", 200)
    short, once = parts(await door.ask(ask)), asked[key]
    await door.emptied()
    long, twice = parts(await door.ask(HEALTH, ask)), asked[key]
    assert door.short == [True, False] and (once, twice) == (1, 2)
    assert short[:2] == long[:2] and b"content-security-policy" in short[1]
    assert (b"chunked" in short[1].get(b"transfer-encoding", b"")) == (version == b"1.1")
    for body in (short[2], long[2]):
        assert b"event: hello\n" in body
    await door.emptied()


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (asking("/api/v1/events", host="evil.example"), 421),
        (asking("/api/v1/events?types=nonsense"), 400),
        (asking("/api/v1/events?match=%7B%7B"), 400),
        (asking("/api/v1/events?after=nonsense"), 400),
        (asking("/api/v1/events?wait=0"), 200),
        (asking("/api/v1/events/"), 404),
        (asking("/none?/api/v1/events"), 404),
        (asking("/api/v1/events", method="POST"), 405),
        (asking("/api/v1/events", "Connection: Upgrade", "Upgrade: websocket"), 400),
        (b"GET /api/v1/events HTTP/1.1\r\n\r\n", 400),
        (b"GET /api/v1/events HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /api/v1/events HTTP/2.0\r\nHost: localhost\r\nConnection: close\r\n\r\n", 505),
        (b"GET /api/v1/events nonsense\r\n\r\n", 400),
        (b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\nConnection: close\r\n\r\n", 200),
        (b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", 400),
        (b"GET /api/v1/events HTTP/1.1\nHost: localhost\n\n", 200),
        (b"GET http://localhost/api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
    ],
)
async def test_what_is_not_to_begin_goes_the_long_way(door: Door, ask: bytes, status: int) -> None:
    answer = await door.ask(ask, until=b"\r\n\r\n")
    assert door.short == [False] and answer.startswith(b"HTTP/1.1 %d " % status), answer


async def test_a_request_in_two_pieces_begins_as_well(door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(PLAIN)
    await until(lambda: door.short)
    async with asyncio.timeout(DEADLINE):
        writer.write(b"\r\n")
        assert b"event: hello" in await reader.readuntil(b"event: hello")
    assert door.short == [False]
    writer.transport.abort()


async def test_a_request_with_another_behind_it_goes_the_long_way(door: Door) -> None:
    assert b" 200 " in await door.ask(PLAIN + b"\r\n" + HEALTH)
    assert door.short == [False]


def far(headers: Mapping[str, str], accept: str) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return PLAIN + f"{lines}Accept: {accept}\r\n\r\n".encode()


async def test_a_forwarded_viewer_takes_the_short_way_until_it_has_too_many_and_is_refused_once(door: Door) -> None:
    tally = door.runtime.tally
    kept = []
    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(far(FAR, "text/event-stream"))
        await asyncio.wait_for(reader.readuntil(b"event: hello"), DEADLINE)
        kept.append(writer)
    assert dict(tally.addresses) == {"203.0.113.7": 2}
    answer = await door.ask(far({**FAR, "Last-Event-ID": "1-0"}, "text/event-stream"), until=b"event: bye")
    assert b" 200 " in answer and tally.refused["address"] == 1 and door.runtime.broadcaster.resumes == 0
    refused = await door.ask(far(FAR, "*/*"), until=b"}")
    assert refused.startswith(b"HTTP/1.1 429 ") and tally.refused["address"] == 2
    assert json.loads(refused.partition(b"\r\n\r\n")[2] + b"}")["error"]["code"] == "too_many_streams"
    assert door.short == [True, True, False, False]
    for writer in kept:
        writer.transport.abort()


async def test_an_attempt_is_counted_once_whichever_way_it_takes(door: Door) -> None:
    for _ in range(CONFIG["max_attempts_per_minute"]):
        assert b" 200 " in await door.ask(far(FAR, "text/event-stream"), until=b"event: hello")
        await door.emptied()
    assert door.short == [True] * 5 and door.runtime.tally.refused["attempts"] == 0
    assert b"event: bye" in await door.ask(far(FAR, "text/event-stream"), until=b"event: bye")
    assert door.short[-1] is False and door.runtime.tally.refused["attempts"] == 1


async def test_below_a_path_of_a_proxy_it_is_the_short_way_too(door: Door) -> None:
    ask = b"GET /metrics-of/api/v1/events HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Prefix: /metrics-of\r\n\r\n"
    assert b"event: hello" in await door.ask(ask)
    assert door.short == [True]


async def test_whoever_sends_nothing_is_closed_as_soon_as_the_server_stops(door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    await until(lambda: door.connections.waiting)
    async with asyncio.timeout(DEADLINE):
        door.connections.dismiss()
        assert await reader.read() == b""
    assert not door.connections.waiting
    writer.close()


async def test_whoever_speaks_just_as_the_server_stops_costs_no_traceback(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(50):
        _, writer = await asyncio.open_connection("127.0.0.1", door.port)
        await until(lambda: door.connections.waiting)
        door.connections.dismiss()
        writer.write(HEALTH)
        await until(lambda: not door.connections.waiting)
        writer.write(HEALTH)
        await asyncio.sleep(0)
        writer.transport.abort()
    assert not [record for record in caplog.records if record.exc_info], caplog.text


@pytest.mark.parametrize("begun", [b"", PLAIN, PLAIN + b"\r\n", HEALTH])
async def test_whoever_goes_away_at_once_costs_no_traceback(
    door: Door, begun: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", door.port)) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
            one.sendall(begun)
        await asyncio.sleep(0)
    await until(lambda: not door.connections.waiting and not door.runtime.tally.streams)
    assert not [record for record in caplog.records if record.exc_info], caplog.text


@pytest.mark.parametrize("begun", [b"", PLAIN + b"\r\n"])
async def test_whoever_asks_and_hears_nothing_more_is_closed(door: Door, begun: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(begun)
    writer.write_eof()
    await asyncio.wait_for(reader.read(), DEADLINE)
    writer.close()
    assert not door.runtime.tally.streams


async def test_whoever_sends_nothing_for_long_is_closed(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hypercorn.config.Config, "keep_alive_timeout", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    assert await asyncio.wait_for(reader.read(), DEADLINE) == b""
    writer.close()


BYTES = st.binary(max_size=12) | st.sampled_from(
    [b" ", b"\t", b"a", b"Host", b"localhost", b":", b"\r", b"\n", b"\r\n"]
)
HEADS = st.lists(st.tuples(BYTES, BYTES) | st.sampled_from([(b"Host", b"a"), (b"X-A", b" b\t")]), max_size=5)


@given(HEADS, st.sampled_from([b"1.0", b"1.1", b"2.0", b"1.1 "]), BYTES)
def test_what_is_read_here_is_read_alike_by_the_server(
    pairs: list[tuple[bytes, bytes]], version: bytes, query: bytes
) -> None:
    lines = b"".join(name + b":" + value + b"\r\n" for name, value in pairs)
    begun = b"GET /api/v1/events?" + query + b" HTTP/" + version + b"\r\n" + lines + b"\r\n"
    read = read_plain(begun)
    if read is None:
        return
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(begun)
    request = parser.next_event()
    assert isinstance(request, h11.Request) and isinstance(parser.next_event(), h11.EndOfMessage)
    assert (request.target, request.http_version, list(request.headers)) == read
