"""Logs, tasks and notices by HTTP: on the stream at once, first for a panel, refused with a reason, harmless."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse

from tests.serving import Server, running_server
from tests.web.wire import DEADLINE

OWN = "web-1/dashboard"
"""Source of the server's own lines, which come when they come."""

NASTY = "a\r\nid: 9-9\r\ndata: {}\r\n\r\nevent: bye\n\u2028\x00\x1b[31mred\x1b[0m\u202eb"


async def send(
    client: httpx.AsyncClient, path: str, body: object, method: str = "POST", kind: str = "application/json"
) -> httpx.Response:
    """Send a body: bytes as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.request(method, f"/api/v1/{path}", content=raw, headers={"Content-Type": kind})


@asynccontextmanager
async def listening(client: httpx.AsyncClient, types: str) -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
    """Give the events of these types that the tests made, and no heartbeats; the stream has begun."""
    async with aconnect_sse(client, "GET", "/api/v1/events", params={"types": types}) as stream:
        events = stream.aiter_sse()
        assert (await anext(events)).event == "hello"
        yield (event async for event in events if "source" in event.json() and event.json()["source"] != OWN)


async def result(client: httpx.AsyncClient, path: str, **query: str) -> list[dict[str, Any]]:
    """Return what a panel is shown first, waiting until it has anything to show."""
    async with asyncio.timeout(DEADLINE):
        found: list[dict[str, Any]] = []
        while not found:
            found = (await client.get(f"/api/v1/{path}", params=query)).json()["result"]
    return found


WAYS = [("POST", "samples"), ("POST", "logs"), ("POST", "notifications"), ("PUT", "tasks/packed")]


@pytest.mark.parametrize(("method", "path"), WAYS)
@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip", "x"])
async def test_a_compressed_body_is_refused_as_such(
    client: httpx.AsyncClient, method: str, path: str, coding: str
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    answer = await client.request(method, f"/api/v1/{path}", content=gzip.compress(b"{}"), headers=headers)
    assert answer.status_code == 415 and answer.json()["error"]["code"] == "unsupported_media_type"
    assert "compressed bodies are not read" in answer.json()["error"]["message"]
    assert answer.headers["accept-encoding"] == "identity"


async def test_a_body_that_says_that_it_is_not_compressed_is_read(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "identity"}
    answer = await client.post("/api/v1/samples", content=b'{"series":"unpacked","value":1}', headers=headers)
    assert answer.json() == {"accepted": 1, "rejected": []}


@pytest.mark.parametrize(
    ("path", "good", "bad", "code", "said"),
    [
        ("logs", '{"message":"a"}', '{"message":"a","timestamp":NaN}', "not_finite", "timestamp: must be a finite"),
        ("logs", '{"message":"a"}', '{"message":"\\ud800"}', "invalid_line", "message: holds half a character"),
        ("notifications", '{"title":"a"}', '{"title":"\\udfff"}', "invalid_notification", "title: holds half a ch"),
    ],
)
async def test_what_json_cannot_say_costs_only_its_own_item(
    client: httpx.AsyncClient, path: str, good: str, bad: str, code: str, said: str
) -> None:
    answer = (await send(client, path, f"[{good},{bad},{good}]".encode())).json()
    assert answer["accepted"] == 2
    assert [(one["index"], one["code"]) for one in answer["rejected"]] == [(1, code)]
    assert answer["rejected"][0]["message"].startswith(said)


async def test_a_line_is_on_the_stream_and_first_in_the_list(client: httpx.AsyncClient) -> None:
    line = {"message": "payment took 4.1 s", "level": "WARN", "source": "shop", "logger": "shop.payment"}
    async with listening(client, "log") as events:
        answer = await send(client, "logs", line)
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "rejected": []})
        event = await anext(events)
    data = event.json()
    assert event.event == "log" and data["source"] == "web-1/shop" and data["resource"] == {"instance": "web-1"}
    assert (data["level"], data["message"], data["logger"]) == ("warning", "payment took 4.1 s", "shop.payment")
    assert (await result(client, "logs", text="PAYMENT took", limit="1")) == [data]


async def test_lines_are_chosen_by_level_and_text_newest_first(client: httpx.AsyncClient) -> None:
    lines = [{"message": f"chosen {n}", "level": level} for n, level in enumerate(("info", "error", "critical"))]
    assert (await send(client, "logs", lines)).json()["accepted"] == 3
    assert [line["message"] for line in await result(client, "logs", text="chosen", level="error")] == [
        "chosen 2",
        "chosen 1",
    ]


@pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("limit", "x"), ("limit", "²"), ("level", "loud")])
async def test_a_question_that_means_nothing_is_a_400(client: httpx.AsyncClient, name: str, value: str) -> None:
    answer = await client.get("/api/v1/logs", params={name: value})
    assert answer.status_code == 400 and answer.json()["error"]["message"].startswith(f"{name}: must be")


async def test_a_line_of_a_megabyte_is_cut_and_says_so(client: httpx.AsyncClient) -> None:
    async with listening(client, "log") as events:
        assert (await send(client, "logs", {"message": "x" * 2**20})).json()["accepted"] == 1
        message = (await anext(events)).json()["message"]
    assert len(message) == 8192 and message.endswith(" … (cut, of 1048576 characters)")


async def test_too_many_lines_are_refused_as_a_whole(client: httpx.AsyncClient) -> None:
    answer = await send(client, "logs", [{"message": "x"}] * 1_001)
    assert answer.status_code == 400 and "at most 1000" in answer.json()["error"]["message"]


async def test_a_task_is_heard_of_followed_and_ended(client: httpx.AsyncClient) -> None:
    async with listening(client, "task") as events:
        begun = {"title": "Backup", "done": 1, "total": 4, "unit": "files", "interval": 60}
        answer = await send(client, "tasks/backup-1", begun, "PUT")
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "rejected": []})
        first = (await anext(events)).json()
        assert (first["task"], first["state"], first["progress"], first["title"]) == (
            "backup-1",
            "running",
            0.25,
            "Backup",
        )
        await send(client, "tasks/backup-1", {"state": "failed", "message": "disk full", "exit_code": 3}, "PUT")
        last = (await anext(events)).json()
    assert (last["state"], last["message"], last["exit_code"], last["title"]) == ("failed", "disk full", 3, "Backup")
    assert last["ended_at"] >= last["started_at"] == first["started_at"]
    held = [task for task in await result(client, "tasks") if task["task"] == "backup-1"]
    assert held == [{key: value for key, value in last.items() if key != "id"}]


async def test_silence_makes_a_task_lost_and_a_word_brings_it_back(client: httpx.AsyncClient) -> None:
    async with listening(client, "task") as events:
        # The second word is good for an hour: it is not to be lost once more before its end is told.
        words = {"first": {"interval": 0.1}, "second": {"interval": 3600}, "end": {"state": "completed"}}
        for word, state in (("first", "running"), ("", "lost"), ("second", "running"), ("end", "completed")):
            if word:
                await send(client, "tasks/quiet", words[word], "PUT")
            assert (await anext(events)).json()["state"] == state


async def test_a_notice_reaches_everyone_and_the_list_of_whom_it_is_for(client: httpx.AsyncClient) -> None:
    async with listening(client, "notification") as events:
        notices = [{"title": "Deploy at noon", "message": "a\nb", "level": "warning"}, {"title": "x", "to": "anna"}]
        notices.append({"title": "yours", "to": "local"})
        assert (await send(client, "notifications", notices)).json()["accepted"] == 3
        data = (await anext(events)).json()
    assert (data["title"], data["message"], data["level"]) == ("Deploy at noon", "a\nb", "warning")
    assert data["source"] == "web-1/local" and "to" not in data
    listed = await result(client, "notifications", limit="2")
    assert [(one["title"], one.get("to")) for one in listed] == [("yours", "local"), ("Deploy at noon", None)]


@pytest.mark.parametrize("path", ["logs", "notifications", "tasks/x"])
@pytest.mark.parametrize("body", [b"", b"{", b"[" * 200_000, b"\xff", b"5", b'{"a":' * 100_000])
async def test_what_is_no_json_of_the_kind_is_a_400_that_shows_what_to_send(
    client: httpx.AsyncClient, path: str, body: bytes
) -> None:
    answer = await send(client, path, body, "PUT" if "/" in path else "POST")
    assert answer.status_code == 400 and len(answer.text) < 600
    assert {"logs": "message", "notifications": "title", "tasks/x": "progress"}[path] in answer.text


@pytest.mark.parametrize("path", ["logs", "notifications", "tasks/x"])
async def test_what_a_foreign_page_could_send_is_refused(client: httpx.AsyncClient, path: str) -> None:
    answer = await send(client, path, {"message": "x", "title": "x"}, "PUT" if "/" in path else "POST", "text/plain")
    assert answer.status_code == 400 and "application/json" in answer.json()["error"]["message"]


async def test_no_text_can_begin_a_line_of_the_stream(client: httpx.AsyncClient) -> None:
    async with listening(client, "log,task,notification") as events:
        await send(client, "logs", {"message": NASTY, "logger": NASTY, "instance": NASTY, "source": NASTY})
        await send(client, "notifications", {"title": NASTY, "message": NASTY})
        task = {"title": NASTY, "message": NASTY, "unit": NASTY, "output": [NASTY], "source": NASTY, "instance": NASTY}
        await send(client, "tasks/nasty", task, "PUT")
        seen = [await anext(events) for _ in range(3)]
    assert sorted(event.event for event in seen) == ["log", "notification", "task"]
    for event in seen:
        assert event.id == event.json()["id"] and "\r" not in event.data
        assert not any(sign in str(event.json()) for sign in ("\x00", "\x1b", "\r", "\u202e", "\u2028"))


async def test_a_tasks_name_is_printable_and_bounded(client: httpx.AsyncClient) -> None:
    for name in ("a%0d%0ab", "%00", "x" * 201, "%20", "a%E2%80%AEb"):
        answer = await send(client, f"tasks/{name}", {}, "PUT")
        assert answer.status_code == 400 and answer.json()["rejected"][0]["code"] == "invalid_task", name


@pytest.mark.fault
async def test_a_killed_servers_lines_tasks_and_notices_are_there_again() -> None:
    async with running_server() as server, httpx.AsyncClient(base_url=server.url, timeout=10) as client:
        assert (await send(client, "logs", [{"message": f"line {n}"} for n in range(5)])).json()["accepted"] == 5
        await send(client, "notifications", {"title": "Deploy at noon"})
        async with listening(client, "task") as events, asyncio.timeout(DEADLINE):
            await send(client, "tasks/quick", {"interval": 0.5, "done": 3}, "PUT")
            await send(client, "tasks/done", {"state": "completed"}, "PUT")
            heard = set[str]()
            while heard != {"quick", "done"}:  # the quick one may be lost already, which is one more event
                heard.add((await anext(events)).json()["task"])
        server.kill()
        await asyncio.to_thread(server.start)
        lines = await result(client, "logs", text="line ")
        assert [line["message"] for line in lines] == [f"line {n}" for n in range(4, -1, -1)]
        assert [notice["title"] for notice in await result(client, "notifications")] == ["Deploy at noon"]
        async with asyncio.timeout(DEADLINE):
            states: dict[str, str] = {}
            while states != {"quick": "lost", "done": "completed"}:
                states = {task["task"]: task["state"] for task in await result(client, "tasks")}


@pytest.mark.fault
async def test_what_the_program_said_is_listed_across_restarts_and_costs_no_gap() -> None:
    async with running_server() as server:
        server.terminate()
        await asyncio.to_thread(server.start)
        async with httpx.AsyncClient(base_url=server.url) as client:
            async with asyncio.timeout(DEADLINE):
                said: list[str] = []
                while said[:1] != ["start"]:  # of a slow disk it is not the newest at once
                    news = [one["event"] for one in await result(client, "system", limit="50")]
                    # On a busy machine the restart takes long enough to be told of, and so do runs of collectors.
                    said = [event for event in news if event in ("start", "stop")]
            assert said == ["start", "stop", "start"]
            assert len(await result(client, "system", limit="1")) == 1
            assert not any((await client.get("/api/v1/status")).json()["gaps"].values())


@pytest.mark.fault
async def test_how_a_run_ended_and_how_long_there_was_none_is_told_by_the_next(tmp_path: Path) -> None:
    async def newest(server: Server, event: str, words: str = "") -> dict[str, Any]:
        """Return what this run said: it is listed once the disk has it."""
        async with httpx.AsyncClient(base_url=server.url) as client, asyncio.timeout(DEADLINE):
            while True:
                for one in await result(client, "system"):
                    if one["event"] == event and words in one["message"] and one["timestamp"] >= begun[server.pid]:
                        return one

    async def word(server: Server) -> str:
        return str((await newest(server, "start"))["message"])

    async def back_after_a_minute(server: Server, cause: str) -> None:
        """Start it again as if its last sign of life was from a minute ago: that is when it was blind first."""
        life, ended = tmp_path / "alive", time.time()
        assert ended - life.stat().st_mtime < 10, "it is given the time each second"
        os.utime(life, (ended - 60, ended - 60))
        at = time.time()
        await asyncio.to_thread(server.start)
        begun[server.pid] = at
        blind = await newest(server, "blind", "not running")
        assert abs(blind["start"] - (ended - 60)) < 1e-3 and ended <= blind["end"] <= time.time()
        assert str(blind["message"]).endswith(f" UTC: the dashboard was not running{cause}.")
        span = [blind["start"], blind["end"], f"the dashboard was not running{cause}"]
        assert span in await known(server, ended - 90)

    async def known(server: Server, start: float) -> list[list[Any]]:
        """Return the blind times that come with any points."""
        query = {"match": "system_load_1m", "start": start, "end": time.time(), "unknown": "empty"}
        async with httpx.AsyncClient(base_url=server.url) as client:
            answer = await client.get("/api/v1/query_range", params=query)
        return list(answer.raise_for_status().json()["blind"])

    async def stopped_for(server: Server, seconds: float) -> None:
        server.stop()
        stopped = time.time()
        await asyncio.sleep(seconds)
        gone_on = time.time()
        server.cont()
        while not any(one[0] < stopped + 0.5 and one[1] >= gone_on for one in await known(server, stopped)):
            assert time.time() < gone_on + 20, "it is told at once"

    unannounced = "The run before it ended without a word"
    begun = defaultdict[int, float](float)
    """By process id: the time before it was started, where it was not the first."""
    async with running_server(config="interval = 0.2", data_dir=tmp_path) as server:
        assert unannounced not in await word(server)
        async with running_server(data_dir=tmp_path) as beside:  # it may not even read what the first keeps
            assert unannounced not in await word(beside)
        deadline = time.monotonic() + DEADLINE
        while not (tmp_path / "alive").exists():
            assert time.monotonic() < deadline, "the first comes within a second"
            await asyncio.sleep(0.05)
        await stopped_for(server, 2 * 0.2 + 1 + 0.4)
        server.kill()
        await back_after_a_minute(server, ": it was killed, or the machine went down")
        assert unannounced in await word(server)
        server.terminate()
        await back_after_a_minute(server, "")
        assert unannounced not in await word(server)


async def test_what_the_program_says_of_itself_has_only_the_fields_that_apply(client: httpx.AsyncClient) -> None:
    news = await result(client, "system")
    (start,) = (one for one in news if one["event"] == "start")
    assert start.keys() == {"id", "type", "timestamp", "source", "event", "message"}
    assert all("step" not in one for one in news)
