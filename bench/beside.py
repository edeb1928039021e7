"""What a delivered event costs us, beside what it costs others that send the same, in one run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench import feed as feeds
from bench import machine, table
from bench.fanout import Measured, measure, measure_stream, pinned
from bench.peer import Peer, peers
from bench.server import serving

FLOOR, RIVAL = "bare asyncio", "nginx, nchan"
COLUMNS = (
    "feed",
    "server",
    "viewers",
    "µs CPU / event",
    f"÷ {FLOOR}",
    f"÷ {RIVAL}",
    "each round",
    "events",
    "writes",
    "p50 / p99 ms after the first viewer",
    "KB / viewer",
    "µs CPU / connect",
    "delivered",
)
NOTES = (
    "Fixed: one event of 1.5 KB a second. Overview: we serve the page `/` as it is; the others send over and over what"
    f" a stream of it was sent in {feeds.RECORDED} s just before: the same frames, with ids of the moment, each write"
    f" at its time after a full second. So windows of {feeds.RECORDED} s, or twice that, hold the same for all.",
    "nchan and sse-starlette take events one by one and write each by itself; bare asyncio and Node are given a whole"
    " write. Events and writes are per viewer and second; a write is what one read of the viewer's gave.",
    "CPU is that of the server's one process, user and kernel, over what the same process uses without viewers,"
    " measured just before; of the fixed feed ours includes what a heartbeat costs.",
    "Medians of the rounds, in each of which every server ran for the same time, one after the other.",
    "Delivered: of the events that were due to any viewer, over the whole life of each stream.",
)

Run = Callable[[int, float], Measured]


def run(names: Sequence[str], counts: Sequence[int], seconds: float, rounds: int, command: Sequence[str]) -> None:
    """Measure ourselves and every peer that this machine has; print a row for each, by feed and number of viewers."""
    machine.raise_file_limit()
    lacks = {peer: peer.lacks() for peer in peers()}
    missing = [f"Missing: {lack}." for lack in lacks.values() if lack is not None]
    rows = []
    with TemporaryDirectory(prefix="bench-") as folder:
        for feed in names:
            servers = {
                "dashboard": _ours(feed, ""),
                "dashboard, fast_writer = false": _ours(feed, "fast_writer = false\n"),
            }
            recording = _recording(feed, Path(folder))
            servers |= {peer.name: _theirs(peer, recording) for peer, lack in lacks.items() if lack is None}
            for count in counts:
                results: dict[str, list[Measured]] = {name: [] for name in servers}
                for number in range(rounds):
                    for name, measured in servers.items():
                        click.echo(f"{feed}: {count} viewers, round {number + 1}: {name} …", err=True)
                        results[name].append(measured(count, seconds))
                rows += _rows(feed, results)
    table.show(COLUMNS, rows, command, (*NOTES, *missing, pinned()))


def _recording(feed: str, folder: Path) -> Path:
    """Return the file of a feed, made in the folder."""
    path = folder / f"{feed}.json"
    if feed == "fixed":
        feeds.fixed(path)
    else:
        click.echo(f"{feed}: recording for {feeds.RECORDED} s …", err=True)
        with serving(folder) as server:
            feeds.record(server, path)
    return path


def _ours(feed: str, settings: str) -> Run:
    return lambda count, seconds: measure(feed, count, seconds, settings)


def _theirs(peer: Peer, feed: Path) -> Run:
    def measured(count: int, seconds: float) -> Measured:
        with TemporaryDirectory(prefix="bench-") as name, peer.serving(Path(name), machine.cores()[0], feed) as server:
            return measure_stream(server.pid, server.stream, "plain", peer.name, count, seconds)

    return measured


def _rows(feed: str, results: dict[str, list[Measured]]) -> list[list[str]]:
    medians = {name: statistics.median(each.per_event for each in runs) for name, runs in results.items()}
    rows = []
    for name, runs in results.items():
        due = sum(each.received.due for each in runs)
        lost = sum(each.received.lost for each in runs)
        rows.append(
            [
                feed,
                name,
                f"{runs[0].received.viewers:,}",
                table.number(medians[name]),
                *(table.number(medians[name] / medians.get(other, float("nan"))) for other in (FLOOR, RIVAL)),
                " ".join(table.number(each.per_event) for each in runs),
                _median(runs, lambda each: each.received.events / each.received.viewers / each.received.seconds),
                _median(runs, lambda each: each.received.reads / each.received.viewers / each.received.seconds),
                f"{_median(runs, lambda each: each.received.first_ms.p50)}"
                f" / {_median(runs, lambda each: each.received.first_ms.p99)}",
                _median(runs, lambda each: each.kilobytes),
                _median(runs, lambda each: each.per_connect),
                f"{100 * (due - lost) / due:.2f} %" if due else "–",
            ]
        )
    return rows


def _median(runs: Sequence[Measured], value: Callable[[Measured], float]) -> str:
    return table.number(statistics.median(map(value, runs)))
