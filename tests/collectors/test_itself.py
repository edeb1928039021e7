"""What the program tells of its own work and of what it takes of the machine."""

from __future__ import annotations

import time
from typing import NamedTuple

import psutil
import pytest
from prometheus_client import CollectorRegistry, Histogram

from dashboard.collectors.itself import CPU, MEMORY, Delivery, Itself
from dashboard.tally import BUCKETS, Tally
from tests.collectors.stage import sampled

NOTHING = Delivery(0, 0, 0, 0, {}, 0, {}, 0, {}, 0)


def itself(tally: Tally) -> Itself:
    return Itself(tally, interval=1.0, states=tuple, delivery=lambda: NOTHING)


def test_latencies_are_told_as_prometheus_own_histogram_tells_them() -> None:
    """By route: a time that is just a bound belongs to it, one above all bounds to the last."""
    tally, registry = Tally(), CollectorRegistry()
    name = "dashboard_http_request_duration_seconds"
    theirs = Histogram(name, "As told by the library.", ["route"], buckets=BUCKETS, registry=registry)
    for route, times in {
        "/": [0.0, 0.004, 0.0051, 2.6, 1e6],
        "/b": [*BUCKETS, *(2 * bound for bound in BUCKETS)],
    }.items():
        for seconds in times:
            tally.count(route, "GET", 200, seconds)
            theirs.labels(route).observe(seconds)
    wanted = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
    ours = {
        (sample.name, *sorted((sample.labels or {}).items())): sample.value
        for sample in itself(tally).collect()
        if sample.name.startswith(name)
    }
    assert ours == pytest.approx(wanted) and len(ours) == 2 * (len(BUCKETS) + 3)


def test_requests_are_told_by_route_method_and_status() -> None:
    tally = Tally()
    for route, status in [("/a", 200), ("/a", 200), ("/a", 404), ("/b", 200)]:
        tally.count(route, "GET", status, 0.0)
    found = {key: value for key, value in sampled(itself(tally)).items() if "requests_total" in key}
    assert found == {
        'dashboard_http_requests_total{method="GET",route="/a",status="200"}': 2,
        'dashboard_http_requests_total{method="GET",route="/a",status="404"}': 1,
        'dashboard_http_requests_total{method="GET",route="/b",status="200"}': 1,
    }


class Moment(NamedTuple):
    """When it was, and how much of processors this process had taken; seconds."""

    at: float
    used: float

    @classmethod
    def now(cls) -> Moment:
        return cls(time.monotonic(), time.process_time())


@pytest.mark.parametrize("busy", [True, False])
def test_what_the_process_takes_of_a_core_is_told_since_the_last_time(busy: bool) -> None:
    collector = itself(Tally())
    earliest = Moment.now()
    sampled(collector)
    begun = Moment.now()
    while busy and time.process_time() < begun.used + 0.2:
        pass
    while time.monotonic() < begun.at + 0.3:
        time.sleep(0.3)
    before = Moment.now()
    told = sampled(collector)[CPU.name]
    after = Moment.now()
    least = (before.used - begun.used) / (after.at - earliest.at)
    most = (after.used - earliest.used) / (before.at - begun.at)
    assert least - 1e-4 <= told <= most + 1e-4
    assert told > 0 or not busy


def test_resident_memory_is_told_in_bytes() -> None:
    """Other threads of the tests may take or give back some meanwhile."""
    before = psutil.Process().memory_info().rss
    told = sampled(itself(Tally()))[MEMORY.name]
    after = psutil.Process().memory_info().rss
    assert min(before, after) - 5e6 <= told <= max(before, after) + 5e6


def test_the_longest_delay_of_the_loop_is_told_once() -> None:
    tally = Tally()
    collector = itself(tally)
    tally.loop_lag = 0.25
    assert sampled(collector)["dashboard_event_loop_lag_seconds"] == 0.25
    assert sampled(collector)["dashboard_event_loop_lag_seconds"] == 0
