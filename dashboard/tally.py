"""What the program counts of itself while it serves; plain numbers, read by the collector of its own metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

BUCKETS = (0.005, 0.025, 0.1, 0.25, 1.0, 2.5)
"""Upper bounds in seconds of the latency histogram; a last one has none."""


class Tally:
    """Counts since the start. Written on the event loop's thread, read from any."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        """Requests by route, method and status."""
        self.latency: dict[str, list[int]] = {}
        """By route: how many fell in each bucket."""
        self.latency_sum: dict[str, float] = {}
        """By route: seconds in all."""
        self.bytes_sent = 0
        self.stalled = 0
        """Streams that were cut off because they took no bytes."""
        self.loop_lag = 0.0
        """Longest delay of the event loop in seconds since it was last read."""
        self.viewers: Counter[str] = Counter()
        """Open streams by who looks: the principal's name and address."""

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests[route, method, status] += 1
        buckets = self.latency.setdefault(route, [0] * (len(BUCKETS) + 1))
        buckets[bisect_left(BUCKETS, seconds)] += 1
        self.latency_sum[route] = self.latency_sum.get(route, 0.0) + seconds

    def enter(self, viewer: str) -> None:
        """Count a stream that opens."""
        self.viewers[viewer] += 1

    def leave(self, viewer: str) -> None:
        """Count a stream that ends."""
        self.viewers[viewer] -= 1
        if not self.viewers[viewer]:
            del self.viewers[viewer]
