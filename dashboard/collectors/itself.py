"""The dashboard's own metrics: requests, streams, events, bytes, and what the process takes of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import psutil

from dashboard.collectors import CollectorState
from dashboard.model import Family, Sample
from dashboard.tally import BUCKETS, Tally

_REQUESTS = Family("dashboard_http_requests_total", "counter", "", "Requests answered, by route, method and status.")
_LATENCY = Family(
    "dashboard_http_request_duration_seconds",
    "histogram",
    "seconds",
    "Time from a request to the end of its answer, by route.",
)
_USERS = Family("dashboard_users_online", "gauge", "", "Principals and addresses that have a stream open.")
_EVENTS = Family("dashboard_events_published_total", "counter", "", "Events that entered the log, by type.")
_BYTES = Family("dashboard_bytes_sent_total", "counter", "bytes", "Bytes of answers and streams, before transport.")
_BEHIND = Family("dashboard_stream_lag_events", "gauge", "", "Events that the slowest stream is behind the newest.")
_CONFLATED = Family(
    "dashboard_conflated_events_total", "counter", "", "Events left out for streams that took them too slowly."
)
_GAPS = Family("dashboard_gaps_total", "counter", "", "Gaps told to viewers, by reason.")
_RESUMES = Family("dashboard_resumes_total", "counter", "", "Streams that went on behind an event.")
_REFUSED = Family("dashboard_streams_refused_total", "counter", "", "Streams refused, by the limit that was reached.")
_ABORTED = Family("dashboard_streams_aborted_total", "counter", "", "Streams cut off because they took no bytes.")
LAG = Family(
    "dashboard_event_loop_lag_seconds", "gauge", "seconds", "Longest delay of the event loop since the last sample."
)
CPU = Family("dashboard_process_cpu_ratio", "gauge", "ratio", "Share of one core that this process took.")
MEMORY = Family("dashboard_process_resident_memory_bytes", "gauge", "bytes", "Resident memory of this process.")
_DURATION = Family("dashboard_collector_duration_seconds", "gauge", "seconds", "Time that a collector's last run took.")
_FAILURES = Family("dashboard_collector_failures_total", "counter", "", "Runs of a collector that failed.")
_STREAMS = Family("dashboard_streams", "gauge", "", "Event streams open.")
_SERIES = Family("dashboard_series", "gauge", "", "Series held in memory.")
_LOGGED = Family("dashboard_log_events", "gauge", "", "Events held for viewers that come back.")


class Delivery(NamedTuple):
    """What is held and was delivered: gauges of now, counts since the start."""

    streams: int
    behind: int
    """Events that the slowest stream is behind."""
    series: int
    logged: int
    published: Mapping[str, int]
    """By type."""
    conflated: int
    gaps: Mapping[str, int]
    """By reason."""
    resumes: int
    refused: Mapping[str, int]
    """By the limit that was reached."""
    aborted: int


class Itself:
    """Reads the tally and the process; the rest is handed in as functions, for it lives elsewhere."""

    name = "dashboard"
    families: Sequence[Family] = (
        *(_REQUESTS, _LATENCY, _USERS, _EVENTS, _BYTES, LAG, CPU, MEMORY),
        *(_DURATION, _FAILURES, _STREAMS, _SERIES, _LOGGED),
        *(_BEHIND, _CONFLATED, _GAPS, _RESUMES, _REFUSED, _ABORTED),
    )

    def __init__(
        self,
        tally: Tally,
        *,
        interval: float,
        states: Callable[[], Iterable[CollectorState]],
        delivery: Callable[[], Delivery],
    ) -> None:
        """Every `interval` seconds; `states` and `delivery` are called from another thread than the event loop's."""
        self.interval = interval
        self._tally, self._states, self._delivery = tally, states, delivery
        self._process = psutil.Process()
        self._last = (time.monotonic(), time.process_time())

    def collect(self) -> Iterator[Sample]:
        """Yield the newest of everything; counters since the start."""
        delivery = self._delivery()
        yield from self._delivery_samples(delivery)
        yield Sample(_SERIES.name, delivery.series)
        yield Sample(_LOGGED.name, delivery.logged)
        yield Sample(_USERS.name, len(self._tally.viewers))
        yield Sample(_BYTES.name, self._tally.bytes_sent)
        yield from self._process_samples()
        for state in self._states():
            if state.duration is not None:
                yield Sample(_DURATION.name, round(state.duration, 6), {"collector": state.name})
            yield Sample(_FAILURES.name, state.failures, {"collector": state.name})
        yield from self._http_samples()

    def _delivery_samples(self, delivery: Delivery) -> Iterator[Sample]:
        yield Sample(_STREAMS.name, delivery.streams)
        yield Sample(_BEHIND.name, delivery.behind)
        yield Sample(_CONFLATED.name, delivery.conflated)
        yield Sample(_RESUMES.name, delivery.resumes)
        yield Sample(_ABORTED.name, delivery.aborted)
        for kind, count in delivery.published.items():
            yield Sample(_EVENTS.name, count, {"type": kind})
        for reason, count in delivery.gaps.items():
            yield Sample(_GAPS.name, count, {"reason": reason})
        for limit, count in delivery.refused.items():
            yield Sample(_REFUSED.name, count, {"limit": limit})

    def _process_samples(self) -> Iterator[Sample]:
        lag, self._tally.loop_lag = self._tally.loop_lag, 0.0
        yield Sample(LAG.name, round(lag, 6))
        (then, used), (now, using) = self._last, (time.monotonic(), time.process_time())
        if now > then:
            yield Sample(CPU.name, round((using - used) / (now - then), 4))
        self._last = (now, using)
        yield Sample(MEMORY.name, self._process.memory_info().rss)

    def _http_samples(self) -> Iterator[Sample]:
        for (route, method, status), count in list(self._tally.requests.items()):
            yield Sample(_REQUESTS.name, count, {"route": route, "method": method, "status": str(status)})
        for route, buckets in list(self._tally.latency.items()):
            total = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), list(buckets), strict=True):
                total += count
                yield Sample(f"{_LATENCY.name}_bucket", total, {"route": route, "le": bound})
            yield Sample(f"{_LATENCY.name}_count", total, {"route": route})
            yield Sample(f"{_LATENCY.name}_sum", round(self._tally.latency_sum[route], 6), {"route": route})
