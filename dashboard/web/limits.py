"""How many streams there may be: in all, of one address, of one principal, and how often one may be asked for."""

from __future__ import annotations

import math
import random
from typing import NamedTuple

from quart import Response

from dashboard.config import Settings, is_loopback
from dashboard.errors import Busy, TooManyStreams
from dashboard.events import Bye
from dashboard.model import LOCAL, Clock
from dashboard.sse import frame
from dashboard.tally import Refused, Tally, Viewer
from dashboard.web.routing import EVENT_STREAM, STREAM_HEADERS, Context

MOST_ADDRESSES = 10_000
"""Addresses whose attempts are remembered at most. A flood of them costs no more; the longest quiet are forgotten."""

RETURN = (5.0, 15.0)
"""Seconds between which whoever is refused is told to come back, so that a crowd does not come back as one."""

_MINUTE, _PIECE = 60.0, 5.0


class Refusal(NamedTuple):
    """Which limit keeps a stream from being opened, that in a sentence, and after how many seconds to ask again."""

    limit: Refused
    message: str
    retry_after: float


class Limits:
    """Holds every wish for a stream against the settings. What is open is what the tally counts."""

    def __init__(self, settings: Settings, tally: Tally, clock: Clock) -> None:
        self._settings, self._tally = settings, tally
        self._attempts = _Attempts(clock, settings.max_attempts_per_minute)

    def allows(self, viewer: Viewer) -> bool:
        """Tell whether this viewer could have a further stream, and count nothing."""
        return self._refusal(viewer, attempt=True, count=False) is None

    def refusal(self, viewer: Viewer, *, attempt: bool = True) -> Refusal | None:
        """Return why this viewer is to have no further stream, and count that; None lets it in.

        `attempt`: it counts against the attempts of a minute. The own machine is limited by the overall limit alone.
        """
        refusal = self._refusal(viewer, attempt=attempt, count=True)
        if refusal is not None:
            self._tally.refused[refusal.limit] += 1
        return refusal

    def _refusal(self, viewer: Viewer, *, attempt: bool, count: bool) -> Refusal | None:
        settings, tally = self._settings, self._tally
        far = not is_loopback(viewer.address)
        wait = self._attempts.wait(viewer.address, count=count) if far and attempt else 0.0
        if wait:
            return _refused("attempts", f"{settings.max_attempts_per_minute} streams a minute", wait)
        if tally.streams >= settings.max_streams:
            return _refused("streams", f"{settings.max_streams} streams in all")
        if far and tally.addresses[viewer.address] >= settings.max_streams_per_address:
            return _refused("address", f"{settings.max_streams_per_address} streams for one address")
        most = settings.max_streams_per_principal
        if viewer.principal != LOCAL and tally.principals[viewer.principal] >= most:
            return _refused("principal", f"{most} streams for {viewer.principal}")
        return None


class _Attempts:
    """Counts attempts by address: of each piece of the last minute, so that never more than the limit fall into one."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._clock, self._most = clock, per_minute
        self._counts: dict[str, dict[int, int]] = {}  # by address, longest quiet first: by the number of the piece

    def wait(self, address: str, *, count: bool) -> float:
        """Return 0 and count an attempt, if so wished, or the seconds until there may be one; then none is counted."""
        now = self._clock.monotonic()
        piece = int(now // _PIECE)
        counts = {at: many for at, many in self._counts.get(address, {}).items() if at >= piece - _MINUTE // _PIECE}
        # What is counted in the oldest piece may all have come at its end.
        wait = 0.0 if sum(counts.values()) < self._most else (min(counts) + 1) * _PIECE + _MINUTE - now
        if not count:
            return wait
        if not wait:
            counts[piece] = counts.get(piece, 0) + 1
        self._counts.pop(address, None)  # what is put in again is the last
        self._counts[address] = counts
        while len(self._counts) > MOST_ADDRESSES:
            del self._counts[next(iter(self._counts))]
        return wait


def admit(context: Context, limits: Limits, *, polling: bool = False) -> Response | None:
    """Return None when a stream may begin, else the answer that sends its viewer away for a while.

    Whoever accepts an event stream gets one that ends with `bye`, for a native EventSource gives up for good on
    anything but a 200; for others TooManyStreams or Busy is raised. A poll counts while it waits, not as an attempt.
    """
    refusal = limits.refusal(context.viewer, attempt=not polling)
    if refusal is None:
        return None
    if polling or EVENT_STREAM not in context.request.headers.get("Accept", ""):
        kind = Busy if refusal.limit == "streams" else TooManyStreams
        raise kind(refusal.message, math.ceil(refusal.retry_after))
    bye = Bye(reason="busy", retry_after=round(refusal.retry_after, 3))
    body = context.runtime.broadcaster.hello("fresh") + frame(
        bye.type, bye.encode(), retry=int(1000 * refusal.retry_after)
    )
    context.runtime.tally.bytes_sent += len(body)
    return Response(body, 200, STREAM_HEADERS, content_type=EVENT_STREAM)


def _refused(limit: Refused, what: str, wait: float = 0.0) -> Refusal:
    return Refusal(limit, f"this server allows {what}; come back later", wait + random.uniform(*RETURN))
