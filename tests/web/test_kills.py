"""Kill after kill of a real server, beside viewers that come back: all that was answered for is theirs, once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path

import httpx
import msgspec
import pytest
from httpx_sse import aconnect_sse

from dashboard.eventlog import Entry, EventId
from dashboard.events import KEPT, Log, Metrics, Notification, Processes, System, Task
from tests.occurrences import Seen
from tests.promise import FILTERS, Witness
from tests.serving import Server, running_server
from tests.web.test_exactly_once_on_the_wire import UNSAID
from tests.web.test_stream_ends import until

KINDS = {str(kind.__struct_config__.tag): kind for kind in (Log, Metrics, Notification, Processes, System, Task)}
KILLS = 20
VIEWERS = (0, 0, 2, 3, 3, 4)
"""The filters of those who look on, by their number."""


class Viewer:
    """Looks on from one life of the server to the next, and notes what it was given."""

    def __init__(self, number: int, server: Server) -> None:
        self.number, self._server = number, server
        self.taken: list[tuple[Seen, bool]] = []
        """What came, and whether it was the first on its connection."""
        self.last: EventId | None = None
        self.connections = 0

    async def run(self) -> None:
        """Look on until cancelled, and come back as a browser does, only sooner."""
        while True:
            with contextlib.suppress(httpx.TransportError):
                await self._look()
            await asyncio.sleep(0.02)

    async def _look(self) -> None:
        types, match, _ = FILTERS[self.number]
        params = {**({"types": types} if types else {}), "match": match}
        headers = {"Last-Event-ID": str(self.last)} if self.last is not None else {}
        url = f"{self._server.url}/api/v1/events"
        async with (
            httpx.AsyncClient(timeout=20) as client,
            aconnect_sse(client, "GET", url, params=params, headers=headers) as source,
        ):
            first = True
            async for event in source.aiter_sse():
                id = "" if event.event in UNSAID else event.id
                seen = Seen(event.event, id, json.loads(event.data), event.retry)
                self.taken.append((seen, first))
                if first:
                    self.connections += 1
                    self.last = self.last or EventId.parse(str(seen.data["newest"]))
                elif id:
                    self.last = EventId.parse(id)
                first = False


class Sender:
    """Sends one kind of what is kept, and knows what it was answered for."""

    def __init__(self, server: Server, kind: str) -> None:
        self._server, self.kind = server, kind
        self.sent = 0
        self.sure: set[int] = set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            async with httpx.AsyncClient(base_url=self._server.url, timeout=20) as client:
                with contextlib.suppress(httpx.TransportError):
                    while True:
                        await self.send(client)
                        await asyncio.sleep(random.uniform(0, 0.02))
            await asyncio.sleep(0.02)

    async def send(self, client: httpx.AsyncClient) -> None:
        """Send the next."""
        self.sent += 1
        number = self.sent
        method, path, body = {
            "log": ("POST", "logs", {"message": str(number), "source": "shop"}),
            "notification": ("POST", "notifications", {"title": str(number)}),
            # Only what changes a state is published at once; the rest of a task's progress may wait for half a second.
            "task": (
                "PUT",
                f"tasks/{number // 2}",
                {"message": str(number), "state": ("running", "completed")[number % 2]},
            ),
        }[self.kind]
        answer = await client.request(method, f"/api/v1/{path}", json=body)
        assert answer.status_code == 200, answer.text
        self.sure.add(number)


def number_of(event: Seen) -> int | None:
    """Return which one of its sender's an event is; None: it is the server's own."""
    said = str(event.data.get("title" if event.type == "notification" else "message"))
    ours = event.type in ("notification", "task") or str(event.data.get("source", "")).endswith("/shop")
    return int(said) if ours and said.isdecimal() else None


def entry_of(event: Seen) -> Entry:
    data = {key: value for key, value in event.data.items() if key not in ("id", "type")}
    return Entry(EventId.parse(event.id), msgspec.convert({**data, "type": event.type}, KINDS[event.type]), 0.0)


def history_of(events: Iterable[Seen]) -> list[Entry]:
    """Return all that came to anyone, each once and in the order of its id."""
    return sorted({event.id: entry_of(event) for event in events if event.id}.values(), key=attrgetter("id"))


async def replayed(server: Server, line: int) -> list[Seen]:
    """Return all that the disk holds, up to and with a line of the log."""
    found = []
    async with (
        httpx.AsyncClient(timeout=20) as client,
        aconnect_sse(client, "GET", f"{server.url}/api/v1/events?after=1-0") as source,
    ):
        async for event in source.aiter_sse():
            id = "" if event.event in UNSAID else event.id
            found.append(Seen(event.event, id, json.loads(event.data), event.retry))
            if found[-1].type == "log" and number_of(found[-1]) == line:
                return found
    raise AssertionError("the stream has ended")


async def have_all(viewers: list[Viewer], upto: dict[str, EventId]) -> bool:
    """Tell whether each has the last of its types."""
    for viewer in viewers:
        types = FILTERS[viewer.number][0]
        last = max(id for type, id in upto.items() if types is None or type in types.split(","))
        if viewer.last is None or viewer.last < last:
            return False
    return True


async def all_look(viewers: list[Viewer]) -> bool:
    return all(viewer.connections for viewer in viewers)


@pytest.mark.fault
@pytest.mark.long
@pytest.mark.timeout(600)
async def test_no_kill_costs_a_viewer_an_event(tmp_path: Path) -> None:
    """Of 64 events in memory most are told from the disk; what was sent but not answered for may be there or not."""
    async with running_server(config="log_events = 64\n", data_dir=tmp_path, tracebacks=True) as server:
        viewers = [Viewer(number, server) for number in VIEWERS]
        senders = [Sender(server, kind) for kind in ("log", "notification", "task")]
        looking = [asyncio.create_task(viewer.run()) for viewer in viewers]
        await until(lambda: all_look(viewers), 10)
        sending = [asyncio.create_task(sender.run()) for sender in senders]
        for _ in range(KILLS):
            await asyncio.sleep(random.uniform(0.05, 1.5))
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        await stopped(sending)
        async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
            await senders[0].send(client)
        held = await replayed(server, senders[0].sent)
        upto = {event.type: EventId.parse(event.id) for event in held if event.id}
        await until(lambda: have_all(viewers, upto), 30)
        await stopped(looking)

    print(f"answered for: {[len(sender.sure) for sender in senders]} of {[sender.sent for sender in senders]}")
    for sender in senders[:2]:
        numbers = [number_of(event) for event in held if event.type == sender.kind and number_of(event) is not None]
        assert len(numbers) == len(set(numbers)) and sender.sure <= set(numbers)
    latest = {str(event.data["task"]): number_of(event) or 0 for event in held if event.type == "task"}
    assert all(latest[str(number // 2)] >= number for number in senders[2].sure)
    history = history_of([*held, *(event for viewer in viewers for event, _ in viewer.taken)])
    for viewer in viewers:
        witness = Witness(viewer.number, history)
        for event, first in viewer.taken:
            witness.take(event, first=first)
        witness.hold_to_the_promise(upto=upto["log"])
        assert viewer.connections > KILLS / 2 and not any(set(gap.types) & KEPT.keys() for gap in witness.gaps)


async def stopped(tasks: list[asyncio.Task[None]]) -> None:
    """End tasks; raise what went wrong in one."""
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
