"""Many stream clients in one process that costs little: one thread, epoll, one preallocated buffer.

It runs as `python client.py URL N CORE KIND` and uses the standard library alone. It prints `{"ready": N}` when every
stream has been answered (KIND `log`: has had its `hello`), reads until a line `FROM TO` (monotonic seconds, the same in
all processes of a machine) comes on its standard input, and then prints what it counted between the two, as one line of
JSON. The end of its standard input ends it, so that it never outlives who started it.

All viewers have one filter and are therefore sent the same bytes: each distinct piece is parsed once, when everything
is over, and a receipt costs one read, one search for the last id, and two appends.

An event is what has JSON with `id` and `timestamp` as its data. With KIND `log` the log itself is asked for what there
was to send; with `plain` a viewer should have what any of them had after its own first.
"""

from __future__ import annotations

import json
import os
import resource
import select
import socket
import statistics
import sys
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

ANSWER_SECONDS = 20.0
GRACE_SECONDS = 0.5
BATCH = 50
BUFFER_BYTES = 1 << 18
PER_SOURCE = 10_000
"""Connections from one loopback address, for an address has no more than some 28,000 ports to give."""

BIND_ADDRESS_NO_PORT = 24
IN_CHUNKS, PLAIN = b"\n\n\r\n", b"\n\n"
"""What a read ends with when it holds whole events, in HTTP chunks and without."""

EventId = tuple[int, int]


class Piece:
    """Bytes that came in one read, and when they came to whom: the same bytes for many viewers are one piece."""

    __slots__ = ("events", "raw", "times")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.times = array("d")
        self.events: list[tuple[EventId, float, int]] = []

    def parse(self) -> None:
        """Find the id, `timestamp` and bytes of each event."""
        for frame in self.raw.split(b"\n\n"):
            fields = _fields(frame)
            data = json.loads(fields[b"data"]) if b"data" in fields else {}
            if "id" in data:
                size = len(frame.rpartition(b"\r\n")[2]) + 2  # without the head of the HTTP chunk
                self.events.append((_event_id(data["id"].encode()), float(data["timestamp"]), size))


class Viewer:
    """One stream: its socket, where it began, and the pieces that it was sent."""

    __slots__ = ("carry", "closed", "end", "newest", "pieces", "socket")

    def __init__(self, sock: socket.socket, newest: EventId | None, carry: bytes, end: bytes) -> None:
        self.socket = sock
        self.newest = newest
        self.end = end
        self.carry = carry
        self.pieces: list[Piece] = []
        self.closed = False


def open_viewers(url: str, count: int, greeted: Callable[[socket.socket], Viewer]) -> Iterator[Viewer]:
    """Open `count` streams, a few at a time, and read each until it is `greeted`."""
    for first in range(0, count, BATCH):
        batch = [_request(url, number // PER_SOURCE) for number in range(first, min(first + BATCH, count))]
        yield from map(greeted, batch)


def follow(viewers: list[Viewer], known: dict[object, Piece]) -> tuple[float, float]:
    """Read everything that the viewers are sent, until the two times stand on standard input; return them."""
    buffer = bytearray(BUFFER_BYTES)
    poll = select.epoll()
    control = sys.stdin.fileno()
    poll.register(control, select.EPOLLIN)
    by_fd = {viewer.socket.fileno(): viewer for viewer in viewers}
    for fd, viewer in by_fd.items():
        if viewer.carry:
            _slow(viewer, known, b"", time.monotonic())
        poll.register(fd, select.EPOLLIN)
    span: tuple[float, float] | None = None
    deadline = float("inf")
    while time.monotonic() < deadline:
        for fd, _ in poll.poll(0.1 if span else -1):
            if fd == control:
                span = _span(sys.stdin.readline())
                deadline = time.monotonic() + GRACE_SECONDS
                poll.unregister(control)
                continue
            viewer = by_fd[fd]
            size = viewer.socket.recv_into(buffer)
            now = time.monotonic()
            if size == 0:
                viewer.closed = True
                poll.unregister(fd)
            elif viewer.carry or not buffer.endswith(viewer.end, 0, size):
                _slow(viewer, known, bytes(buffer[:size]), now)
            else:
                at = buffer.rfind(b'"id":"', 0, size)
                key = (size, bytes(buffer[at : at + 40])) if at >= 0 else bytes(buffer[:size])
                piece = known.get(key)
                if piece is None:
                    piece = known[key] = Piece(bytes(buffer[:size]))
                piece.times.append(now)
                viewer.pieces.append(piece)
    assert span is not None
    return span


def reference(url: str, after: EventId, last: EventId) -> list[EventId] | None:
    """Ask the log itself what it sent after `after` up to `last`; None when it no longer holds all of it."""
    sock = _request(f"{url}{'&' if '?' in url else '?'}after={after[0]}-{after[1]}")
    ids: list[EventId] = []
    received = b""
    deadline = time.monotonic() + ANSWER_SECONDS
    try:
        while not ids or ids[-1] < last:
            if time.monotonic() > deadline:
                return None
            received += _some(sock)
            *frames, received = received.split(b"\n\n")
            for fields in map(_fields, frames):
                if fields.get(b"event") == b"gap":
                    return None
                if b"id" in fields:
                    ids.append(_event_id(fields[b"id"]))
    except TimeoutError:
        return None
    finally:
        sock.close()
    return [number for number in ids if number <= last]


def report(viewers: list[Viewer], pieces: list[Piece], url: str, start: float, end: float) -> dict[str, object]:
    """Count what came between `start` and `end`; lost and out of order are judged over each stream's whole life."""
    for piece in pieces:
        piece.parse()
    first: dict[EventId, float] = {}
    for piece in pieces:
        for number, _, _ in piece.events:
            first[number] = min(first.get(number, float("inf")), min(piece.times))
    seen = sorted(number for number, when in first.items() if when <= end)
    known = [viewer.newest for viewer in viewers if viewer.newest is not None]
    log = reference(url, min(known), seen[-1]) if seen and known else None
    offset = time.time() - time.monotonic()
    reads = total = events = event_bytes = 0
    from_first, from_stamp = array("d"), array("d")
    for piece in pieces:
        within = [when for when in piece.times if start <= when < end]
        reads += len(within)
        total += len(within) * len(piece.raw)
        for number, stamp, size in piece.events:
            events += len(within)
            event_bytes += len(within) * size
            from_first.extend(when - first[number] for when in within)
            from_stamp.extend(when + offset - stamp for when in within)
    due, lost, misplaced = _compare(viewers, log or seen)
    return {
        "viewers": len(viewers),
        "closed": sum(viewer.closed for viewer in viewers),
        "seconds": end - start,
        "reads": reads,
        "bytes": total,
        "events": events,
        "event_bytes": event_bytes,
        "first_ms": _quantiles(from_first),
        "stamp_ms": _quantiles(from_stamp),
        "due": due,
        "lost": lost,
        "misplaced": misplaced,
        "gaps": sum(piece.raw.count(b"event: gap") * len(piece.times) for piece in pieces),
        "compared_with": "log" if log else "other viewers",
    }


def _compare(viewers: list[Viewer], sent: list[EventId]) -> tuple[int, int, int]:
    due = lost = misplaced = 0
    for viewer in viewers:
        got = [number for piece in viewer.pieces for number, _, _ in piece.events]
        after = viewer.newest if viewer.newest is not None else got[0] if got else (0, 0)
        expected = sent[bisect_right(sent, after) :]
        if viewer.newest is None and got:
            got = got[1:]
        due += len(expected)
        if got[: len(expected)] != expected:
            lost += len(set(expected) - set(got))
            misplaced += got != sorted(set(got))
    return due, lost, misplaced


def _quantiles(values: array[float]) -> dict[str, float]:
    if len(values) < 2:
        return {}
    cuts = statistics.quantiles(values, n=100)
    return {"p50": cuts[49] * 1000, "p99": cuts[98] * 1000, "max": max(values) * 1000}


def _request(url: str, source: int = 0) -> socket.socket:
    parts = urlsplit(url)
    sock = socket.socket()
    sock.settimeout(ANSWER_SECONDS)
    if source:
        sock.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
        sock.bind((f"127.0.0.{1 + source}", 0))
    sock.connect((parts.hostname or "127.0.0.1", parts.port or 80))
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    sock.sendall(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n\r\n".encode())
    return sock


def _greeted(sock: socket.socket) -> Viewer:
    received = b""
    while b"\nevent: hello" not in received or not received.endswith(IN_CHUNKS):
        received = _answered(received + _some(sock))
    head, _, body = received.partition(b"\r\n\r\n")
    if b"chunked" not in head.lower():
        raise ConnectionError("the stream is not in HTTP/1.1 chunks")
    frames = [_fields(frame) for frame in body.split(b"\n\n")]
    hello = next(fields for fields in frames if fields.get(b"event") == b"hello")
    newest = json.loads(hello[b"data"]).get("newest") or "0-0"
    sock.setblocking(False)
    return Viewer(sock, _event_id(newest.encode()), body if b"\nid:" in body else b"", IN_CHUNKS)


def _headed(sock: socket.socket) -> Viewer:
    received = b""
    while b"\r\n\r\n" not in received:
        received = _answered(received + _some(sock))
    head, _, body = received.partition(b"\r\n\r\n")
    sock.setblocking(False)
    return Viewer(sock, None, body, IN_CHUNKS if b"chunked" in head.lower() else PLAIN)


def _answered(received: bytes) -> bytes:
    if not received.startswith(b"HTTP/1.1 200"[: len(received)]):
        raise ConnectionError(f"the stream was answered with {received[:300]!r}")
    return received


def _some(sock: socket.socket) -> bytes:
    received = sock.recv(BUFFER_BYTES)
    if not received:
        raise ConnectionError("the server closed the stream")
    return received


def _slow(viewer: Viewer, known: dict[object, Piece], received: bytes, now: float) -> None:
    """Take a read that is not made of whole events: keep the broken end for the next one."""
    whole, mark, rest = (viewer.carry + received).rpartition(viewer.end)
    viewer.carry = rest
    if mark:
        piece = known.setdefault(whole + mark, Piece(whole + mark))
        piece.times.append(now)
        viewer.pieces.append(piece)


def _fields(frame: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in frame.split(b"\n"))
    return {name: value.strip() for name, _, value in pairs}


def _event_id(text: bytes) -> EventId:
    milliseconds, _, sequence = text.partition(b"-")
    return int(milliseconds), int(sequence)


def _span(line: str) -> tuple[float, float]:
    if not line:
        raise SystemExit  # nobody waits for the result
    start, end = map(float, line.split())
    return start, end


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(arguments: Iterable[str]) -> None:
    """Run as the module's docstring says; a core of -1 leaves the choice to the kernel."""
    url, count, core, kind = arguments
    if int(core) >= 0:
        os.sched_setaffinity(0, {int(core)})
    _raise_file_limit()
    viewers = list(open_viewers(url, int(count), _greeted if kind == "log" else _headed))
    print(json.dumps({"ready": len(viewers)}), flush=True)
    known: dict[object, Piece] = {}
    start, end = follow(viewers, known)
    print(json.dumps(report(viewers, list(known.values()), url, start, end)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
