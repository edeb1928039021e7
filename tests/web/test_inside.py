"""What only a collector in the server's own process can see, or do to it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving import Server, running_server
from tests.web.inside import SERVERS_LOOP
from tests.web.test_stream import viewing
from tests.web.wire import DEADLINE

GARBAGE = """
import gc
from dashboard.collectors import Family, Sample

families = [Family("gc_threshold", "gauge", "", "Objects, or rounds."), Family("gc_frozen", "gauge", "", "Objects.")]
interval = 0.5  # the first may be before the start is over


def collect():
    yield Sample("gc_frozen", gc.get_freeze_count())
    for generation, threshold in enumerate(gc.get_threshold()):
        yield Sample("gc_threshold", threshold, {{"generation": str(generation)}})
"""

HOLDS_UP = f"""{SERVERS_LOOP}
import time
from pathlib import Path
from dashboard import strain
from dashboard.collectors import Family

families = [Family("nothing", "gauge", "", "Nothing.")]
interval = 0.5
strain.LASTS, strain.OVER = 1.0, 0.5
strain.HIGH_LAG, strain.LOW_LAG, strain.HIGH_LOAD, strain.LOW_LOAD = 1.0, 0.5, 1e9, 1e9


def collect():
    if Path({{path!r}}).exists():
        servers_loop.call_soon_threadsafe(time.sleep, 1.5)
    return []
"""
"""Holds the event loop up while a file is there. What a busy machine does to it is not enough; all is over sooner."""


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that holds the server up while it is there."""
    return tmp_path_factory.mktemp("switch") / "on"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, switch: Path) -> Iterator[Server]:
    """A server with both collectors."""
    folder = tmp_path_factory.mktemp("collectors")
    for name, text in (("garbage", GARBAGE), ("holds_up", HOLDS_UP)):
        (folder / f"{name}.py").write_text(text.format(path=str(switch)))
    with running_server(config=f'collectors_dir = "{folder}"\n') as running:
        yield running


def test_the_garbage_collector_is_tuned_at_start(server: Server) -> None:
    """What there is at the start is never walked again, and the rest seldom."""
    deadline, found = time.monotonic() + DEADLINE, {"gc_frozen": 0.0}
    while not found["gc_frozen"] or [*found.values()][1:] != [10_000, 500, 1000]:
        assert time.monotonic() < deadline, found
        result = httpx.get(f"{server.url}/api/v1/latest", params={"match": "gc_*"}).json()["result"]
        found |= {one["series"].partition("{instance")[0].partition(",")[0]: one["value"] for one in result}
    assert found.pop("gc_frozen") > 10_000


async def is_high(client: httpx.AsyncClient) -> bool:
    """Tell whether the newest word of the load is that it is high."""
    news = (await client.get("/api/v1/system")).json()["result"]
    return next((one["event"] for one in news if one["event"] in ("high_load", "load_normal")), "") == "high_load"


@pytest.mark.fault
async def test_an_event_loop_that_is_held_up_is_high_load_and_after_that_normal(server: Server, switch: Path) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as client:
        async with viewing(client, {"types": "system"}) as viewer:
            await viewer.next("hello")
            while await is_high(client):
                await viewer.next("heartbeat")  # it had no turn before, and that is not over yet
            switch.touch()
            high = await viewer.until(lambda event: event.event == "system" and event.json()["event"] == "high_load")
            switch.unlink()
            over = await viewer.until(lambda event: event.event == "system" and event.json()["event"] == "load_normal")
        told = (await client.get("/api/v1/system")).json()["result"]
    # As long as it was held up, or longer where it had no turn besides.
    said = re.search(r"stood still for ([0-9.]+) s|late with its work", high.json()["message"])
    assert said is not None and float(said[1] or 1) >= 1
    assert over.json()["message"].startswith("The load is normal again; it was high for ")
    assert {high.id, over.id} <= {one["id"] for one in told}
