"""What a delivered event costs the server, for N viewers of one stream."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import click
import msgspec

from bench import feed as feeds
from bench import machine, table
from bench.server import serving
from bench.viewers import Received, watching

WARM_SECONDS = 3.0
FIXED_SERIES = 29
COLLECTOR = f'''\
"""About 1.5 KB of samples, whose values all change."""

import random

from dashboard.collectors import Family, Sample

families = [Family("bench_utilization_ratio", "gauge", "ratio", "Random numbers, to measure with.")]


def collect():
    for item in range({FIXED_SERIES}):
        yield Sample("bench_utilization_ratio", round(random.random(), 4), {{"item": str(item)}})
'''
COLUMNS = (
    "feed",
    "viewers",
    "µs CPU / event",
    "µs CPU / write",
    "server CPU, with (without) viewers",
    "events",
    "writes",
    "bytes",
    "bytes / event",
    "p50 / p99 ms after the first viewer",
    "p50 / p99 ms after `timestamp`",
    "KB / viewer",
    "µs CPU / connect",
    "lost",
    "client CPU",
)
NOTES = (
    "CPU is that of all threads of the server's process, user and kernel; per event and per write it is what is over"
    " the same process's use without viewers, measured just before.",
    "Events, writes and bytes are per viewer and second; a write is what one read of the viewer's gave, with the"
    " framing of HTTP and SSE.",
    "The first latency counts from the moment at which the first viewer had the event, the second from the event's"
    " own `timestamp`: collection, flush window and fan-out together.",
    "Lost: events that the log holds for this filter and a viewer was not sent, with gaps, wrong order and closed"
    " streams, if any.",
)


class Measured(msgspec.Struct, frozen=True):
    """One run: the server's CPU seconds with viewers and without, both over `received.seconds`."""

    feed: str
    cpu: float
    cpu_alone: float
    cpu_client: float
    cpu_connect: float
    memory: int
    received: Received

    @property
    def per_event(self) -> float:
        """Microseconds of CPU for each delivered event."""
        events = self.received.events
        return (self.cpu - self.cpu_alone) * 1e6 / events if events else float("nan")

    @property
    def per_connect(self) -> float:
        """Microseconds of CPU for each viewer that connects."""
        return self.cpu_connect * 1e6 / self.received.viewers

    @property
    def kilobytes(self) -> float:
        """KB of resident memory for each viewer."""
        return self.memory / 1024 / self.received.viewers


def run(feeds: Sequence[str], counts: Sequence[int], seconds: float, command: Sequence[str]) -> None:
    """Measure each feed with each number of viewers and print one row for each."""
    rows = []
    for feed in feeds:
        for count in counts:
            click.echo(f"{feed}: {count} viewers …", err=True)
            rows.append(_row(measure(feed, count, seconds)))
    table.show(COLUMNS, rows, command, (*NOTES, pinned()))


def measure(feed: str, count: int, seconds: float, settings: str = "") -> Measured:
    """Start a server, measure it alone for `seconds`, then with viewers for as long."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        settings += fixed_settings(folder) if feed == "fixed" else ""
        with serving(folder, settings, machine.cores()[0]) as server:
            url = server.stream(["metrics"], ["bench_*"]) if feed == "fixed" else feeds.overview(server)
            return measure_stream(server.pid, url, "log", feed, count, seconds)


def measure_stream(
    pid: int, url: str, kind: Literal["log", "plain"], feed: str, count: int, seconds: float
) -> Measured:
    """Measure a process that serves a stream: alone for `seconds`, then with viewers for as long."""
    warm, core = min(WARM_SECONDS, seconds), machine.cores()[-1]
    with watching(url, 1, core, kind) as viewer:
        _sleep_past(warm)
        viewer.received(0, 0)
    _sleep_past(warm)
    alone, _, _ = _window(pid, seconds)
    before = machine.resident_bytes(pid)
    opened, cpu_opened = time.monotonic(), machine.cpu_seconds(pid)
    with watching(url, count, core, kind) as viewers:
        opening = time.monotonic() - opened
        connect = machine.cpu_seconds(pid) - cpu_opened - alone / seconds * opening
        _sleep_past(warm)
        client = machine.cpu_seconds(viewers.pid)
        cpu, start, end = _window(pid, seconds)
        client = machine.cpu_seconds(viewers.pid) - client
        memory = machine.resident_bytes(pid) - before
        received = viewers.received(start, end)
    # While they connected, those who were there already were sent events: half of them on average.
    connect -= (cpu - alone) / seconds * opening / 2
    return Measured(feed, cpu, alone, client, connect, memory, received)


def _window(pid: int, seconds: float) -> tuple[float, float, float]:
    """Return a process's CPU seconds over a window that begins between two ticks, and the window's bounds."""
    start, cpu = time.monotonic(), machine.cpu_seconds(pid)
    _sleep_past(seconds)
    return machine.cpu_seconds(pid) - cpu, start, time.monotonic()


def _sleep_past(seconds: float) -> None:
    """Sleep that long and on to the next half second, when collectors that tick at full seconds are at rest."""
    time.sleep(seconds - 0.01)
    time.sleep((0.5 - time.time()) % 1.0 if seconds >= 1 else 0.0)


def fixed_settings(folder: Path) -> str:
    """Switch every collector off but one, which gives 1.5 KB a second."""
    place = folder / "collectors"
    place.mkdir()
    (place / "bench_feed.py").write_text(COLLECTOR)
    with serving(folder) as server:
        names = server.collectors()
    off = "".join(f'[[collector]]\nname = "{name}"\nenabled = false\n' for name in names)
    return f'collectors_dir = "{place}"\n{off}'


def _row(result: Measured) -> list[str]:
    got = result.received
    each = got.viewers * got.seconds
    flaws = {"gaps": got.gaps, "out of order": got.misplaced, "closed": got.closed}
    lost = ", ".join([f"{got.lost}", *(f"{count} {name}" for name, count in flaws.items() if count)])
    return [
        result.feed,
        f"{got.viewers:,}",
        table.number(result.per_event),
        table.number(result.per_event * got.events / got.reads if got.reads else float("nan")),
        f"{table.share(result.cpu, got.seconds)} ({table.share(result.cpu_alone, got.seconds)})",
        table.number(got.events / each),
        table.number(got.reads / each),
        table.number(got.bytes / each, 4),
        table.number(got.event_bytes / got.events if got.events else float("nan"), 4),
        f"{table.number(got.first_ms.p50)} / {table.number(got.first_ms.p99)}",
        f"{table.number(got.stamp_ms.p50)} / {table.number(got.stamp_ms.p99)}",
        table.number(result.kilobytes),
        table.number(result.per_connect),
        lost,
        table.share(result.cpu_client, got.seconds),
    ]


def pinned() -> str:
    """Say on which cores they run."""
    cores = machine.cores()
    where = (
        "one core for both"
        if cores[0] == cores[-1]
        else f"the server on core {cores[0]}, the client on core {cores[-1]}"
    )
    return f"Pinned: {where}. The client is one thread on epoll that counts and stamps."
