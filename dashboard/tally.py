"""What the program counts of itself while it serves; plain numbers, read by the collector of its own metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable
from typing import Literal, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)

BUCKETS = (0.005, 0.025, 0.1, 0.25, 1.0, 2.5)
"""Upper bounds in seconds of the latency histogram; a last one has none."""


Refused = Literal["streams", "address", "principal", "attempts"]
"""What there can be too many of: streams in all, of one address, of one principal, and attempts in a minute."""


class Viewer(NamedTuple):
    """Who looks: the principal's name, and the address as clients are counted by it."""

    principal: str
    address: str


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
        """Connections, streams nearly all, that were cut off because they took no bytes."""
        self.loop_lag = 0.0
        """Longest delay of the event loop in seconds since it was last read."""
        self.viewers: Counter[Viewer] = Counter()
        """Open streams by who looks."""
        self.principals: Counter[str] = Counter()
        """Open streams by principal."""
        self.addresses: Counter[str] = Counter()
        """Open streams by address."""
        self.streams = 0
        """Open streams in all."""
        self.refused: Counter[Refused] = Counter()
        """Streams that were refused, by the limit that was met."""

    def count(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self.requests[route, method, status] += 1
        buckets = self.latency.setdefault(route, [0] * (len(BUCKETS) + 1))
        buckets[bisect_left(BUCKETS, seconds)] += 1
        self.latency_sum[route] = self.latency_sum.get(route, 0.0) + seconds

    def enter(self, viewer: Viewer) -> None:
        """Count a stream that opens."""
        self.streams += 1
        self.viewers[viewer] += 1
        self.principals[viewer.principal] += 1
        self.addresses[viewer.address] += 1

    def leave(self, viewer: Viewer) -> None:
        """Count a stream that ends."""
        self.streams -= 1
        _less(self.viewers, viewer)
        _less(self.principals, viewer.principal)
        _less(self.addresses, viewer.address)


def _less(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
