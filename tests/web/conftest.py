"""One real server for all tests of a module that leave it as it was."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG

from tests.serving import Server, running_server
from tests.web.wire import DEADLINE

# After five seconds of silence, which is what it takes by itself, a client would give up: so long a machine with much
# else to do may well stand still between two heartbeats.
for step in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, step, DEADLINE)

SETTINGS = """
instance = "web-1"
heartbeat_interval = 0.5
allowed_hosts = ["dash.example.com", "Upper.Example"]
log_events = 2000
"""


def until_ready(server: Server, timeout: float = 20.0) -> None:
    """Return when the first collection is in."""
    deadline = time.monotonic() + timeout
    while httpx.get(f"{server.url}/readyz").status_code != 200:
        assert time.monotonic() < deadline, "no collector delivered"
        time.sleep(0.02)


def until_all_are_in(server: Server, timeout: float = 20.0) -> None:
    """Return when every collector has been run."""
    deadline = time.monotonic() + timeout
    while any(one["state"] == "waiting" for one in httpx.get(f"{server.url}/api/v1/status").json()["collectors"]):
        assert time.monotonic() < deadline, "a collector was not run"
        time.sleep(0.05)


WRITERS = {"fast": "", "portable": "fast_writer = false\n"}
"""By name: the setting that chooses who writes streams."""


@pytest.fixture(params=["fast", pytest.param("portable", marks=pytest.mark.long)])
def fast_first(request: pytest.FixtureRequest) -> str:
    """The same, of which only the fast one is tried each time."""
    return WRITERS[request.param]


@pytest.fixture(params=WRITERS)
def writer(request: pytest.FixtureRequest) -> str:
    """Each of the two ways to write streams, as a line of settings."""
    return WRITERS[request.param]


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    """A server whose state no test may count on, and none may spoil."""
    with running_server(config=SETTINGS) as running:
        until_all_are_in(running)
        yield running


@pytest.fixture
async def client(shared: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shared server."""
    async with httpx.AsyncClient(base_url=shared.url, timeout=DEADLINE) as opened:
        yield opened
