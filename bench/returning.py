"""Many viewers that come back when their stream ends, as browsers do, in one process: one thread, epoll.

It runs as `python returning.py URL N CORE` and uses the standard library alone. It prints a line of JSON when every
stream has had its first `hello`, one when every stream was lost and has had its next, with the monotonic times of the
first and the last that was back, and, after a line on its standard input with the numbers of the notices that each is
to have, one of what they were sent: when all have them, or after `PATIENCE`. The end of its standard input ends it.
"""

from __future__ import annotations

import heapq
import json
import os
import re
import select
import socket
import sys
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

FRAME = re.compile(rb"(?:id: ([0-9]+)-([0-9]+)\n)?event: (\w+)\n(?:retry: ([0-9]+)\n)?data: ([^\n]*)\n\n")
KEPT = b"notification"
NUMBER = re.compile(rb'"title":"Notice ([0-9]+)"')
SPREAD = 0.0005
"""Seconds between two viewers that connect at first."""

PATIENCE = 20.0
"""Seconds after which what a viewer has not been sent is lost."""


class Viewer:
    """One that looks: its socket, the notices that it was sent, by number, and how often it was greeted."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.asked = False
        self.rest = b""
        self.last = b""
        self.retry = 2.0
        self.hellos = self.gaps = self.gaps_kept = 0
        self.back = 0.0
        self.kept: list[int] = []

    def take(self, received: bytes) -> None:
        """Read what was sent; a frame that is not whole yet is kept for later."""
        data = self.rest + received
        end = 0
        for match in FRAME.finditer(data):
            ms, seq, event, retry, data = match.groups()
            end = match.end()
            self.retry = int(retry) / 1000 if retry else self.retry
            self.last = b"%b-%b" % (ms, seq) if ms else self.last
            if event == b"gap":
                self.gaps += 1
                self.gaps_kept += b'"%b"' % KEPT in data
            elif event == b"hello":
                self.hellos += 1
                self.back = time.monotonic()
            elif event == KEPT and (number := NUMBER.search(data)):
                self.kept.append(int(number[1]))
        self.rest = data[end:]


class Crowd:
    """All viewers, and when those without a stream are to ask for one."""

    def __init__(self, url: str, count: int) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        self.viewers = [Viewer() for _ in range(count)]
        now = time.monotonic()
        self._due = [(now + number * SPREAD, number) for number in range(count)]
        self._by_fd: dict[int, int] = {}
        self._poll = select.epoll()
        self._poll.register(sys.stdin.fileno(), select.EPOLLIN)

    def step(self) -> bool:
        """Wait for what comes next and deal with it; tell whether standard input has something."""
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            self._connect(heapq.heappop(self._due)[1])
        told = False
        for fd, events in self._poll.poll(max(self._due[0][0] - now, 0) if self._due else 0.5):
            if fd == sys.stdin.fileno():
                told = True
            else:
                self._serve(self._by_fd[fd], events)
        return told

    def all_have(self, hellos: int) -> bool:
        """Tell whether every viewer was greeted so many times."""
        return all(viewer.hellos >= hellos for viewer in self.viewers)

    def wait_for(self, count: int) -> None:
        """Read on until every viewer has so many notices, for `PATIENCE` at most."""
        deadline = time.monotonic() + PATIENCE
        while any(len(viewer.kept) < count for viewer in self.viewers) and time.monotonic() < deadline:
            self.step()

    def _connect(self, number: int) -> None:
        viewer, sock = self.viewers[number], socket.socket()
        sock.setblocking(False)
        sock.connect_ex(self._address)
        viewer.socket, viewer.asked, viewer.rest = sock, False, b""
        self._by_fd[sock.fileno()] = number
        self._poll.register(sock.fileno(), select.EPOLLOUT)

    def _serve(self, number: int, events: int) -> None:
        viewer = self.viewers[number]
        assert viewer.socket is not None
        try:
            if not viewer.asked:
                if error := viewer.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise OSError(error, os.strerror(error))
                resume = f"Last-Event-ID: {viewer.last.decode()}\r\n" if viewer.last else ""
                viewer.socket.send(f"{self._request}{resume}\r\n".encode())
                viewer.asked = True
                self._poll.modify(viewer.socket.fileno(), select.EPOLLIN)
            elif received := viewer.socket.recv(1 << 18):
                viewer.take(received)
            else:
                raise ConnectionResetError
        except OSError:
            del self._by_fd[viewer.socket.fileno()]
            viewer.socket.close()
            viewer.hellos = min(viewer.hellos, 1)
            heapq.heappush(self._due, (time.monotonic() + viewer.retry, number))


def report(viewers: list[Viewer], posted: set[int]) -> dict[str, int]:
    """Hold what each was sent against what was posted, in the order of its numbers."""
    return {
        "lost": sum(len(posted.difference(viewer.kept)) for viewer in viewers),
        "misplaced": sum(viewer.kept != sorted(set(viewer.kept)) for viewer in viewers),
        "gaps": sum(viewer.gaps for viewer in viewers),
        "gaps_kept": sum(viewer.gaps_kept for viewer in viewers),
    }


def main(arguments: Iterable[str]) -> None:
    """Run as the module's docstring says; a core of -1 leaves the choice to the kernel."""
    url, count, core = arguments
    if int(core) >= 0:
        os.sched_setaffinity(0, {int(core)})
    crowd = Crowd(url, int(count))
    for hellos in (1, 2):
        while not crowd.all_have(hellos):
            if crowd.step() and not sys.stdin.readline():
                return
        backs = [viewer.back for viewer in crowd.viewers]
        print(json.dumps({"first": min(backs), "last": max(backs)}), flush=True)
    while not crowd.step():
        pass
    if line := sys.stdin.readline():
        posted = set(json.loads(line))
        crowd.wait_for(len(posted))
        print(json.dumps(report(crowd.viewers, posted)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
