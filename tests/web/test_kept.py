"""What is kept on disk reaches a viewer that comes back: after a kill, a restart, and when it has left the log."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.eventlog import EventId
from tests.serving import running_server
from tests.web.test_stream import viewing
from tests.web.wire import DEADLINE

KEPT = {"types": "log,task,notification,system"}


async def post(client: httpx.AsyncClient, path: str, body: object, *, method: str = "POST") -> None:
    answer = await client.request(method, f"/api/v1/{path}", json=body)
    assert answer.status_code == 200, answer.text


def told(events: list[Any]) -> list[tuple[str, object]]:
    """Return what the lines, tasks and notices among these say, in their order."""
    found: list[tuple[str, object]] = []
    for event in events:
        data = event.json()
        if event.event == "log" and data["source"].endswith("/shop"):
            found.append(("log", data["message"]))
        elif event.event == "task":
            found.append(("task", data["state"]))
        elif event.event == "notification":
            found.append(("notification", data["title"]))
    return found


@pytest.mark.fault
async def test_what_a_kill_interrupts_is_delivered_afterwards_once_and_without_a_gap() -> None:
    """Small bounds on the log in memory make sure that it comes from the disk."""
    with running_server(config="log_events = 16\n") as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            async with viewing(client, KEPT) as viewer:
                await post(client, "logs", {"message": "seen", "source": "shop"})
                last = (await viewer.until(lambda event: told([event]) == [("log", "seen")])).json()["id"]
            for number in range(40):
                await post(client, "logs", {"message": str(number), "source": "shop"})
            await post(client, "tasks/backup", {"progress": 0.25, "interval": 60}, method="PUT")
            await post(client, "tasks/backup", {"state": "failed", "message": "no room"}, method="PUT")
            await post(client, "notifications", {"title": "Tea"})
        expected = [*(("log", str(number)) for number in range(40)), ("task", "failed"), ("notification", "Tea")]
        server.kill()
        await asyncio.to_thread(server.start)
        async with httpx.AsyncClient(base_url=server.url) as client:
            async with viewing(client, KEPT, last) as viewer:
                await viewer.until(lambda event: told([event]) == expected[-1:])
                await post(client, "logs", {"message": "after", "source": "shop"})
                await viewer.until(lambda event: told([event]) == [("log", "after")])
            events = viewer.seen
            async with viewing(client, {}, last) as viewer:
                gap = await viewer.next("gap")
                assert gap.json()["types"] == ["metrics", "processes"] and gap.json()["reason"] == "restart"
    assert events[0].json()["resume"] == "resumed" and "gap" not in {event.event for event in events}
    assert told(events) == [*expected, ("log", "after")]
    ids = [EventId.parse(event.json()["id"]) for event in events if "id" in event.json()]
    assert ids == sorted(set(ids))


@pytest.mark.fault
async def test_lines_that_many_push_at_once_are_all_stored() -> None:
    """All come within one flush."""
    with running_server(config="flush_interval = 1\n") as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as client:
            pushed = [[{"message": f"sender {sender} {number}"} for number in range(900)] for sender in range(6)]
            await asyncio.gather(*(post(client, "logs", lines) for lines in pushed))
        assert await asyncio.to_thread(server.terminate) == 0
        await asyncio.to_thread(server.start)
        async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as client:
            for sender, lines in enumerate(pushed):
                answer = await client.get("/api/v1/logs", params={"text": f"sender {sender} ", "limit": 1000})
                assert len(answer.json()["result"]) == len(lines)


def test_that_nothing_is_stored_is_said_once_in_the_log_with_the_setting_and_by_the_collector(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with running_server(config='instance = "web-1"\n', data_dir=tmp_path / "file") as server:
        said = f"nothing is stored, for data_dir is {tmp_path / 'file'}, which cannot be "
        server.wait_for_log(re.escape(f"WARNING collector storage: failed: {said}used (Not a directory)"))
        answer = httpx.post(f"{server.url}/api/v1/logs", json={"message": "not kept"})
        assert answer.status_code == 200
        server.terminate()
        assert server.log().count(f"ERROR {said}written (File exists): ") == 1
        assert server.log().count("nothing is stored") == 2


async def test_what_comes_seldom_still_holds_after_a_restart() -> None:
    """An answer up to now has its value, though it came in an earlier run, before the first point that is asked for."""
    with running_server() as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            await post(client, "samples", {"series": "seldom", "value": 7, "interval": 3_600})
        assert server.terminate() == 0
        await asyncio.to_thread(server.start)
        async with httpx.AsyncClient(base_url=server.url) as client:
            now = (await client.get("/api/v1/status")).json()["server_time"]
            question = {"match": "seldom", "start": str(now), "end": str(now + 5)}
            (held,) = (await client.get("/api/v1/query_range", params=question)).json()["result"]
    assert (held["last"][1], held["points"]) == (7, [])
