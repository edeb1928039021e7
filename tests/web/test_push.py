"""Other programs' metrics by POST: live within a second, refused one by one, bounded."""

from __future__ import annotations

import asyncio
import json
import math
import time
from pathlib import Path

import httpx
import pytest
from httpx_sse import aconnect_sse

from dashboard.config import Settings
from dashboard.events import System
from dashboard.filters import Filter
from dashboard.runtime import Runtime
from dashboard.web.app import create_app
from tests.serving import Server, running_server
from tests.web import wire
from tests.web.patience import awake


async def post(client: httpx.AsyncClient, body: object, kind: str = "application/json") -> httpx.Response:
    """Post a body: bytes as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/api/v1/samples", content=raw, headers={"Content-Type": kind})


async def test_a_pushed_sample_is_on_the_stream_and_in_latest_within_a_second(
    shared: Server, client: httpx.AsyncClient
) -> None:
    query = {"match": 'queue_length{queue="mail"}', "types": "metrics"}
    async with (
        aconnect_sse(client, "GET", "/api/v1/events", params=query) as stream,
        awake(shared.port) as clock,
    ):
        events = stream.aiter_sse()
        assert (await anext(events)).event == "hello"
        began, pushed = clock.now, time.time()
        answer = await post(client, {"series": 'queue_length{queue="mail"}', "value": 7})
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "rejected": []})
        event = await anext(event async for event in events if event.event == "metrics")
        assert clock.now - began < 1.0
    data = event.json()
    assert data["samples"] == {'queue_length{queue="mail"}': 7.0} and data["source"] == "web-1/push"
    assert data["resource"] == {"instance": "web-1"} and data["interval"] is None
    latest = (await client.get("/api/v1/latest", params={"match": "queue_length"})).json()["result"]
    assert [(entry["series"], entry["value"]) for entry in latest] == [
        ('queue_length{instance="web-1",queue="mail"}', 7.0)
    ]
    assert latest[0]["age"] <= time.time() - pushed + 0.01


async def test_a_thousand_at_once_are_taken(client: httpx.AsyncClient) -> None:
    answer = await post(client, [{"series": f'many{{n="{n}"}}', "value": n} for n in range(1_000)])
    assert answer.json() == {"accepted": 1_000, "rejected": []}
    latest = (await client.get("/api/v1/latest", params={"match": "many"})).json()["result"]
    assert len(latest) == 1_000


async def test_bad_ones_are_refused_with_index_and_reason_and_good_ones_kept(client: httpx.AsyncClient) -> None:
    samples = [{"series": "kept_1", "value": 1}, {"series": "1bad", "value": 1}, {"series": "kept_2", "value": True}]
    answer = await post(client, [*samples, {"series": "kept_3", "value": 3, "timestamp": 4e12}])
    body = answer.json()
    assert answer.status_code == 200 and body["accepted"] == 1
    assert [(one["index"], one["code"]) for one in body["rejected"]] == [
        (1, "invalid_series"),
        (2, "invalid_sample"),
        (3, "in_the_future"),
    ]
    latest = (await client.get("/api/v1/latest", params={"match": "kept_*"})).json()["result"]
    assert [entry["series"] for entry in latest] == ['kept_1{instance="web-1"}']


async def test_none_good_is_a_400_with_the_reasons(client: httpx.AsyncClient) -> None:
    answer = await post(client, {"series": "1bad", "value": 1})
    assert answer.status_code == 400
    assert answer.json()["accepted"] == 0 and answer.json()["rejected"][0]["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 200_000, b"\xff", b"5", b'[{"series":"a","value":NaN},]'])
async def test_what_is_no_json_of_the_kind_is_a_400_that_shows_what_to_send(
    client: httpx.AsyncClient, body: bytes
) -> None:
    answer = await post(client, body)
    assert answer.status_code == 400 and '"series"' in answer.json()["error"]["message"]


async def test_a_nan_among_many_costs_only_itself(client: httpx.AsyncClient) -> None:
    values = [1.0, math.nan, 3.0, -math.inf]
    answer = await post(client, [{"series": f"beside_nan_{index}", "value": one} for index, one in enumerate(values)])
    body = answer.json()
    assert (answer.status_code, body["accepted"]) == (200, 2)
    assert [(one["index"], one["code"], one["message"]) for one in body["rejected"]] == [
        (1, "not_finite", "value: must be a finite number, not NaN"),
        (3, "not_finite", "value: must be a finite number, not -Infinity"),
    ]
    latest = (await client.get("/api/v1/latest", params={"match": "beside_nan_*"})).json()["result"]
    assert [entry["value"] for entry in latest] == [1.0, 3.0]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_another_content_type_is_refused_as_a_foreign_page_could_send_it(
    client: httpx.AsyncClient, kind: str
) -> None:
    answer = await post(client, {"series": "a", "value": 1}, kind)
    assert answer.status_code == 400 and "application/json" in answer.json()["error"]["message"]
    assert (await post(client, {"series": "a", "value": 1}, "application/json; charset=utf-8")).status_code == 200


async def test_a_body_too_large_is_refused_before_it_is_read(shared: Server) -> None:
    head = wire.asking(
        "/api/v1/samples", "Content-Type: application/json", "Content-Length: 99999999999", method="POST"
    )
    assert (await wire.ask(shared, head)).status == 413


async def test_a_late_sample_is_stored_and_no_news(client: httpx.AsyncClient) -> None:
    now = time.time()
    async with aconnect_sse(client, "GET", "/api/v1/events", params={"match": "late_*", "types": "metrics"}) as stream:
        events = stream.aiter_sse()
        await anext(events)
        late = [{"series": "late_one", "value": 1, "timestamp": now - 100}, {"series": "late_none", "value": 2}]
        assert (await post(client, late)).json()["accepted"] == 2
        event = await anext(event async for event in events if event.event == "metrics")
        assert event.json()["samples"] == {"late_none": 2.0}
    query = {"match": "late_one", "start": str(now - 200)}
    (line,) = (await client.get("/api/v1/query_range", params=query)).json()["result"]
    assert [point[1] for point in line["points"]] == [1.0]


async def test_many_at_once_from_many_are_all_taken(client: httpx.AsyncClient) -> None:
    async with asyncio.TaskGroup() as tasks:
        answers = [
            tasks.create_task(post(client, [{"series": f'crowd{{n="{n}"}}', "value": k} for k in range(1)]))
            for n in range(100)
        ]
    assert all(answer.result().json()["accepted"] == 1 for answer in answers)
    latest = (await client.get("/api/v1/latest", params={"match": "crowd"})).json()["result"]
    assert len(latest) == 100


async def test_series_beyond_the_bound_are_refused_by_index_and_the_machines_own_go_on() -> None:
    async with running_server(config="max_series = 600") as server, httpx.AsyncClient(base_url=server.url) as client:
        body = (await post(client, [{"series": f"x{n}", "value": n} for n in range(700)])).json()
        assert 0 < body["accepted"] <= 600 and len(body["rejected"]) == 700 - body["accepted"]
        assert {one["code"] for one in body["rejected"]} == {"too_many_series"}
        assert "max_series" in body["rejected"][0]["message"]
        assert body["rejected"][-1]["index"] == 699
        status = (await client.get("/api/v1/status")).json()
        assert 540 <= status["series"] <= 600
        twice = [{"series": "new_one", "value": 1}, {"series": "new_one", "value": 2}, {"series": "x0", "value": 5}]
        body = (await post(client, twice)).json()
        assert body["accepted"] == 1 and [one["index"] for one in body["rejected"]] == [0, 1]


def moments(count: int) -> list[dict[str, object]]:
    """Return samples of as many moments, the first half a minute ago. Each series is another: none is superfluous."""
    began = time.time() - 30
    return [{"series": f'moment{{n="{n}"}}', "value": n, "timestamp": began + n / 1_000} for n in range(count)]


async def test_more_moments_in_one_request_than_the_log_holds_reach_a_viewer_who_reads(fast_first: str) -> None:
    async with running_server(config=fast_first) as server, httpx.AsyncClient(base_url=server.url) as client:
        viewer = await wire.RawStream.open(server, "?types=metrics&match=moment")
        await viewer.until(b"event: hello")
        pushing = asyncio.create_task(post(client, moments(9_000)))
        seen = await viewer.until(b'"moment{n=\\"8999\\"}":8999}')
        assert (await pushing).json() == {"accepted": 9_000, "rejected": []}
        assert seen.count(b"event: metrics") == 9_000 and b"event: gap" not in seen
        viewer.drop()


async def take(runtime: Runtime, count: int) -> None:
    """Have an application that nothing else runs in take as many moments."""
    client = create_app(runtime).test_client()
    answer = await client.post("/api/v1/samples", json=moments(count), headers={"Host": "localhost"})
    assert await answer.get_json() == {"accepted": count, "rejected": []}
    runtime.broadcaster.flush()


async def test_many_moments_in_one_request_let_others_have_their_turns_between_them(tmp_path: Path) -> None:
    runtime = Runtime(Settings(data_dir=tmp_path), [], None)
    other = System(timestamp=0.0, source="web-1/test", event="changed")
    turns: list[asyncio.Handle] = []

    def look() -> None:
        if not turns:
            turns.append(asyncio.get_running_loop().call_soon(runtime.broadcaster.publish, other))

    runtime.broadcaster.listeners.add(look)
    await take(runtime, 600)
    types = [entry.type for entry in runtime.log.read(0)]
    assert len(types) == 601 and 0 < types.index("system") < 300


async def test_who_has_stopped_reading_falls_out_of_the_log_and_holds_no_request_up(tmp_path: Path) -> None:
    runtime = Runtime(Settings(data_dir=tmp_path, log_events=32), [], None)
    with runtime.broadcaster.subscribe(Filter.parse("metrics", [])) as stuck:
        await take(runtime, 100)
        assert b'"reason":"slow"' in stuck.read()
