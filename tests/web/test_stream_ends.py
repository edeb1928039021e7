"""How streams end: viewers that vanish by the hundred, a shutdown with everything in its way, a kill and a return."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from operator import le
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import pytest

from checks import node
from dashboard.eventlog import EventId
from tests.needs import cannot_run
from tests.serving import Server, running_server
from tests.web.conftest import WRITERS
from tests.web.inside import SERVERS_LOOP
from tests.web.patience import Patience, awake, ended
from tests.web.test_stream import push, streams, viewing
from tests.web.wire import DEADLINE, RawStream, asking

Need = Callable[[str], Path]
MIB = 1024 * 1024

COUNTER = f"""{SERVERS_LOOP}
import asyncio
import os
from itertools import count
from pathlib import Path
from dashboard.collectors import Family, Sample

families = [Family("loop_tasks", "gauge", "", "Tasks on the event loop.")]
interval = 0.5
told, numbers = Path(__file__).with_name("told"), count(1)


def collect():
    tasks, descriptors = len(asyncio.all_tasks(servers_loop)), len(os.listdir("/dev/fd"))
    told.with_suffix(".new").write_text(f"{{next(numbers)}} {{tasks}} {{descriptors}}")
    told.with_suffix(".new").replace(told)
    return [Sample("loop_tasks", tasks)]
"""
"""A collector that counts what lives on the server's own loop; also for who reads it without asking."""

MOST = {WRITERS["fast"]: 2_000_000, WRITERS["portable"]: 8_000_000}
"""By writer: bytes of memory that viewers who are gone may leave behind.

Five hundred take 17 MB of the portable one, in small pieces. All is freed, but some pages then hold pieces of others:
of events that came meanwhile and stay in the log. The allocator has no more in use than these, and can give back whole
pages only.
"""


async def _tasks(client: httpx.AsyncClient, since: float) -> int | None:
    """Return how many tasks the loop had at the newest collection, None when that is not after `since`."""
    result = (await client.get("/api/v1/latest", params={"match": "loop_tasks"})).json()["result"]
    return int(result[0]["value"]) if result and result[0]["timestamp"] > since else None


async def tasks_of(client: httpx.AsyncClient, since: float) -> int:
    """Return how many tasks the loop had at the first collection after `since`."""
    deadline = time.monotonic() + DEADLINE
    while (tasks := await _tasks(client, since)) is None:
        assert time.monotonic() < deadline, "the collector that counts tasks gave nothing"
        await asyncio.sleep(0.05)
    return tasks


async def steady_tasks(client: httpx.AsyncClient) -> int:
    """Return how many tasks the loop has when those of who asked before are gone."""
    before, tasks = -1, await tasks_of(client, time.time())
    while tasks != before:
        before, tasks = tasks, await tasks_of(client, time.time())
    return tasks


class Counts(NamedTuple):
    """What a server has."""

    tasks: int
    descriptors: int


class Held:
    """What a server had at one moment, to be compared with what it has when its viewers are gone.

    Its own collector counts, so that nobody has to ask and would be counted, too. No connection of who asks for other
    things may be left open.
    """

    def __init__(self, server: Server, client: httpx.AsyncClient, folder: Path, writer: str) -> None:
        """`folder` is where the collector tells what it counts."""
        self._client, self._told, self._most = client, folder / "told", MOST[writer]
        self._process = psutil.Process(server.pid)
        self._before = Counts(0, 0)
        self.memory = 0

    async def now(self) -> Held:
        """Note what there is when those who asked before are gone: the same three times on end."""
        deadline = time.monotonic() + DEADLINE
        looks: dict[int, Counts] = {}
        while len(newest := [*looks.values()][-3:]) < 3 or len({*newest}) > 1:
            assert time.monotonic() < deadline, f"the collector that counts gave nothing, or always another: {looks}"
            await asyncio.sleep(0.02)
            number, counts = self._look()
            if number:
                looks[number] = self._before = counts
        self.weigh()
        return self

    def weigh(self) -> None:
        """Note how much memory there is now."""
        self.memory = self._process.memory_info().rss

    async def given_back(self) -> None:
        """Return when nothing is there that was not; raise AssertionError after two seconds.

        That is: no cursor, no descriptor and no task more, and at most `MOST` bytes of memory.
        """
        patience, cursors, asked = Patience(2.0), -1, 0
        found: dict[str, object] = {}
        while patience.spend():
            if cursors:
                cursors, (asked, _) = await streams(self._client), self._look()
            number, counts = self._look()
            memory = self._process.memory_info().rss - self.memory
            found = {"cursors": cursors, "memory": memory, "now": counts, "before": self._before}
            given_back = memory <= self._most and all(map(le, counts, self._before))
            if not cursors and number > asked and given_back:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"not given back within two seconds: {found}")

    def _look(self) -> tuple[int, Counts]:
        """Return what the collector counted last, and the how manieth time that was; 0 when there was none."""
        if not self._told.exists():
            return 0, Counts(0, 0)
        number, tasks, descriptors = map(int, self._told.read_text().split())
        return number, Counts(tasks, descriptors)


def asking_briefly(server: Server) -> httpx.AsyncClient:
    """Return a client whose connections the server closes, which keeps those that a client closed for some seconds."""
    return httpx.AsyncClient(base_url=server.url, headers={"Connection": "close"})


async def come(server: Server, client: httpx.AsyncClient, count: int, query: str = "") -> list[RawStream]:
    """Open streams, and return them when each was greeted."""
    viewers = [await RawStream.open(server, query) for _ in range(count)]
    for viewer in viewers:
        await viewer.until(b"event: hello")
    assert await streams(client) == count
    return viewers


@pytest.mark.fault
async def test_five_hundred_viewers_that_vanish_leave_nothing_behind(tmp_path: Path, writer: str) -> None:
    (tmp_path / "tasks.py").write_text(COUNTER)
    config = f'{writer}collectors_dir = "{tmp_path}"\ninterval = 0.5\n'
    async with running_server(config=config) as server, asking_briefly(server) as client:
        await until(partial(is_ready, client), DEADLINE)
        held = await Held(server, client, tmp_path, writer).now()
        for _ in range(20):
            for viewer in await come(server, client, 25):
                viewer.drop()
            await until(partial(none_is_open, client), 1.0)
        await held.given_back()


async def is_ready(client: httpx.AsyncClient) -> bool:
    """Ask by the one connection, for closed ones are counted for some seconds."""
    return (await client.get("/readyz")).status_code == 200


async def has_begun(client: httpx.AsyncClient) -> bool:
    """Tell whether there is an event: the first is the start's, for which a disk may take its time."""
    return bool((await client.get("/api/v1/status")).json()["log"]["events"])


async def none_is_open(client: httpx.AsyncClient) -> bool:
    return await streams(client) == 0


async def until(holds: Callable[[], Any], seconds: float) -> None:
    """Return when a condition holds; raise AssertionError when it does not in a time in which nobody stood still."""
    patience = Patience(seconds)
    while not await holds():
        assert patience.spend(), f"not within {seconds} s"
        await asyncio.sleep(0.02)


async def test_five_hundred_viewers_at_once_leave_nothing_behind(tmp_path: Path, fast_first: str) -> None:
    """What a crowd took is back with the system two seconds after its end: the first one's too, after one viewer."""
    (tmp_path / "tasks.py").write_text(COUNTER)
    config = f'{fast_first}collectors_dir = "{tmp_path}"\n'
    async with running_server(config=config) as server, asking_briefly(server) as client:
        await until(partial(is_ready, client), DEADLINE)
        assert (await client.get("/")).status_code == 200
        one = await RawStream.open(server)
        await one.until(b"event: metrics")
        one.drop()
        await until(partial(none_is_open, client), 2.0)
        held = await Held(server, client, tmp_path, fast_first).now()
        for _ in range(1 if fast_first else 3):
            held.weigh()
            for viewer in await come(server, client, 500, "?types=system"):
                viewer.drop()
            await held.given_back()


async def stalled(server: Server, client: httpx.AsyncClient, name: str = "filler") -> RawStream:
    """Open a stream that takes no bytes, and return when the server is stuck in writing series of a `name` to it."""
    viewer = await RawStream.open(server, f"?match={name}", receive_buffer=4096)
    viewer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(20):
        await fill(client, name)
        if await stays_behind(client):
            return viewer
    raise AssertionError("a viewer that takes no bytes was written to all the same")


async def fill(client: httpx.AsyncClient, name: str = "filler") -> None:
    """Push more than a socket takes at once; the next such push makes it superfluous.

    Not much more: where the kernel paces by what a peer took before (BBR), one that took nothing is sent a few KB a
    second for a while after.
    """
    filler = [{"series": f'{name}{{n="{n}",text="{"x" * 900}"}}', "value": n} for n in range(100)]
    assert (await client.post("/api/v1/samples", json=filler)).status_code == 200


async def stays_behind(client: httpx.AsyncClient) -> bool:
    """Tell whether a stream is behind, and not only until its turn comes: each answer gives all streams one more.

    One that was cut off meanwhile was so, too.
    """
    for _ in range(25):
        status = (await client.get("/api/v1/status")).json()
        if status["slowest"] <= 2:
            return bool(status["streams_aborted"])
    return True


@pytest.mark.fault
async def test_a_shutdown_says_bye_to_all_and_ends_within_two_seconds(interpreter: Path, writer: str) -> None:
    """From Python 3.12 on a server that closes waits for every connection; four kinds of them would keep it waiting."""
    with running_server(python=interpreter, config=writer) as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            viewers = [await RawStream.open(server, "?types=system") for _ in range(50)]
            for viewer in viewers:
                await viewer.until(b"event: hello")
            idle_reader, idle = await asyncio.open_connection("127.0.0.1", server.port)
            idle.write(asking("/healthz").replace(b"Connection: close\r\n", b""))
            await asyncio.wait_for(idle_reader.readuntil(b"ok\n"), DEADLINE)
            _, half = await asyncio.open_connection("127.0.0.1", server.port)
            half.write(b"POST /api/v1/samples HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
            half.write(b"Content-Length: 100\r\n\r\n[")
            _, silent = await asyncio.open_connection("127.0.0.1", server.port)
            silent.write(b"GET /healthz HTTP/1.1\r\nHo")
            stuck = await stalled(server, client)

            code, took = await ended(server)
            ends = [await viewer.rest() for viewer in viewers]
        for viewer in (*viewers, stuck):
            viewer.drop()
        for connection in (idle, half, silent):
            connection.close()
    assert code == 0 and took < 2.0, f"exit code {code} after {took:.2f} s:\n{server.log()}"
    retries = set()
    for end in ends:
        assert end.count(b"event: bye") == 1 and b'"reason":"shutdown"' in end
        last = end[end.index(b"event: bye") :]
        retries.add(last.split(b"retry: ")[1].split(b"\n")[0])
        assert b"event: " not in last[10:] and last.endswith(b"\n\n\r\n0\r\n\r\n")
    assert len(retries) > 25


async def test_a_shutdown_without_anyone_is_quick() -> None:
    with running_server() as server:
        code, took = await ended(server)
    assert code == 0 and took < 1.5


@pytest.mark.fault
async def test_after_a_kill_ids_go_on_rising_and_a_viewer_is_told_of_the_restart(tmp_path: Path) -> None:
    async with running_server(data_dir=tmp_path, tracebacks=False) as server:
        last = EventId(0, 0)
        for run in range(3):
            async with httpx.AsyncClient(base_url=server.url) as client:
                await until(partial(has_begun, client), DEADLINE)
                async with viewing(client, last=str(last) if run else None) as viewer:
                    event = await viewer.next("metrics")
                if run:
                    kinds = [each.event for each in viewer.seen]
                    assert kinds[:2] == ["hello", "gap"]
                    gap = viewer.seen[1].json()
                    assert gap["reason"] == "restart" and gap["after"] == str(last)
                    ids = [EventId.parse(each.id) for each in viewer.seen[2:] if each.id]
                    before = EventId.parse(gap["before"])
                    early = {each.event for each in viewer.seen if each.id and EventId.parse(each.id) < before}
                    assert ids[0] > last and ids == sorted(set(ids)) and before in ids
                    assert not early & set(gap["types"])
                assert EventId.parse(event.id) > last
                last = EventId.parse(event.id)
            server.kill()
            await asyncio.to_thread(server.start)


@pytest.mark.fault
async def test_a_viewer_that_reads_too_slowly_is_told_what_it_missed_and_goes_on(writer: str) -> None:
    config = f"{writer}log_events = 64\ninterval = 60\n"
    async with running_server(config=config) as server, httpx.AsyncClient(base_url=server.url) as client:
        viewer = await stalled(server, client)
        for number in range(100):
            await push(client, "filler", number)
        viewer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        missed = await viewer.until(b"event: gap\ndata: ")
        gap = json.loads(await viewer.until(b"\n"))
        assert gap["reason"] == "slow" and gap["types"] == ["metrics", "processes"] and missed
        assert EventId.parse(gap["after"]) < EventId.parse(gap["before"])
        await push(client, "filler", 12345.5)
        await viewer.until(b"12345.5")
        viewer.drop()


@asynccontextmanager
async def eventsource(need: Need, url: str) -> AsyncIterator[asyncio.StreamReader]:
    """Run npm's `eventsource` against a stream; what it is given comes as lines of JSON."""
    try:
        await asyncio.to_thread(node.modules)
    except node.NpmError:
        cannot_run("npm's eventsource", "make check, with a package registry in reach")
    script = Path(__file__).with_name("viewer.mjs")
    process = await asyncio.create_subprocess_exec(
        need("node"), script, url, stdout=subprocess.PIPE, cwd=node.ROOT, limit=1 << 22
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def next_line(lines: asyncio.StreamReader, **wanted: object) -> dict[str, Any]:
    """Return the first line that has these values."""
    async with asyncio.timeout(DEADLINE):
        async for line in lines:
            said: dict[str, Any] = json.loads(line)
            if wanted.items() <= said.items():
                return said
    raise AssertionError("the client ended")


@pytest.mark.fault
async def test_npms_eventsource_comes_back_by_itself_after_a_kill_and_is_told_of_the_restart(need: Need) -> None:
    with running_server() as server:
        url = f"{server.url}/api/v1/events?types=metrics&match=told_*"
        async with httpx.AsyncClient(base_url=server.url) as client, eventsource(need, url) as lines:
            first, hello = await next_line(lines), await next_line(lines)
            assert first == {"open": 1} and hello["type"] == "hello" and hello["data"]["resume"] == "fresh"
            for number in range(3):
                await push(client, f"told_{number}", number)
                event = await next_line(lines, type="metrics")
                assert event["data"]["samples"] == {f"told_{number}": number} and event["id"] == event["data"]["id"]
            server.kill()
            await next_line(lines, state=0)
            await asyncio.to_thread(server.start)
            assert (await next_line(lines, type="hello"))["data"]["resume"] == "gap"
            gap = await next_line(lines, type="gap")
            assert gap["data"]["reason"] == "restart" and gap["data"]["after"] == event["id"]


@pytest.mark.fault
async def test_npms_eventsource_is_told_bye_and_comes_back_when_it_was_told_to(need: Need) -> None:
    with running_server() as server:
        async with eventsource(need, f"{server.url}/api/v1/events?types=metrics&match=told_*") as lines:
            await next_line(lines, type="hello")
            server.terminate()
            bye = await next_line(lines, type="bye")
            assert bye["data"]["reason"] == "shutdown" and 0 < bye["data"]["retry_after"] < 5
            await next_line(lines, state=0)
            await asyncio.to_thread(server.start)
            async with awake(server.port) as clock:
                assert (await next_line(lines, type="hello"))["data"]["resume"] == "fresh"
                assert clock.now < 10
