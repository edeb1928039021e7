"""Viewers of one filter that stand at one place: one cursor reads for all, and each costs its socket's system call."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from dashboard.broadcaster import Cursor
from dashboard.web.socket_stream import SocketStream


class Crowd:
    """Streams that are given the same bytes. They follow its `lead`, and come and go between two rounds of it."""

    def __init__(self, lead: Cursor) -> None:
        self.lead = lead
        self.size = 0
        # Two lists, for in a round each viewer's own objects are not even touched: with thousands of them that is felt.
        self._streams: list[SocketStream | None] = []
        self._takers: list[Callable[[bytes], int]] = []

    def admit(self, stream: SocketStream) -> bool:
        """Take in a stream; False when it stands apart."""
        if not stream.cursor.follow(self.lead):
            return False
        stream.place = len(self._streams)
        self._streams.append(stream)
        self._takers.append(stream.taker)
        self.size += 1
        return True

    def dismiss(self, stream: SocketStream) -> None:
        """Let a stream of this crowd go on by itself."""
        assert stream.place is not None
        self._streams[stream.place], self._takers[stream.place] = None, len  # which takes all, and does nothing
        stream.place = None
        stream.cursor.part()
        self.size -= 1

    def dissolve(self) -> list[SocketStream]:
        """Let all go on by themselves; return them."""
        streams = [stream for stream in self._streams if stream is not None]
        for stream in streams:
            self.dismiss(stream)
        return streams

    def tidy(self) -> int:
        """Close the ranks, between two rounds; return how many places there are now."""
        if self.size < len(self._streams):
            self._streams = [stream for stream in self._streams if stream is not None]
            self._takers = [stream.taker for stream in self._streams if stream is not None]
            for place, stream in enumerate(self._streams):
                assert stream is not None
                stream.place = place
        return len(self._streams)

    def give(self, frame: bytes, begin: int, end: int) -> list[tuple[SocketStream, int]]:
        """Write a frame to the sockets of some places; return those that did not take all, and how much they took."""
        size, short = len(frame), []
        for place, take in enumerate(islice(self._takers, begin, end), begin):
            try:
                taken = take(frame)
            except OSError:
                taken = 0
            if taken != size and (stream := self._streams[place]) is not None:
                short.append((stream, taken))
        return short
