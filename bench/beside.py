"""What a delivered event costs us, beside what it costs others that send one like it, in one run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench import machine, table
from bench.fanout import Measured, measure, measure_stream, pinned
from bench.peer import Peer, peers

FLOOR, RIVAL = "bare asyncio", "nginx, nchan"
COLUMNS = (
    "server",
    "viewers",
    "µs CPU / event",
    f"÷ {FLOOR}",
    f"÷ {RIVAL}",
    "each round",
    "p50 / p99 ms after the first viewer",
    "KB / viewer",
    "µs CPU / connect",
    "delivered",
)
NOTES = (
    "One event of 1.5 KB a second. CPU is that of the server's one process, user and kernel, over what the same process"
    " uses without viewers, measured just before; ours includes what a heartbeat costs.",
    "Medians of the rounds, in each of which every server ran for the same time, one after the other.",
    "Delivered: of the events that were due to any viewer, over the whole life of each stream.",
)

Run = Callable[[int, float], Measured]


def run(counts: Sequence[int], seconds: float, rounds: int, command: Sequence[str]) -> None:
    """Measure ourselves and every peer that this machine has; print a row for each and each number of viewers."""
    servers: dict[str, Run] = {
        "dashboard": lambda count, seconds: measure("fixed", count, seconds),
        "dashboard, fast_writer = false": lambda count, seconds: measure(
            "fixed", count, seconds, "fast_writer = false\n"
        ),
    }
    missing = []
    for peer in peers():
        lack = peer.lacks()
        if lack is None:
            servers[peer.name] = _runs(peer)
        else:
            missing.append(f"Missing: {lack}.")
    rows = []
    for count in counts:
        results: dict[str, list[Measured]] = {name: [] for name in servers}
        for number in range(rounds):
            for name, measured in servers.items():
                click.echo(f"{count} viewers, round {number + 1}: {name} …", err=True)
                results[name].append(measured(count, seconds))
        rows += _rows(results)
    table.show(COLUMNS, rows, command, (*NOTES, *missing, pinned()))


def _runs(peer: Peer) -> Run:
    def measured(count: int, seconds: float) -> Measured:
        with TemporaryDirectory(prefix="bench-") as name, peer.serving(Path(name), machine.cores()[0]) as serving:
            return measure_stream(serving.pid, serving.stream, "plain", peer.name, count, seconds)

    return measured


def _rows(results: dict[str, list[Measured]]) -> list[list[str]]:
    medians = {name: statistics.median(each.per_event for each in runs) for name, runs in results.items()}
    rows = []
    for name, runs in results.items():
        due = sum(each.received.due for each in runs)
        lost = sum(each.received.lost for each in runs)
        rows.append(
            [
                name,
                f"{runs[0].received.viewers:,}",
                table.number(medians[name]),
                *(table.number(medians[name] / medians.get(other, float("nan"))) for other in (FLOOR, RIVAL)),
                " ".join(table.number(each.per_event) for each in runs),
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
