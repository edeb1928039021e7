"""The program's own metrics in a real server: each tells of what really happened there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.serving import Server, running_server
from tests.web.conftest import until_ready
from tests.web.inside import SERVERS_LOOP
from tests.web.wire import DEADLINE

CONFIG = """
interval = 0.5
[[collector]]
name = "dashboard"
interval = 0.5
"""

BLOCKING = f"""{SERVERS_LOOP}
import time
from pathlib import Path
from dashboard.collectors import Family, Sample

families = [Family("blocked", "gauge", "", "Whether it held the event loop.")]
order = Path(__file__).with_name("block")

def collect():
    if order.exists():
        servers_loop.call_soon_threadsafe(time.sleep, 0.3)
        servers_loop.call_soon_threadsafe(order.unlink, True)
    return [Sample("blocked", 0)]
"""
"""Holds the event loop for 0.3 s when a file tells it to, and deletes the file."""

SLOW = """
import time
from dashboard.collectors import Family, Sample

families = [Family("slow", "gauge", "", "One.")]

def collect():
    time.sleep(0.15)
    return [Sample("slow", 1)]
"""

BROKEN = """
families = []

def collect():
    raise ValueError("odd")
"""


LAG = "dashboard_event_loop_lag_seconds"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Collectors of which each does one thing that has to be told."""
    found = tmp_path_factory.mktemp("collectors")
    for name, text in {"blocking": BLOCKING, "slow": SLOW, "broken": BROKEN}.items():
        (found / f"{name}.py").write_text(text)
    return found


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A server with these collectors."""
    with running_server(config=f'collectors_dir = "{folder}"\n{CONFIG}') as running:
        until_ready(running)
        yield running


def told(server: Server, name: str, **labels: str) -> float | None:
    """Return the value of a sample of `/metrics`, None when there is none that has these labels."""
    text = httpx.get(f"{server.url}/metrics", timeout=DEADLINE).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


def until_told(server: Server, least: float, name: str, **labels: str) -> float:
    """Return a sample's value once it is at `least` so much."""
    deadline = time.monotonic() + DEADLINE
    while (value := told(server, name, **labels)) is None or value < least:
        assert time.monotonic() < deadline, f"{name} is {value}"
        time.sleep(0.05)
    return value


def test_requests_are_counted_by_route_and_status_with_how_long_they_took(server: Server) -> None:
    began = time.monotonic()
    with httpx.Client(base_url=server.url, timeout=DEADLINE) as client:
        for _ in range(7):
            assert client.get("/healthz").status_code == 200
        took = time.monotonic() - began
        assert client.get("/api/v1/query_range").status_code == 400
        assert client.get("/api/v1/events", params={"wait": "0.3", "types": "task"}).status_code == 200
    until_told(server, 1, "dashboard_http_requests_total", route="/api/v1/events", status="200")
    requests, latency = "dashboard_http_requests_total", "dashboard_http_request_duration_seconds"
    assert told(server, requests, route="/healthz", method="GET", status="200") == 7
    assert told(server, requests, route="/api/v1/query_range", method="GET", status="400") == 1

    bounds = ["0.005", "0.025", "0.1", "0.25", "1.0", "2.5", "+Inf"]
    buckets = [told(server, f"{latency}_bucket", route="/healthz", le=bound) for bound in bounds]
    assert None not in buckets and buckets == sorted(buckets, key=float)  # type: ignore[arg-type]
    assert buckets[-1] == told(server, f"{latency}_count", route="/healthz") == 7
    assert 0 < until_told(server, 0, f"{latency}_sum", route="/healthz") <= took

    waited = [told(server, f"{latency}_bucket", route="/api/v1/events", le=bound) for bound in ("0.25", "+Inf")]
    assert waited == [0, 1] and until_told(server, 0, f"{latency}_sum", route="/api/v1/events") >= 0.3


def test_whatever_holds_the_event_loop_is_told_as_its_lag(server: Server, folder: Path) -> None:
    """Also what is shorter than the interval at which one would look: twice, for once may be luck."""
    for _ in range(2):
        began, order = time.time(), folder / "block"
        order.touch()
        deadline = time.monotonic() + DEADLINE
        while order.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        held, seen = time.time(), 0.0
        while seen < held + 0.5:
            assert time.monotonic() < deadline
            time.sleep(0.05)
            latest = httpx.get(f"{server.url}/api/v1/latest", params={"match": LAG}, timeout=DEADLINE).json()["result"]
            seen = latest[0]["timestamp"] if latest else 0.0
        query = {"match": LAG, "start": str(began), "end": str(seen + 1), "step": "0.5"}
        answer = httpx.get(f"{server.url}/api/v1/query_range", params=query, timeout=DEADLINE).json()
        assert max(point[3] for point in answer["result"][0]["points"] if point[3] is not None) >= 0.25


def failures_of(server: Server, name: str) -> int:
    """Return how often a collector has failed, as status tells it."""
    collectors = httpx.get(f"{server.url}/api/v1/status", timeout=DEADLINE).json()["collectors"]
    return int(next(one["failures"] for one in collectors if one["name"] == name))


def test_each_collectors_duration_and_failures_are_told(server: Server) -> None:
    duration, failures = "dashboard_collector_duration_seconds", "dashboard_collector_failures_total"
    assert 0.15 <= until_told(server, 0, duration, collector="slow") < 10
    before = until_told(server, 1, failures, collector="broken")
    until_told(server, before + 2, failures, collector="broken")
    # None, unless this machine stood still for longer than a run of it may take.
    assert until_told(server, 0, failures, collector="slow") <= failures_of(server, "slow")


def test_memory_and_share_of_a_core_are_those_of_the_process(server: Server) -> None:
    resident = until_told(server, 1, "dashboard_process_resident_memory_bytes")
    assert resident == pytest.approx(psutil.Process(server.pid).memory_info().rss, abs=8e6)
    assert 0 < until_told(server, 0.0001, "dashboard_process_cpu_ratio") < (psutil.cpu_count() or 1) + 0.1
