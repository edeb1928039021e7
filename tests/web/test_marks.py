"""Annotations and process history by HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse

from dashboard.config import Settings
from dashboard.model import Batch, ProcessRow
from dashboard.runtime import running
from dashboard.web import processes
from dashboard.web.app import create_app

Json = dict[str, Any]
PATH = "/api/v1/annotations"
NOON = 1_795_348_800.0


async def test_an_annotation_is_put_listed_told_to_viewers_and_taken_away(client: httpx.AsyncClient) -> None:
    async with aconnect_sse(client, "GET", "/api/v1/events", params={"types": "system"}) as stream:
        events = stream.aiter_sse()
        assert (await anext(events)).event == "hello"
        body = {
            "text": "Deploy\nof shop 2.4",
            "start": "2026-11-22T12:00:00Z",
            "end": NOON + 60,
            "tags": ["deploy", "shop"],
        }
        answer = await client.post(PATH, json=body)
        added: Json = answer.json()
        assert answer.status_code == 201 and added["id"] > 0
        # The program may have something else to say meanwhile, as of a collector that is late.
        told = await anext(event async for event in events if event.event == "system" and "what" in event.json())
        assert (told.json()["event"], told.json()["what"]) == ("changed", "annotations")
    assert added == {
        "id": added["id"],
        "start": NOON,
        "end": NOON + 60,
        "text": "Deploy\nof shop 2.4",
        "tags": ["deploy", "shop"],
        "author": "local",
    }
    other = (await client.post(PATH, json={"text": "now"})).json()
    assert abs(other["start"] - time.time()) < 10 and other["end"] is None

    async def found(**query: object) -> list[int]:
        listed = await client.get(PATH, params={key: str(value) for key, value in query.items()})
        assert listed.status_code == 200, listed.text
        return [one["id"] for one in listed.json()["result"]]

    assert {added["id"], other["id"]} <= set(await found())
    assert await found(start=NOON + 61, end="2026-11-22T13:30:00+01:00", tag="deploy") == []
    assert await found(start=NOON - 30, end="2026-11-22T13:00:30+01:00", tag="deploy") == [added["id"]]
    assert await found(start=NOON - 30, end=NOON + 30, tag="other") == []
    (row,) = (await client.get(PATH, params={"format": "rows", "start": NOON, "end": NOON})).json()
    assert row == {
        "time": "2026-11-22T12:00:00+00:00",
        "timeEnd": "2026-11-22T12:01:00+00:00",
        "title": "Deploy",
        "text": "of shop 2.4",
        "tags": "deploy,shop",
    }
    gone = await client.delete(f"{PATH}/{added['id']}")
    assert (gone.status_code, gone.json()) == (200, {"removed": added["id"]})
    for id in (added["id"], "x", "9" * 30, "-1"):
        assert (await client.delete(f"{PATH}/{id}")).status_code == 404
    assert added["id"] not in await found()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "text: is missing"),
        ({"text": " \r\n"}, "text: must not be empty"),
        ({"text": "x", "start": "2026-11-22T12:00:00"}, "start: 2026-11-22T12:00:00 has no offset"),
        ({"text": "x", "start": 1_795_348_800_000}, "start: is far from any time"),
        ({"text": "x", "end": 5}, "end: must not be before start"),
        ({"text": "x", "tags": [str(number) for number in range(21)]}, "tags: 21 are given; at most 20"),
        ({"text": "x", "colour": "red"}, "colour: there is no such field"),
        ([], "an object is wanted"),
    ],
    ids=str,
)
async def test_an_annotation_that_cannot_be_put_is_told_why(client: httpx.AsyncClient, body: object, said: str) -> None:
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 400 and said in answer.json()["error"]["message"], answer.text


async def test_a_notice_may_be_put_on_the_charts_too(client: httpx.AsyncClient) -> None:
    notice = {"title": "Backup failed", "message": "no space", "level": "error", "annotate": True}
    answer = await client.post("/api/v1/notifications", json=[notice, {"title": "not this one"}])
    assert answer.json() == {"accepted": 2, "rejected": []}
    found = (await client.get(PATH, params={"tag": "notification"})).json()["result"]
    assert [(one["text"], one["tags"]) for one in found] == [("Backup failed\nno space", ["notification", "error"])]


async def test_a_day_of_processes_is_written_by_a_thread_for_all_viewers_would_feel_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set[int]()

    def noting(work: Callable[..., object]) -> Callable[..., object]:
        def run(*given: object) -> object:
            threads.add(threading.get_ident())
            return work(*given)

        return run

    for name in ("_told", "json_response"):
        monkeypatch.setattr(processes, name, noting(getattr(processes, name)))
    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        now = time.time()
        runtime.pipeline.accept(batch(now, ("backup", 1.5, 1_000)))
        answer = await create_app(runtime).test_client().get("/api/v1/processes?start=0", headers={"Host": "localhost"})
        assert answer.status_code == 400 and not threads
        asked = f"/api/v1/processes?start={now - 60}&end={now + 60}"
        answer = await create_app(runtime).test_client().get(asked, headers={"Host": "localhost"})
        assert (await answer.get_json())["result"] and threads and threading.get_ident() not in threads


def batch(at: float, *rows: tuple[str, float, int]) -> Batch:
    """Return one collection of processes: name, CPU and memory of each."""
    made = [ProcessRow(number, name, "root", cpu, size) for number, (name, cpu, size) in enumerate(rows)]
    return Batch("h/processes", at, 2.0, {"instance": "h"}, {}, tuple(made))


async def test_what_took_the_cpu_is_answered_for_any_minute_that_was(tmp_path: Path) -> None:
    three = time.time() // 60 * 60 - 7_200
    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        asking = create_app(runtime).test_client()

        async def ask(**query: object) -> tuple[int, Json]:
            text = {key: str(value) for key, value in query.items()}
            answer = await asking.get("/api/v1/processes", query_string=text, headers={"Host": "localhost"})
            return answer.status_code, await answer.get_json()

        for at in range(0, 120, 2):
            runtime.pipeline.accept(
                batch(three + at, ("backup", 1.5, 1_000), ("backup", 0.25, 500), ("db", 0.1, 9_000))
            )
        status, body = await ask(at=three + 42)
        assert status == 200 and (body["start"], body["end"]) == (three, three + 60)
        (minute,) = body["result"]
        assert [one["name"] for one in minute["by_cpu"]] == ["backup", "db"]
        assert [one["name"] for one in minute["by_memory"]] == ["db", "backup"]
        busiest = minute["by_cpu"][0]
        assert busiest["cpu_ratio"] == 1.75 and busiest["processes"] == 2 and busiest["resident_bytes"] == 1_500
        status, body = await ask(start=three, end=three + 180)
        assert [one["start"] for one in body["result"]] == [three, three + 60]
        assert (await ask(at=three - 86_400))[1]["result"] == []
        for query, said in (
            ({"at": three, "start": three}, "at: give either"),
            ({"at": "2026-11-22T03:00"}, "has no offset"),
            ({"start": three, "end": three}, "start: must be before end"),
            ({"start": three - 200_000, "end": three}, "at most 24 h of minutes"),
        ):
            status, body = await ask(**query)
            assert status == 400 and said in body["error"]["message"]
