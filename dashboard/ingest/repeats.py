"""What is sent again, for nobody heard its answer, is taken once: both requests carry one `Idempotency-Key`."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from dashboard.errors import InvalidParameter
from dashboard.ingest.items import Rejection

HELD = 5_000
"""Requests that are remembered, and refusals in their answers, at most."""

MAX_KEY = 200
"""Characters of a key at most."""

Answer = tuple[int, Sequence[Rejection]]
"""How many items were accepted, and why the others were not."""

Place = tuple[str, str, str]
"""Whose key it is, for what, and the key."""


class _Taken(msgspec.Struct, frozen=True):
    digest: bytes  # of the body
    work: asyncio.Future[Answer]


class Repeats:
    """The newest requests that carried a key and what became of them; in memory, so only of this run."""

    def __init__(self) -> None:
        self._running: dict[Place, _Taken] = {}
        self._done: dict[Place, _Taken] = {}
        self._size = 0

    async def once(self, place: Place, body: bytes, take: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return what `take` returns, or did when this was sent before.

        Raises InvalidParameter when the key is too long, or stood for something else.
        """
        if len(place[-1]) > MAX_KEY:
            raise InvalidParameter("Idempotency-Key", f"must have at most {MAX_KEY} characters")
        digest = hashlib.blake2b(body, digest_size=16).digest()
        known = self._running.get(place) or self._done.get(place)
        if known is None:
            # A task of its own: a sender that goes away meanwhile will come again for this very answer.
            known = self._running[place] = _Taken(digest, asyncio.ensure_future(take()))
            known.work.add_done_callback(lambda _: self._settle(place))
        elif known.digest != digest:
            raise InvalidParameter("Idempotency-Key", "stood for another body before; give each request its own")
        return await asyncio.shield(known.work)

    def _settle(self, place: Place) -> None:
        """Remember what succeeded, and forget the oldest; what did not may be tried again."""
        taken = self._running.pop(place)
        if taken.work.cancelled() or taken.work.exception() is not None:
            return
        self._done[place] = taken
        self._size += _size(taken)
        while self._size > HELD:
            self._size -= _size(self._done.pop(next(iter(self._done))))


def _size(taken: _Taken) -> int:
    return 1 + len(taken.work.result()[1])
