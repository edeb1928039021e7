"""Large bodies, sent in pieces, each when the one before has left."""

from __future__ import annotations

from collections.abc import AsyncIterator

from quart.wrappers.response import DataBody

PIECE = 256 * 1024
"""Bytes of one piece."""


class ChunkedBody(DataBody):
    """A body whose parts are given to the socket one by one: all at once would first be copied to wait there."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        for at in range(self.begin, self.end, PIECE):
            yield self.data[at : min(at + PIECE, self.end)]
