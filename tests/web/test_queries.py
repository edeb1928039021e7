"""What programs and pages ask: series, newest values, points, and how the program is doing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse

from tests.serving import Server
from tests.test_exposition import complaints
from tests.web.wire import DEADLINE

Json = dict[str, Any]

NOW = int(time.time())


async def push(client: httpx.AsyncClient, *samples: Json) -> None:
    """Push samples, all of which are good."""
    answer = await client.post("/api/v1/samples", json=list(samples))
    assert answer.json() == {"accepted": len(samples), "rejected": []}, answer.text


async def ask(client: httpx.AsyncClient, path: str, **query: object) -> Json:
    """Return a good answer's JSON."""
    answer = await client.get(f"/api/v1/{path}", params={key: str(value) for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


async def test_the_catalogue_says_what_each_series_is(client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        began = time.time()
        (entry,) = (await ask(client, "series", match="system_load_1m"))["result"]
        if 0 <= entry["age"] < 7:
            break
        assert time.monotonic() < deadline, entry  # it is one that was late
    assert entry["series"] == 'system_load_1m{instance="web-1"}' and entry["name"] == "system_load_1m"
    assert entry["labels"] == {"instance": "web-1"} and entry["type"] == "gauge" and entry["help"]
    assert entry["source"].startswith("web-1/") and entry["interval"] == 5.0
    assert began - 0.01 < entry["last_seen"] + entry["age"] < time.time() + 0.01
    everything = await ask(client, "series")
    names = [entry["series"] for entry in everything["result"]]
    assert len(names) > 20 and names == sorted(names)


async def test_latest_gives_value_time_and_age_of_each_that_is_chosen(client: httpx.AsyncClient) -> None:
    body = await ask(client, "latest", match="system_load_*")
    assert {entry["series"].partition("{")[0] for entry in body["result"]} == {
        "system_load_1m",
        "system_load_5m",
        "system_load_15m",
    }
    for entry in body["result"]:
        assert entry["value"] >= 0 and entry["age"] == pytest.approx(
            body["server_time"] - entry["timestamp"], abs=0.002
        )
    assert body["as_of"].count("-") == 1
    none = await ask(client, "latest", match="nothing_of_the_kind")
    assert none["result"] == []


async def test_of_samples_that_come_out_of_order_the_newest_by_time_is_the_latest(client: httpx.AsyncClient) -> None:
    now = time.time()
    for age in (0, 30, 200):
        await push(client, {"series": "out_of_order", "value": age, "timestamp": now - age, "interval": 10})
    (entry,) = (await ask(client, "latest", match="out_of_order"))["result"]
    assert entry["value"] == 0 and entry["timestamp"] == now
    (line,) = (await ask(client, "query_range", match="out_of_order", start=now - 300, end=now + 1))["result"]
    assert [point[1] for point in line["points"] if point[1] is not None] == [200, 30, 0]


async def test_a_counter_is_a_total_in_latest_and_a_rate_in_query_range_unless_raw(client: httpx.AsyncClient) -> None:
    now = float(int(time.time()))
    totals = [(now - 5, 100), (now - 4, 110), (now - 3, 5), (now - 2, 7), (now - 1, 8)]
    await push(client, *({"series": "jobs_total", "value": v, "timestamp": t, "interval": 1} for t, v in totals))
    (latest,) = (await ask(client, "latest", match="jobs_total"))["result"]
    assert latest["value"] == 8
    (line,) = (await ask(client, "query_range", match="jobs_total", start=now - 10, end=now))["result"]
    assert line["points"] == [[now - 4, 10, 10, 10], [now - 2, 2, 2, 2], [now - 1, 1, 1, 1]]
    (raw,) = (await ask(client, "query_range", match="jobs_total", start=now - 10, end=now, raw=1))["result"]
    assert [point[1] for point in raw["points"]] == [100, 110, 5, 7, 8]
    (later,) = (await ask(client, "query_range", match="jobs_total", start=now - 2, end=now))["result"]
    assert later["points"] == [[now - 2, 2, 2, 2], [now - 1, 1, 1, 1]], "the first rate needs the total before it"
    (later,) = (await ask(client, "query_range", match="jobs_total", start=now - 2, end=now, raw=1))["result"]
    assert [point[0] for point in later["points"]] == [now - 2, now - 1]


async def test_points_of_a_step_are_buckets_by_their_start_and_null_where_there_is_nothing(
    client: httpx.AsyncClient,
) -> None:
    now = (time.time() // 10) * 10
    await push(
        client,
        *(
            {"series": "steps", "value": value, "timestamp": now - age, "interval": 1}
            for age, value in [(100, 1), (99, 3), (98, 8), (20, 5)]
        ),
    )
    body = await ask(client, "query_range", match="steps", start=now - 110, end=now, step=10)
    (line,) = body["result"]
    assert body["step"] == 10 and line["source"] == "web-1/push" and line["interval"] == 1
    points = {int(point[0] - now): point[1:] for point in line["points"]}
    assert points[-100] == [4, 1, 8] and points[-20] == [5, 5, 5]
    assert line["last"] == [now - 20, 5]
    (earlier,) = (await ask(client, "query_range", match="steps", start=now - 110, end=now - 90, step=10))["result"]
    assert earlier["last"] == [now - 98, 8]
    assert all(points[age] == [None, None, None] for age in (-110, *range(-80, -20, 10), -10))


async def test_a_bucket_is_the_same_wherever_the_question_begins_and_ends(client: httpx.AsyncClient) -> None:
    """A page that asks again, a little later, must not see an old bucket change."""
    now = (time.time() // 10) * 10
    await push(
        client,
        *({"series": "same", "value": n, "timestamp": now - 40 + n, "interval": 1} for n in range(30)),
    )
    answers = [
        (await ask(client, "query_range", match="same", start=now - 40 + n, end=now - 15 + n, step=10))["result"]
        for n in range(10)
    ]
    buckets: dict[float, set[tuple[float, ...]]] = {}
    for (line,) in (answer for answer in answers):
        for start, *values in line["points"]:
            buckets.setdefault(start, set()).add(tuple(values))
    assert len(buckets[now - 30]) == len(buckets[now - 40]) == len(buckets[now - 20]) == 1, buckets


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, "match"),
        ({"match": "{"}, "selector"),
        ({"match": "a", "start": "x"}, "start"),
        ({"match": "a", "end": "nan"}, "end"),
        ({"match": "a", "end": "inf"}, "end"),
        ({"match": "a", "step": "-1"}, "step"),
        ({"match": "a", "step": "1e999"}, "step"),
        ({"match": "a", "start": "20", "end": "10"}, "start"),
        ({"match": "a", "start": "10", "end": "10"}, "start"),
        ({"match": "a", "start": "1_000"}, "start: must be a time"),
        ({"match": "a", "start": "\N{ARABIC-INDIC DIGIT ONE}"}, "start: must be a time"),
        ({"match": "a", "start": "2026-11-22T03:00:00"}, "start: 2026-11-22T03:00:00 has no offset"),
        ({"match": "a", "end": str(1000 * NOW)}, "end: is far from any time: Unix seconds are wanted"),
        ({"match": "a", "start": "-1e308", "end": "1e308"}, "not milliseconds"),
        ({"match": "a", "start": "0", "end": str(NOW)}, " years are asked for; at most 2 years are stored"),
        ({"match": "a", "format": "xml"}, "format: must be one of json, rows, csv, csv-rows"),
        ({"match": "a", "points": "0"}, "points: must be a whole number from 1 to 10000"),
        ({"match": "a", "points": "10", "step": "1"}, "points: give either this or step"),
        ({"match": "a", "step": "0x1"}, "step: must be a number"),
        ({"match": "a", "step": "+-1"}, "step: must be a number"),
        ({"match": "system_load_1m", "step": "0.001"}, "step: must be 0 (as collected), or at least 0.1 s"),
        ({"match": "system_load_1m", "step": "5e-324"}, "at least 0.1 s"),
        ({"match": "system_load_1m", "step": "1e308"}, "step: must be at most"),
        (
            {"match": "system_load_1m", "start": str(NOW - 9_000_000), "end": str(NOW + 100_000), "step": "1"},
            "9100000 points; at most 500000: take a step of at least 19 s",
        ),
        ({"match": "system_load_1m", "start": str(NOW - 86_400), "step": "0.1"}, "take a step of at least 0.2 s"),
    ],
    ids=map(str, count()),  # the time is another one in each process
)
async def test_a_question_that_cannot_be_answered_is_told_why(
    client: httpx.AsyncClient, query: dict[str, str], said: str
) -> None:
    answer = await client.get("/api/v1/query_range", params=query)
    assert answer.status_code == 400 and said in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "query",
    [
        {"start": "-1e9", "end": "-999999999", "step": "1e9"},
        {"start": "0", "end": "1e-320", "step": "0.1"},
        {"start": "-.5e1", "end": "+5."},
        {"start": str(NOW + 86_400), "end": str(NOW + 90_000), "step": "1h"},
    ],
    ids=map(str, count()),  # the time is another one in each process
)
async def test_a_time_of_which_there_is_nothing_is_an_empty_answer_and_no_error(
    client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    answer = await client.get("/api/v1/query_range", params={"match": "system_load_1m", **query})
    assert answer.status_code == 200 and answer.json()["result"] == []


async def test_status_tells_how_the_program_is_doing(client: httpx.AsyncClient) -> None:
    body = await ask(client, "status")
    assert body["instance"] == "web-1" and body["heartbeat_interval"] == 0.5 and body["insecure"] is False
    assert body["started_at"] <= body["server_time"] and body["series"] > 20 and body["board_fault"] is None
    assert body["log"]["events"] > 0 and body["log"]["oldest"] < body["log"]["newest"]
    assert body["published"]["metrics"] > 0 and body["published"]["system"] >= 1
    names = {collector["name"]: collector for collector in body["collectors"]}
    deadline = time.monotonic() + DEADLINE
    while names["memory"]["state"] != "ok":  # it may be late for once
        assert time.monotonic() < deadline, names["memory"]
        names = {collector["name"]: collector for collector in (await ask(client, "status"))["collectors"]}
    assert {"cpu", "memory", "dashboard"} <= names.keys()
    for collector in names.values():
        assert {"source", "state", "interval", "last_success", "since", "error", "duration"} <= collector.keys()
    assert names["memory"]["state"] == "ok" and names["memory"]["error"] is None


async def test_the_exposition_of_the_real_server_passes_promtool(
    client: httpx.AsyncClient, need: Callable[[str], Path]
) -> None:
    await push(
        client,
        {"series": 'room_celsius{room="a\\"b"}', "value": 21.5},
        {"series": "jobs_done", "value": 1},
        {"series": "jobs_done_total", "value": 2},
    )
    names = ("system_cpu_total_utilization_ratio", "system_memory_usage_bytes", "dashboard_http_requests_total")
    async with asyncio.timeout(DEADLINE):  # the program samples itself every five seconds
        answer = await client.get("/metrics")
        while not all(f"\n{name}{{" in answer.text for name in names):
            await asyncio.sleep(0.1)
            answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert complaints(need("promtool"), answer.text) == ""


async def test_a_scrape_of_prometheus_is_answered_in_the_format_that_it_takes(client: httpx.AsyncClient) -> None:
    """Its own headers: it would rather have another format, and asks for gzip."""
    await push(client, {"series": "scraped_celsius", "value": 21.5})
    headers = {
        "User-Agent": "Prometheus/2.42.0",
        "Accept": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
        "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "Accept-Encoding": "gzip",
        "X-Prometheus-Scrape-Timeout-Seconds": "10",
    }
    answer = await client.get("/metrics", headers=headers)
    assert answer.status_code == 200 and answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert '\nscraped_celsius{instance="web-1"} 21.5' in answer.text


async def test_a_series_that_is_stale_is_not_exposed(client: httpx.AsyncClient) -> None:
    now = time.time()
    await push(
        client,
        {"series": "stale_celsius", "value": 1, "timestamp": now - 30, "interval": 10},
        {"series": "fresh_celsius", "value": 1, "timestamp": now - 15, "interval": 10},
    )
    text = (await client.get("/metrics")).text
    assert "\nfresh_celsius{" in text and "stale_celsius" not in text


async def test_health_and_readiness(client: httpx.AsyncClient) -> None:
    for path, text in (("/healthz", "ok\n"), ("/readyz", "ready\n")):
        answer = await client.get(path)
        assert (answer.status_code, answer.text) == (200, text)
        assert answer.headers["cache-control"] == "no-store"


async def test_a_question_and_the_stream_behind_it_have_no_hole_and_no_point_twice(
    shared: Server, client: httpx.AsyncClient
) -> None:
    """While samples pour in, points up to `as_of` and events after it are together every sample, once.

    So it is with points from the window and with those from disk, which reach further back.
    """
    pushed = 0
    base = time.time() - 30
    done = asyncio.Event()

    async def pour() -> None:
        nonlocal pushed
        async with httpx.AsyncClient(base_url=shared.url) as other:
            while not done.is_set():
                await push(
                    other, {"series": "poured", "value": pushed, "timestamp": base + pushed / 1000, "interval": 1}
                )
                pushed += 1

    async def look(back: float) -> None:
        span = {"start": base - back, "end": base + 1000}
        body = await ask(client, "query_range", match="poured", unknown="empty", **span)
        known = [int(point[1]) for line in body["result"] for point in line["points"]]
        query = {"match": "poured", "types": "metrics", "after": body["as_of"]}
        goal = pushed + 20
        async with aconnect_sse(client, "GET", "/api/v1/events", params=query) as stream:
            async for event in stream.aiter_sse():
                assert event.event != "gap"
                if event.event == "metrics":
                    known += [int(value) for value in event.json()["samples"].values()]
                if known and known[-1] >= goal:
                    break
        assert known == list(range(len(known)))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pour())
        for back in (1, 2_000) * 6:
            await look(back)
        done.set()
