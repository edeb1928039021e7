"""Long polling: the same log as the stream's, a piece at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.eventlog import EventId
from dashboard.web.poll import MOST
from tests.occurrences import metrics
from tests.polling import polled
from tests.serving import Server, running_server
from tests.stages import Stage
from tests.web.conftest import until_ready
from tests.web.patience import Patience, awake
from tests.web.test_stream import names, none_is_open, push, streams, viewing
from tests.web.wire import DEADLINE, RawStream, asking

Json = dict[str, Any]
EVENTS = "/api/v1/events"


async def poll(client: httpx.AsyncClient, wait: float = 10, *, last: str | None = None, **query: Any) -> Json:
    """Ask once; every answer is a good one."""
    headers = {"Last-Event-ID": last} if last is not None else {}
    answer = await client.get(EVENTS, params={"wait": wait, **query}, headers=headers)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store", answer.text
    assert answer.headers["content-type"] == "application/json"
    body: Json = answer.json()
    assert body["events"][0]["type"] == "hello"
    return body


def types(body: Json) -> list[str]:
    return [event["type"] for event in body["events"]]


def chosen(body: Json) -> list[str]:
    """Return the series of the `metrics` in an answer, in order."""
    return [name for event in body["events"] if event["type"] == "metrics" for name in event["samples"]]


async def test_without_after_it_begins_after_the_newest_and_waits_for_what_is_next(client: httpx.AsyncClient) -> None:
    query: Json = {"types": "metrics", "match": "polled_first_*"}
    await none_is_open(client)
    async with viewing(client, query) as viewer:
        await push(client, "polled_first_past")
        assert names(await viewer.next("metrics")) == {"polled_first_past"}  # it is past: what is pushed can be read
        waiting = asyncio.create_task(poll(client, 30, **query))
        while await streams(client) < 2:
            pass  # it has not got there yet
        await viewer.next("heartbeat")
        assert not waiting.done()
        await push(client, "polled_first_next")
        body = await waiting
        on_stream = await viewer.next("metrics")
    assert body["events"][0]["resume"] == "fresh" and set(types(body)) <= {"hello", "heartbeat", "metrics"}
    assert body["events"][-1] == on_stream.json() and "retry_after" not in body
    assert EventId.parse(body["last"]) >= EventId.parse(on_stream.id)


async def test_what_came_since_is_given_at_once_and_only_once(client: httpx.AsyncClient) -> None:
    query: Json = {"types": "metrics", "match": "polled_since_*"}
    last = (await poll(client, 0, **query))["last"]
    seen = []
    for number in range(5):
        await push(client, f"polled_since_{number}")
        if number % 2:
            body = await poll(client, after=last, **query)
            assert body["events"][0]["resume"] == "resumed" and "gap" not in types(body)
            seen += chosen(body)
            last = body["last"]
    body = await poll(client, last=last, after="1000-0", **query)
    seen += chosen(body)
    assert seen == [f"polled_since_{number}" for number in range(5)]
    assert chosen(await poll(client, 0, after=body["last"], **query)) == []


async def test_after_its_wait_it_answers_with_the_servers_time_and_an_id_that_moved(
    shared: Server, client: httpx.AsyncClient
) -> None:
    query: Json = {"types": "metrics", "match": "nothing_of_the_kind"}
    async with awake(shared.port) as clock:
        first = await poll(client, 0, **query)
        assert clock.now < 0.5 and types(first) == ["hello", "heartbeat"]
        await push(client, "polled_by_nobody")
        began, at, asked = clock.now, time.monotonic(), time.time()
        second = await poll(client, 1.2, after=first["last"], **query)
        assert time.monotonic() - at > 1.1 and clock.now - began < 2.5
    assert types(second)[-1] == "heartbeat" and asked + 1.1 < second["events"][-1]["server_time"] < time.time() + 0.01
    # Other viewers' events went by; were the id left behind, they would leave the log and be a gap by and by.
    assert EventId.parse(second["last"]) > EventId.parse(first["last"])


@pytest.mark.parametrize("turns", range(5))
async def test_what_comes_in_the_turn_of_the_event_loop_in_which_the_time_is_up_is_not_passed_over(turns: int) -> None:
    stage, loop = Stage(), asyncio.get_running_loop()

    def publish(turns: int) -> None:
        if turns:
            loop.call_soon(publish, turns - 1)
        else:
            stage.broadcaster.publish(metrics(wanted=1.0), urgent=True)

    first = asyncio.create_task(polled(stage.broadcaster, stage.clock, stage.join()))
    loop.call_soon(publish, turns)
    answers = [await first]
    for _ in range(turns):
        await asyncio.sleep(0)
    answers.append(await polled(stage.broadcaster, stage.clock, stage.join(after=answers[0]["last"])))
    assert [name for body in answers for name in chosen(body)] == ["wanted"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"wait": ""}, "wait: must be a number of seconds from 0 to 30"),
        ({"wait": "-1"}, "wait: "),
        ({"wait": "30.1"}, "wait: "),
        ({"wait": "nan"}, "wait: "),
        ({"wait": "1_0"}, "wait: "),
        ({"wait": "inf"}, "wait: "),
        ({"wait": "1\0"}, "wait: "),
        ({"wait": "x" * 5000}, "wait: "),
        ({"wait": "1", "after": "nonsense"}, "after: not an event id"),
        ({"wait": "1", "types": "nonsense"}, "types: no such type"),
        ({"wait": "1", "match": "{"}, "not a selector"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_cannot_be_used_is_a_400_with_the_reason(
    client: httpx.AsyncClient, query: dict[str, str], said: str
) -> None:
    answer = await client.get(EVENTS, params=query)
    assert answer.status_code == 400 and said in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("last", "reason"), [("nonsense", "unknown_id"), ("999999999999999-0", "unknown_id"), ("1000-0", "restart")]
)
async def test_an_id_that_the_log_does_not_have_is_a_gap_told_once(
    client: httpx.AsyncClient, last: str, reason: str
) -> None:
    body = await poll(client, last=last)
    assert types(body)[:2] == ["hello", "gap"]
    assert body["events"][0]["resume"] == "gap" and body["events"][1]["reason"] == reason
    assert "gap" not in types(await poll(client, after=body["last"]))


@pytest.fixture(scope="module")
def full() -> Iterator[Server]:
    """A server whose log holds more than one answer may."""
    with running_server(config='instance = "web-1"\nlog_events = 20000') as running:
        until_ready(running)
        yield running


async def test_an_answer_is_bounded_and_the_next_goes_on_where_it_ended(full: Server) -> None:
    query: Json = {"types": "metrics", "match": "polled_bulk_*"}
    async with httpx.AsyncClient(base_url=full.url, timeout=DEADLINE) as client:
        last = (await poll(client, 0, **query))["last"]
        label = "x" * 500
        expected = []
        for number in range(30):
            samples = [
                {"series": f'polled_bulk_{number}{{a="{label}",b="{other}"}}', "value": 1} for other in range(200)
            ]
            expected.append(f"polled_bulk_{number}")
            answer = await client.post("/api/v1/samples", json=samples)
            assert answer.json()["accepted"] == 200
        seen: list[str] = []
        sizes = []
        while len(set(seen)) < len(expected):
            answer = await client.get(EVENTS, params={"wait": 5, "after": last, **query})
            body = answer.json()
            assert "gap" not in types(body)
            seen += [name.partition("{")[0] for name in chosen(body)]
            sizes.append(len(answer.content))
            last = body["last"]
    assert len(seen) == 30 * 200 and list(dict.fromkeys(seen)) == expected
    assert len(sizes) >= 3 and max(sizes) < MOST + 256 * 1024 and min(sizes[:2]) >= MOST


async def test_a_shutdown_answers_who_waits_with_bye_and_when_to_come_back() -> None:
    async with running_server() as server, httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as client:
        waiting = asyncio.create_task(poll(client, 30, types="task"))
        while (await client.get("/api/v1/status")).json()["streams"] < 1:
            assert not waiting.done()
        assert await asyncio.to_thread(server.terminate) == 0
        body = await waiting
    assert types(body)[-1] == "bye" and body["events"][-1]["reason"] == "shutdown"
    assert body["retry_after"] == body["events"][-1]["retry_after"] > 0


async def test_one_that_leaves_while_it_waits_leaves_nothing_behind(shared: Server, client: httpx.AsyncClient) -> None:
    await none_is_open(client)
    query = "?wait=30&types=metrics&match=nothing"
    waiting = [await RawStream.open(shared, query) for _ in range(5)]
    began = time.monotonic()
    while await streams(client) < 5:
        assert time.monotonic() - began < DEADLINE
    for one in waiting:
        one.drop()
    patience = Patience(2.0)
    while await streams(client):
        assert patience.spend()


async def test_head_does_not_wait(shared: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", shared.port)
    began = time.monotonic()
    writer.write(asking(f"{EVENTS}?wait=30&types=system", method="HEAD"))
    raw = await asyncio.wait_for(reader.read(), DEADLINE)
    writer.close()
    assert raw.startswith(b"HTTP/1.1 200") and time.monotonic() - began < 20.0


@pytest.mark.fault
async def test_after_a_restart_polls_bring_what_the_disk_keeps(tmp_path: Path) -> None:
    """Also those that do not wait: the disk is asked before the answer is closed."""
    query: Json = {"types": "notification"}
    with running_server(data_dir=tmp_path) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as client:
            last = (await poll(client, 0, **query))["last"]
            for number in range(250):
                notice = {"title": f"number {number}", "level": "info"}
                assert (await client.post("/api/v1/notifications", json=notice)).status_code == 200
        assert await asyncio.to_thread(server.terminate) == 0
        await asyncio.to_thread(server.start)
        async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as client:
            body = await poll(client, 0, after=last, **query)
            titles = [event["title"] for event in body["events"] if event["type"] == "notification"]
            assert titles == [f"number {number}" for number in range(250)] and "gap" not in types(body)
            assert types(await poll(client, 0, after=body["last"], **query)) == ["hello", "heartbeat"]
