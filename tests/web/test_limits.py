"""How many streams there may be, and what becomes of those beyond."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse
from hypothesis import given
from hypothesis import strategies as st

from dashboard.config import Settings
from dashboard.tally import Tally, Viewer
from dashboard.web.limits import MOST_ADDRESSES, RETURN, Limits
from tests.clocks import HandClock
from tests.serving import Server, running_server
from tests.web.conftest import WRITERS, until_ready
from tests.web.patience import Patience
from tests.web.wire import DEADLINE, RawStream

Json = dict[str, Any]
EVENTS = "/api/v1/events?types=system"
EVENT_STREAM = {"Accept": "text/event-stream"}
CONFIG = """
trusted_proxies = ["127.0.0.1"]
heartbeat_interval = 0.5
max_streams = 12
max_streams_per_address = 3
max_attempts_per_minute = 20
"""


@pytest.fixture
def limited(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server with small limits, which believes what tests say of their address; the fast one unless `both` are."""
    with running_server(config=getattr(request, "param", "") + CONFIG) as running:
        until_ready(running)
        yield running


both = pytest.mark.parametrize("limited", WRITERS.values(), ids=WRITERS, indirect=True)


@pytest.fixture
async def client(limited: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    async with httpx.AsyncClient(base_url=limited.url, timeout=DEADLINE) as opened:
        yield opened


def coming_from(address: str, **more: str) -> dict[str, str]:
    return {"X-Forwarded-For": address, **more}


@asynccontextmanager
async def streams(server: Server, *addresses: str) -> AsyncIterator[list[RawStream]]:
    """Have a stream open from each of these addresses."""
    opened = []
    try:
        for address in addresses:
            one = await RawStream.open(server, "?types=system", headers=coming_from(address))
            opened.append(one)
            await one.until(b"event: hello")
        yield opened
    finally:
        for one in opened:
            one.drop()


async def read_all(client: httpx.AsyncClient, headers: dict[str, str]) -> list[ServerSentEvent]:
    """Read a stream to its end."""
    async with asyncio.timeout(DEADLINE):
        async with aconnect_sse(client, "GET", EVENTS, headers=headers) as stream:
            assert stream.response.headers["cache-control"] == "no-cache, no-transform"
            return [event async for event in stream.aiter_sse()]


async def sent_away(client: httpx.AsyncClient, headers: dict[str, str]) -> ServerSentEvent:
    """Return the word by which one is sent away; an attempt may have come back meanwhile, which is used up then."""
    async with asyncio.timeout(DEADLINE):
        while True:
            async with aconnect_sse(client, "GET", EVENTS, headers=headers) as stream:
                events = stream.aiter_sse()
                assert (await anext(events)).event == "hello"
                event = await anext(events)
                if event.event == "bye":
                    assert [event async for event in events] == []
                    return event


@both
async def test_whoever_accepts_an_event_stream_is_sent_away_by_one(limited: Server, client: httpx.AsyncClient) -> None:
    """A native EventSource would never come back after any other status."""
    async with streams(limited, *["203.0.113.7"] * 3):
        hello, bye = await read_all(client, coming_from("203.0.113.7"))
    assert hello.event == "hello" and hello.json()["version"] and hello.id == bye.id == ""
    assert bye.event == "bye" and bye.json()["reason"] == "busy"
    assert RETURN[0] <= bye.json()["retry_after"] <= RETURN[1]
    assert bye.retry == pytest.approx(1000 * bye.json()["retry_after"], abs=1)


async def test_others_are_told_by_status_and_retry_after(limited: Server, client: httpx.AsyncClient) -> None:
    async with streams(limited, *["203.0.113.7"] * 3):
        for accept in ("*/*", "application/json", "text/html"):
            answer = await client.get(EVENTS, headers=coming_from("203.0.113.7", Accept=accept))
            assert answer.status_code == 429 and answer.json()["error"]["code"] == "too_many_streams"
            assert "3 streams for one address" in answer.json()["error"]["message"]
            assert RETURN[0] <= int(answer.headers["retry-after"]) <= RETURN[1] + 1
        poll = await client.get(f"{EVENTS}&wait=0", headers=coming_from("203.0.113.7", **EVENT_STREAM))
        assert poll.status_code == 429
        async with streams(limited, "203.0.113.8"):
            pass
    patience = Patience(1.0)
    while (await client.get(f"{EVENTS}&wait=0", headers=coming_from("203.0.113.7"))).status_code != 200:
        assert patience.spend(), "they are counted though they have left"


@both
async def test_too_many_in_all_are_a_503_also_for_the_own_machine(limited: Server, client: httpx.AsyncClient) -> None:
    addresses = [f"203.0.113.{number // 3}" for number in range(11)]
    async with streams(limited, *addresses, "127.0.0.1"):
        answer = await client.get(EVENTS)
        assert answer.status_code == 503 and answer.json()["error"]["code"] == "busy"
        assert "12 streams in all" in answer.json()["error"]["message"] and answer.headers["retry-after"]
        assert [event.event for event in await read_all(client, {})] == ["hello", "bye"]
        assert (await client.get("/api/v1/latest")).status_code == 200


async def test_the_own_machine_is_limited_by_that_alone(limited: Server, client: httpx.AsyncClient) -> None:
    async with streams(limited, *["127.0.0.1"] * 6, *["::1"] * 5):
        for _ in range(25):
            assert (await client.get(f"{EVENTS}&wait=0")).status_code == 200


async def test_one_machines_many_ipv6_addresses_are_one(limited: Server, client: httpx.AsyncClient) -> None:
    async with streams(limited, "2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "[2001:db8:1:2::3]:5000"):
        same = await client.get(EVENTS, headers=coming_from("2001:db8:1:2:a:b:c:d"))
        assert same.status_code == 429
        async with streams(limited, "2001:db8:1:3::1", "::ffff:203.0.113.9"):
            pass


async def test_attempts_of_a_minute_are_bounded_and_polls_are_none(limited: Server, client: httpx.AsyncClient) -> None:
    headers = coming_from("203.0.113.7")
    for _ in range(30):
        assert (await client.get(f"{EVENTS}&wait=0", headers=headers)).status_code == 200
    began, statuses = time.monotonic(), [0]
    while statuses[-1] != 429:
        async with client.stream("HEAD", EVENTS, headers=headers) as answer:
            statuses.append(answer.status_code)
        # A minute later at the earliest there may be as many again.
        assert statuses.count(200) <= 20 * (1 + (time.monotonic() - began) // 60)
    assert statuses[1:21] == [200] * 20
    bye = await sent_away(client, headers)
    assert bye.json()["reason"] == "busy" and bye.json()["retry_after"] > RETURN[0]
    async with streams(limited, "203.0.113.8"):
        pass


@both
async def test_a_crowd_at_once_is_held_to_the_limit(limited: Server, client: httpx.AsyncClient) -> None:
    """Those that were let in but have not yet begun are counted too."""
    crowd = [await RawStream.open(limited, "?types=system", headers=coming_from("203.0.113.7")) for _ in range(15)]
    try:
        heads = [await one.until(b"\r\n\r\n") for one in crowd]
        assert sum(b" 200 " in head for head in heads) == 3
        assert sum(b" 429 " in head for head in heads) == 12
    finally:
        for one in crowd:
            one.drop()


async def test_headers_of_who_is_not_trusted_count_for_nothing() -> None:
    config = CONFIG.replace('["127.0.0.1"]', '["203.0.113.0/24"]')
    async with running_server(config=config) as server, httpx.AsyncClient(base_url=server.url) as client:
        for _ in range(30):
            answer = await client.get(f"{EVENTS}&wait=0", headers=coming_from("198.51.100.1"))
            assert answer.status_code == 200
        async with streams(server, *["198.51.100.1"] * 5):
            pass


def limits(**settings: Any) -> tuple[Limits, Tally, HandClock]:
    clock = HandClock()
    tally = Tally()
    return Limits(Settings(**settings), tally, clock), tally, clock


def test_a_principal_other_than_local_has_a_limit_of_its_own() -> None:
    held, tally, _ = limits(max_streams_per_principal=2)
    for number in range(2):
        tally.enter(Viewer("anna", f"203.0.113.{number}"))
        tally.enter(Viewer("local", f"203.0.113.{number}"))
    for address in ("203.0.113.9", "127.0.0.1"):
        refusal = held.refusal(Viewer("anna", address))
        assert refusal is not None and refusal.limit == "principal" and "anna" in refusal.message
    assert held.refusal(Viewer("local", "203.0.113.9")) is None and held.refusal(Viewer("bert", "203.0.113.9")) is None
    tally.leave(Viewer("anna", "203.0.113.0"))
    assert held.refusal(Viewer("anna", "203.0.113.9")) is None
    assert tally.refused == {"principal": 2}


def test_the_defaults_are_those_that_are_promised() -> None:
    settings = Settings()
    assert settings.max_streams == 20_000 and settings.max_streams_per_address == 500
    assert settings.max_streams_per_principal == 50 and settings.max_attempts_per_minute == 1_200
    held, tally, clock = limits()
    viewer = Viewer("local", "203.0.113.7")
    assert [held.refusal(viewer) for _ in range(1200)] == [None] * 1200
    refusal = held.refusal(viewer)
    assert refusal is not None and refusal.limit == "attempts"
    assert 60 < refusal.retry_after <= 65 + RETURN[1]
    clock.move(59.9)
    assert held.refusal(viewer) is not None
    clock.move(5.1)
    assert [held.refusal(viewer) for _ in range(1200)] == [None] * 1200
    assert tally.refused == {"attempts": 2}


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 30)), max_size=60), st.integers(1, 10))
def test_never_are_there_more_attempts_within_a_minute_and_whoever_comes_back_when_told_is_let_in(
    steps: list[tuple[int, float]], most: int
) -> None:
    held, _, clock = limits(max_attempts_per_minute=most)
    taken: dict[int, list[float]] = {}
    for who, pause in steps:
        clock.move(pause)
        viewer = Viewer("local", f"203.0.113.{who}")
        refusal = held.refusal(viewer)
        if refusal is None:
            taken.setdefault(who, []).append(clock.monotonic())
        else:
            assert not held.allows(viewer) and refusal.retry_after <= 65 + RETURN[1]
            clock.move(refusal.retry_after)
            assert held.allows(viewer)
    for times in taken.values():
        for index, first in enumerate(times):
            assert sum(at < first + 60 for at in times[index:]) <= most


def test_a_flood_of_addresses_costs_bounded_memory() -> None:
    held, _, _ = limits()
    tracemalloc.start()
    try:
        for number in range(MOST_ADDRESSES):
            held.refusal(Viewer("local", f"203.{number >> 16}.{number >> 8 & 255}.{number & 255}"))
        filled = tracemalloc.get_traced_memory()[0]
        for number in range(3 * MOST_ADDRESSES):
            held.refusal(Viewer("local", f"198.{number >> 16}.{number >> 8 & 255}.{number & 255}"))
        assert tracemalloc.get_traced_memory()[0] < filled * 1.3 + 100_000 < 6_000_000
    finally:
        tracemalloc.stop()
