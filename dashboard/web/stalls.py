"""Who takes no bytes, whatever its TCP says, and who takes them slowly.

The kernel gives up on a peer whose window stays shut (`TCP_USER_TIMEOUT`, see `connections`), which costs nothing while
all is well. But of one that opens its window by less than the next segment it believes the same, though byte after byte
is taken. So whoever has once held a writer up is judged here from then on: by what its peer has acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from dataclasses import dataclass

from dashboard.tally import Tally

_TCP_INFO = socket.TCP_INFO if sys.platform == "linux" else None
# Of Linux's struct tcp_info.
_UNACKED, _LAST_ACK, _BYTES_ACKED, _UNSENT = slice(24, 28), slice(56, 60), slice(120, 128), slice(144, 148)


@dataclass(slots=True)
class _Judged:
    progress: int
    since: float


class StallWatch:
    """Cuts off every connection whose peer has taken no byte for `patience` seconds though there were some for it."""

    def __init__(self, tally: Tally, patience: float) -> None:
        self._tally, self._patience = tally, patience
        self._every = patience / 12
        self._judged: dict[asyncio.WriteTransport, _Judged] = {}
        self._timer: asyncio.TimerHandle | None = None

    def judge(self, transport: asyncio.WriteTransport, since: float | None = None) -> None:
        """Watch a connection until it is forgotten; the kernel does no more. It took nothing `since` a loop's time."""
        if transport in self._judged:
            return
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            with contextlib.suppress(OSError, AttributeError):  # it has just ended; one of TLS has no socket then
                transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 0)
        loop = asyncio.get_running_loop()
        # Of one that vanished the kernel has held back some bytes before anything was held up here.
        began = min(since or loop.time(), loop.time() - _silence(transport))
        self._judged[transport] = _Judged(_progress(transport)[0], began)
        if self._timer is None:
            self._timer = loop.call_later(self._every, self._look)

    def forget(self, transport: asyncio.WriteTransport) -> None:
        """Leave off watching one that has ended, or is not watched."""
        self._judged.pop(transport, None)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for transport, one in list(self._judged.items()):
            progress, waiting = _progress(transport)
            if progress != one.progress or not waiting:
                one.progress, one.since = progress, now
            # What is seen now may have begun one look before it was seen first, and the next look comes later still.
            elif now - one.since > self._patience - 2.5 * self._every:
                self.forget(transport)
                self._tally.stalled += 1
                transport.abort()
        self._timer = loop.call_later(self._every, self._look) if self._judged else None


def _progress(transport: asyncio.WriteTransport) -> tuple[int, bool]:
    """Return a number that changes when the peer takes bytes, and whether there are any that it has not taken."""
    held = transport.get_write_buffer_size()
    if _TCP_INFO is not None:
        with contextlib.suppress(OSError, AttributeError):
            info = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 192)
            if len(info) >= _UNSENT.stop:
                return _number(info[_BYTES_ACKED]), bool(held or _number(info[_UNACKED]) or _number(info[_UNSENT]))
    return held, held > 0


def _silence(transport: asyncio.WriteTransport) -> float:
    """Return the seconds since the peer acknowledged anything; 0: that is not known."""
    if _TCP_INFO is not None:
        with contextlib.suppress(OSError, AttributeError):
            info = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 192)
            if len(info) >= _LAST_ACK.stop:
                return _number(info[_LAST_ACK]) / 1000
    return 0.0


def _number(field: bytes) -> int:
    return int.from_bytes(field, sys.byteorder)
