"""Chunks as they were unpacked or rolled up, so that what is asked for again and again is made once."""

from __future__ import annotations

import threading
from collections import OrderedDict

from dashboard.history.piece import Piece
from dashboard.rolled import Rolled, Samples

Unpacked = Samples | Rolled | Piece

_OBJECT = 400  # bytes of an entry besides its columns, roughly


class Cache:
    """The chunks that were used last, at most `size` bytes of them; for any thread.

    A chunk is known by its tier, its key and its checksum, so that one which was replaced is not mistaken for it.
    """

    def __init__(self, size: int) -> None:
        self._size, self._used = size, 0
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[str, int], tuple[bytes, Unpacked, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def has(self, tier: str, key: int) -> bool:
        """Tell whether some chunk of this key is held."""
        return (tier, key) in self._found

    def get(self, tier: str, key: int, sum: bytes) -> Unpacked | None:
        """Return the chunk with this checksum, if it is held."""
        with self._lock:
            held = self._found.get((tier, key))
            if held is None or held[0] != sum:
                return None
            self._found.move_to_end((tier, key))
            return held[1]

    def put(self, tier: str, key: int, sum: bytes, unpacked: Unpacked) -> None:
        """Hold a chunk, or weigh it anew; those that were not used for longest make place."""
        if isinstance(unpacked, Piece):
            cost = _OBJECT + unpacked.size
        else:
            cost = _OBJECT + 8 * len(unpacked.times) * (len(unpacked) - 2)  # times and intervals are shared by many
        with self._lock:
            self._drop((tier, key))
            self._found[tier, key] = (sum, unpacked, cost)
            self._used += cost
            while self._used > self._size:
                self._drop(next(iter(self._found)))

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._found.clear()
            self._used = 0

    def _drop(self, place: tuple[str, int]) -> None:
        held = self._found.pop(place, None)
        if held is not None:
            self._used -= held[2]
