"""The stream over real sockets, read by clients that no one here wrote."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse

from dashboard.eventlog import EventId
from tests.serving import Server, running_server
from tests.web.conftest import SETTINGS, WRITERS, until_ready
from tests.web.patience import Patience, awake
from tests.web.test_routes import hold_headers
from tests.web.wire import DEADLINE, RawStream

Json = dict[str, Any]
EVENTS = "/api/v1/events"


@pytest.fixture(scope="module", params=["fast", pytest.param("portable", marks=pytest.mark.long)])
def shared(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server as that of every module here, once with each way to write streams."""
    with running_server(config=WRITERS[request.param] + SETTINGS) as running:
        until_ready(running)
        yield running


class Viewer:
    """An open stream, read by httpx-sse."""

    def __init__(self, events: AsyncIterator[ServerSentEvent], response: httpx.Response) -> None:
        self._events, self.response = events, response
        self.seen: list[ServerSentEvent] = []

    async def until(self, wanted: Callable[[ServerSentEvent], bool]) -> ServerSentEvent:
        """Read up to the first event of a kind."""
        async with asyncio.timeout(DEADLINE):
            async for event in self._events:
                self.seen.append(event)
                if wanted(event):
                    return event
        raise AssertionError(f"the stream ended; it had given {[event.event for event in self.seen]}")

    async def next(self, type: str) -> ServerSentEvent:
        """Read up to the next event of a type."""
        return await self.until(lambda event: event.event == type)


@asynccontextmanager
async def viewing(
    client: httpx.AsyncClient, query: dict[str, Any] | None = None, last: str | None = None
) -> AsyncIterator[Viewer]:
    """Open a stream."""
    headers = {"Last-Event-ID": last} if last is not None else {}
    async with aconnect_sse(client, "GET", EVENTS, params=query or {}, headers=headers) as stream:
        yield Viewer(stream.aiter_sse(), stream.response)


async def push(client: httpx.AsyncClient, name: str, value: float = 1.0) -> None:
    answer = await client.post("/api/v1/samples", json={"series": name, "value": value})
    assert answer.json()["accepted"] == 1


def names(event: ServerSentEvent) -> set[str]:
    """Return the series of a `metrics` event."""
    return set(event.json()["samples"])


async def test_hello_comes_first_with_what_a_page_needs_and_a_retry(client: httpx.AsyncClient) -> None:
    began = time.time()
    async with viewing(client) as viewer:
        hello = await viewer.until(lambda event: True)
        status = (await client.get("/api/v1/status")).json()
    assert hello.event == "hello" and hello.id == ""
    data = hello.json()
    assert data["type"] == "hello" and data["resume"] == "fresh" and data["version"] == status["version"]
    assert began - 0.01 < data["server_time"] < time.time() + 0.01 and data["heartbeat_interval"] == 0.5
    assert EventId.parse(data["oldest"]) < EventId.parse(data["newest"])
    assert hello.retry is not None and 500 <= hello.retry <= 5_000


async def test_no_header_lets_a_proxy_hold_anything_back(client: httpx.AsyncClient) -> None:
    async with viewing(client) as viewer:
        headers = viewer.response.headers
    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-cache, no-transform" and headers["x-accel-buffering"] == "no"
    assert "content-length" not in headers and "content-encoding" not in headers and "connection" not in headers
    hold_headers(headers)


async def test_every_event_of_the_log_carries_id_type_timestamp_and_source(client: httpx.AsyncClient) -> None:
    async with viewing(client) as viewer:
        await viewer.next("processes")
        await viewer.next("metrics")
    logged = [event for event in viewer.seen if event.event in ("metrics", "processes", "system")]
    last = EventId(0, 0)
    for event in logged:
        data = event.json()
        assert next(iter(data)) == "id" and data["id"] == event.id and data["type"] == event.event
        assert abs(data["timestamp"] - time.time()) < 10 and data["source"].startswith("web-1/")
        assert EventId.parse(event.id) > last
        last = EventId.parse(event.id)
    metrics = next(event for event in logged if event.event == "metrics").json()
    assert metrics["interval"] > 0 and metrics["resource"] == {"instance": "web-1"} and metrics["samples"]
    rows = next(event for event in logged if event.event == "processes").json()["rows"]
    assert {"pid", "name", "user", "cpu_ratio", "resident_bytes"} <= rows[0].keys() and "command" not in rows[0]


async def test_collections_of_one_tick_arrive_in_one_write(shared: Server) -> None:
    """However many collectors there are, a viewer costs a write or two a second."""
    stream, came, ticks = await RawStream.open(shared, "?types=metrics"), b"", set[bytes]()
    try:
        await stream.until(b"event: metrics")
        while len(ticks) < 4:  # the last of them has only begun
            came += await stream.until(b"\n\n\r\n")
            ticks = set(re.findall(rb'"type":"metrics","timestamp":(\d+)', came))
    finally:
        stream.drop()
    pieces, beats = came.count(b"\r\nevent: ") + came.count(b"\r\nid: "), came.count(b"event: heartbeat")
    assert 3 <= pieces <= 3 * 2 + beats + 2


async def test_heartbeats_come_whatever_else_is_sent(shared: Server, client: httpx.AsyncClient) -> None:
    for query in ({"types": "system"}, {"match": "nothing"}, {}):
        async with viewing(client, query) as viewer, awake(shared.port) as clock:
            first = await viewer.next("heartbeat")
            began = clock.now
            beat = await viewer.next("heartbeat")
            assert clock.now - began < 1.0
            assert beat.id == "" or beat.id == viewer.seen[-2].id  # httpx-sse carries the last id on, as browsers do
            assert "id" not in beat.json()
            assert first.json()["server_time"] < beat.json()["server_time"] < time.time() + 0.01


async def test_types_choose_events_and_selectors_trim_metrics_only(client: httpx.AsyncClient) -> None:
    async with viewing(client, {"types": "processes,system"}) as viewer:
        await viewer.next("processes")
        assert {event.event for event in viewer.seen} <= {"hello", "heartbeat", "processes", "system"}
    query = {
        "match": ["system_memory_utilization_*", "system_memory_available_*", 'system_cpu_utilization_ratio{cpu="0"}']
    }
    wanted = {
        "system_memory_utilization_ratio",
        "system_memory_available_bytes",
        'system_cpu_utilization_ratio{cpu="0"}',
    }
    found = set[str]()
    async with viewing(client, query) as viewer:
        await viewer.next("processes")
        while not wanted <= found:  # a collector may be late, and one that is not gives twice meanwhile
            await viewer.next("metrics")
            found = {name for event in viewer.seen if event.event == "metrics" for name in names(event)}
    assert found == wanted


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"types": "nonsense"}, "types: no such type"),
        ({"match": "{"}, "not a selector"),
        ({"match": 'a{b=~"("}'}, "regular expression"),
        ({"match": ["a"] * 201}, "at most 200"),
        ({"after": "nonsense"}, "after: not an event id"),
        ({"after": "1-2-3"}, "after: not an event id"),
        ({"types": "metrics", "after": "<script>"}, "after"),
    ],
    ids=str,
)
async def test_a_filter_or_after_that_cannot_be_read_is_a_400_with_the_reason(
    client: httpx.AsyncClient, query: dict[str, Any], said: str
) -> None:
    answer = await client.get(EVENTS, params=query)
    assert answer.status_code == 400 and said in answer.json()["error"]["message"]


async def test_a_viewer_resumes_by_header_and_by_after_and_the_header_wins(client: httpx.AsyncClient) -> None:
    query = {"match": "resumed_*", "types": "metrics"}
    ids = []
    async with viewing(client, query) as viewer:
        await viewer.next("hello")
        for number in range(4):
            await push(client, f"resumed_{number}")
            ids.append((await viewer.next("metrics")).id)

    async def rest(**how: Any) -> list[set[str]]:
        async with viewing(client, {**query, **how.get("query", {})}, how.get("last")) as viewer:
            assert (await viewer.next("hello")).json()["resume"] == "resumed"
            await viewer.until(lambda event: event.event == "metrics" and "resumed_3" in names(event))
            assert "gap" not in {event.event for event in viewer.seen}
            return [names(event) for event in viewer.seen if event.event == "metrics"]

    assert await rest(last=ids[0]) == [{"resumed_1"}, {"resumed_2"}, {"resumed_3"}]
    assert await rest(query={"after": ids[1]}) == [{"resumed_2"}, {"resumed_3"}]
    assert await rest(query={"after": ids[0]}, last=ids[2]) == [{"resumed_3"}]
    assert await rest(query={"after": "nonsense"}, last=ids[2]) == [{"resumed_3"}]
    assert await rest(query={"after": ids[2]}, last="") == [{"resumed_3"}]


@pytest.mark.parametrize("last", ["nonsense", "-", "1-2-3", "99999999999999999999-0", "ä", "x" * 10_000])
async def test_a_malformed_header_is_a_stream_with_a_gap(client: httpx.AsyncClient, last: str) -> None:
    """A native EventSource would give up for good on anything but a 200."""
    headers = {b"Last-Event-ID": last.encode()}
    async with aconnect_sse(client, "GET", EVENTS, headers=headers) as stream:
        viewer = Viewer(stream.aiter_sse(), stream.response)
        hello, gap = await viewer.until(lambda event: True), await viewer.until(lambda event: True)
        assert (hello.event, hello.json()["resume"], gap.event) == ("hello", "gap", "gap")
        assert gap.json()["reason"] == "unknown_id" and gap.id == ""
        await viewer.next("metrics")


@pytest.mark.parametrize(
    ("last", "reason"), [("1000-0", "restart"), ("999999999999999-0", "unknown_id"), ("0-0", "restart")]
)
async def test_an_id_that_the_log_does_not_have_is_a_gap_before_anything_with_an_id(
    client: httpx.AsyncClient, last: str, reason: str
) -> None:
    for query, header in (({"after": last}, None), ({}, last)):
        async with viewing(client, query, header) as viewer:
            await viewer.next("metrics")
        kinds = [event.event for event in viewer.seen]
        assert kinds[:2] == ["hello", "gap"] and viewer.seen[1].json()["reason"] == reason
        # Without metrics there is no gap but of what a disk keeps, and may have kept before these files began.
        async with viewing(client, {**query, "types": "system,processes"}, header) as viewer:
            await viewer.next("heartbeat")
        gaps = [event.json() for event in viewer.seen if event.event == "gap"]
        gaps = [gap for gap in gaps if gap["reason"] != "not_stored"]  # of a disk that took long
        assert [(gap["reason"], gap["types"]) for gap in gaps] == [("retention", ["system"])] * (reason == "restart")
        async with viewing(client, {**query, "types": "processes"}, header) as viewer:
            await viewer.next("heartbeat")
        assert "gap" not in {event.event for event in viewer.seen}


async def streams(client: httpx.AsyncClient) -> int:
    """Return how many streams the server says are open."""
    return int((await client.get("/api/v1/status")).json()["streams"])


async def none_is_open(client: httpx.AsyncClient) -> None:
    """Return when those of the tests before have left."""
    patience = Patience(DEADLINE)
    while await streams(client):
        assert patience.spend()
        await asyncio.sleep(0.02)


async def test_a_viewer_that_leaves_is_noticed_within_a_second(shared: Server, client: httpx.AsyncClient) -> None:
    await none_is_open(client)
    viewers = [await RawStream.open(shared, "?types=system") for _ in range(5)]
    for viewer in viewers:
        await viewer.until(b"event: hello")
    assert await streams(client) == 5
    patience = Patience(1.0)
    for viewer in viewers:
        viewer.drop()
    while await streams(client):
        assert patience.spend()


async def test_viewers_are_told_to_come_back_at_different_times(shared: Server) -> None:
    heads = []
    for _ in range(20):
        viewer = await RawStream.open(shared, "?types=system")
        heads.append(await viewer.until(b"data: "))
        viewer.drop()
    retries = {line for head in heads for line in head.split(b"\n") if line.startswith(b"retry: ")}
    assert len(retries) > 10


async def test_a_client_of_http_1_0_gets_the_same_stream_unchunked(shared: Server) -> None:
    """It is what nginx speaks to the server behind it by default."""
    reader, writer = await asyncio.open_connection("127.0.0.1", shared.port)
    writer.write(b"GET /api/v1/events?types=task HTTP/1.0\r\nHost: localhost\r\n\r\n")
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
    assert b"chunked" not in head.lower()
    assert await asyncio.wait_for(reader.readuntil(b"\n\n"), DEADLINE) != b""
    beat = await asyncio.wait_for(reader.readuntil(b"\n\n"), DEADLINE)
    assert beat.startswith(b"event: heartbeat\ndata: {")
    writer.transport.abort()


async def test_bytes_sent_and_open_streams_are_counted(client: httpx.AsyncClient) -> None:
    before = (await client.get("/api/v1/status")).json()["bytes_sent"]
    query = {"match": ["dashboard_streams", "dashboard_users_online"]}
    async with viewing(client, query) as viewer:
        while True:
            samples = (await viewer.next("metrics")).json()["samples"]
            if samples.get("dashboard_streams") == 1 and samples["dashboard_users_online"] == 1:
                break
    assert (await client.get("/api/v1/status")).json()["bytes_sent"] > before
