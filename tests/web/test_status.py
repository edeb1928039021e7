"""What the program tells of itself: viewers, gaps, resumes, what was refused; each to whom it may be told."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec
import pytest

from dashboard.config import Settings
from dashboard.events import GapReason
from dashboard.model import Principal, Role
from dashboard.runtime import Runtime
from dashboard.tally import Refused, Viewer
from dashboard.web.app import create_app
from dashboard.web.routing import Context
from dashboard.web.status import MOST_VIEWERS, Status, status
from tests.serving import running_server
from tests.web.conftest import until_ready
from tests.web.test_stream import none_is_open, viewing
from tests.web.wire import DEADLINE, RawStream


async def told(client: httpx.AsyncClient) -> Status:
    answer = await client.get("/api/v1/status")
    return msgspec.json.decode(answer.content, type=Status)


async def test_each_reason_and_limit_is_told_from_the_start_so_that_the_first_is_a_growth(
    client: httpx.AsyncClient,
) -> None:
    body = await told(client)
    assert set(body.gaps) == set(get_args(GapReason)) and set(body.streams_refused) == set(get_args(Refused))
    assert body.max_series >= body.series > 0 and body.log.max_events == 2000 and body.log.max_age > 0


async def test_streams_are_told_by_principal_and_address(client: httpx.AsyncClient) -> None:
    await none_is_open(client)
    before = await told(client)
    async with viewing(client) as first, viewing(client) as second:
        await first.next("hello")
        await second.next("hello")
        body = await told(client)
    assert body.streams == before.streams + 2 and body.users == 1
    assert [(who.principal, who.address, who.streams) for who in body.viewers] == [("local", "127.0.0.1", body.streams)]


async def test_a_resume_and_the_gap_it_is_told_are_counted_once_each(client: httpx.AsyncClient) -> None:
    before = await told(client)
    async with viewing(client, last="no id") as viewer:
        await viewer.next("gap")
    async with viewing(client, last=before.log.newest) as viewer:
        await viewer.next("heartbeat")
    async with viewing(client) as viewer:
        await viewer.next("hello")
    await client.head("/api/v1/events", headers={"Last-Event-ID": "no id"})
    after = await told(client)
    assert after.resumes == before.resumes + 2
    grown = {reason: count - before.gaps[reason] for reason, count in after.gaps.items()}
    assert grown == {**dict.fromkeys(before.gaps, 0), "unknown_id": 1}


async def test_a_stream_that_does_not_read_is_the_slowest_and_one_too_many_is_refused() -> None:
    """What it is behind, and what else came of it, is told by status and by the program's own metrics."""
    config = 'instance = "web-1"\ninterval = 0.1\nmax_streams = 1\nstall_timeout = 300\n'
    config += '[[collector]]\nname = "dashboard"\ninterval = 0.5\n'
    async with running_server(config=config) as server, httpx.AsyncClient(base_url=server.url, timeout=10) as client:
        stalled = await RawStream.open(server, receive_buffer=4096)
        await stalled.until(b"event: hello")
        stalled.writer.transport.pause_reading()  # type: ignore[attr-defined]
        fill = [{"series": f'fill{{n="{number}"}}', "value": 1} for number in range(1000)]
        deadline = time.monotonic() + DEADLINE
        own = 0.0
        while (await told(client)).slowest < 10 or own < 10:
            assert time.monotonic() < deadline
            await client.post("/api/v1/samples", json=fill)
            found = (await client.get("/api/v1/latest?match=dashboard_stream_lag_events")).json()["result"]
            own = found[0]["value"] if found else 0.0
        assert (await client.get("/api/v1/events")).status_code == 503
        before, deadline = await told(client), time.monotonic() + DEADLINE
        while True:
            text = (await client.get("/metrics")).text
            found = dict(re.findall(r'^dashboard_(\w+){instance="web-1"(?:,limit="streams")?} (\S+)$', text, re.M))
            if float(found["bytes_sent_total"]) >= before.bytes_sent and found["streams_refused_total"] == "1.0":
                break
            assert time.monotonic() < deadline, text
        after = await told(client)
        assert float(found["bytes_sent_total"]) <= after.bytes_sent and found["streams"] == "1.0"
        assert after.streams == after.streams_refused["streams"] == 1
        stalled.drop()


@pytest.mark.parametrize(
    "series",
    [
        "dashboard_streams",
        "dashboard_bytes_sent_total",
        "dashboard_stream_lag_events",
        "dashboard_conflated_events_total",
        'dashboard_gaps_total{reason="slow"}',
        "dashboard_resumes_total",
        'dashboard_streams_refused_total{limit="attempts"}',
        "dashboard_streams_aborted_total",
    ],
)
async def test_what_status_tells_is_in_the_metrics(client: httpx.AsyncClient, series: str) -> None:
    name, _, labels = series.partition("{")
    inner = ",".join(sorted(['instance="web-1"', *filter(None, [labels.rstrip("}")])]))
    deadline = time.monotonic() + DEADLINE
    while not re.search(rf"^{name}{{{re.escape(inner)}}} [0-9]", (text := (await client.get("/metrics")).text), re.M):
        assert time.monotonic() < deadline, text


async def test_what_is_kept_on_disk_is_told() -> None:
    config = '[[collector]]\nname = "storage"\ninterval = 0.5\n'
    async with running_server(config=config) as server, httpx.AsyncClient(base_url=server.url, timeout=10) as client:
        await client.post("/api/v1/logs", json={"message": "one"})
        deadline = time.monotonic() + DEADLINE
        while None in ((body := await told(client)).storage.history_bytes, body.storage.state_bytes):
            assert time.monotonic() < deadline
        assert body.storage.free_bytes is not None and body.storage.free_bytes > 0 and body.unstored == 0


async def test_what_the_process_takes_is_told_once_it_was_collected() -> None:
    config = '[[collector]]\nname = "dashboard"\ninterval = 0.5\n'
    async with running_server(config=config) as server, httpx.AsyncClient(base_url=server.url, timeout=10) as client:
        until_ready(server)
        deadline = time.monotonic() + DEADLINE
        while (process := (await told(client)).process).cpu_ratio is None:
            assert time.monotonic() < deadline
        assert process.resident_bytes is not None and 10e6 < process.resident_bytes < 500e6
        assert process.loop_lag is not None and process.loop_lag >= 0


async def seen_by(runtime: Runtime, role: Role) -> dict[str, Any]:
    """Return the status as it is told to a principal of a role."""
    app = create_app(runtime)
    async with app.test_request_context("/api/v1/status") as scope:
        answer = await status(Context(runtime, Principal("anna", role), scope.request))
        return dict(msgspec.json.decode(await answer.get_data(as_text=False)))


async def test_addresses_are_told_to_admins_alone_and_of_many_viewers_those_with_the_most_streams(
    tmp_path: Path,
) -> None:
    runtime = Runtime(Settings(data_dir=tmp_path), [], None)
    for number in range(2 * MOST_VIEWERS):
        for _ in range(1 + (number == 150)):
            runtime.tally.enter(Viewer("anna" if number % 2 else "bo", f"10.0.0.{number}"))
    full, bare = await seen_by(runtime, Role.ADMIN), await seen_by(runtime, Role.VIEWER)
    assert full["users"] == 2 * MOST_VIEWERS and len(full["viewers"]) == MOST_VIEWERS
    assert full["viewers"][0] == {"principal": "bo", "streams": 2, "address": "10.0.0.150"}
    assert bare["viewers"] == [{"principal": "bo", "streams": 101}, {"principal": "anna", "streams": 100}]
    assert "10.0.0." not in str(bare)
