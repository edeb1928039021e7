"""A storm: the server ends while everyone looks and begins again, and all come back for what they missed."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

import click
import msgspec

from bench import machine, table
from bench.fanout import fixed_settings, pinned
from bench.peer import free_port
from bench.server import Server, serving

CLIENT = Path(__file__).with_name("returning.py")
LONGEST = 120.0
BEFORE, EVERY = 5, 0.2
ENDS = {"SIGTERM": signal.SIGTERM, "kill -9": signal.SIGKILL}
COLUMNS = (
    "end",
    "viewers",
    "s without a server",
    "s from the end until all are back",
    "s from listening until all are back",
    "server's CPU s until then",
    "notifications sent",
    "lost",
    "out of order or twice",
    "gaps",
    "gaps in notifications",
)
NOTES = (
    "Every viewer comes back after the time that `retry` told it, with its Last-Event-ID, until it is greeted.",
    f"Notifications, which the disk keeps, are sent before the end and every {EVERY} s from the new beginning until all"
    " are back; each viewer must have each that was answered with success, once and in order. Lost: what each lacks of"
    " these, of all viewers together.",
    "Gaps: told to all viewers together. Of metrics each is told one, for no disk has them; of notifications none.",
)


class Back(msgspec.Struct):
    """Monotonic times at which the first and the last viewer were greeted."""

    first: float
    last: float


class Had(msgspec.Struct):
    """What the viewers were sent of the notifications: sums over all of them."""

    lost: int
    misplaced: int
    gaps: int
    gaps_kept: int


def run(counts: Sequence[int], command: Sequence[str]) -> None:
    """Measure a storm of each size after each kind of end, and print a row for each."""
    rows = []
    for count in counts:
        for name, number in ENDS.items():
            click.echo(f"{count} viewers, {name} …", err=True)
            rows.append([name, f"{count:,}", *storm(count, number)])
    table.show(COLUMNS, rows, command, (*NOTES, pinned()))


def storm(count: int, end: signal.Signals) -> list[str]:
    """End the server in front of `count` viewers, begin again, and return what a row has to tell of it."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder, port = Path(name), free_port()
        settings = fixed_settings(folder)
        stream = f"http://127.0.0.1:{port}/api/v1/events?types=metrics,notification&match=bench_*"
        client = [sys.executable, "-S", "-E", str(CLIENT), stream, str(count), str(machine.cores()[-1])]
        with serving(folder, settings, machine.cores()[0], port) as server:
            viewers = subprocess.Popen(client, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            _line(viewers, LONGEST)
            for number in range(BEFORE):
                _notify(server, number)
            time.sleep(1.0)
            os.kill(server.pid, end)
        with viewers:
            ended = time.monotonic()
            with serving(folder, settings, machine.cores()[0], port) as server:
                listening, number = time.monotonic(), BEFORE
                while (line := _line(viewers, EVERY)) is None:
                    _notify(server, number)
                    number += 1
                cpu = machine.cpu_seconds(server.pid)
                time.sleep(1.0)
                assert viewers.stdin is not None
                viewers.stdin.write(msgspec.json.encode(list(range(number))) + b"\n")
                viewers.stdin.flush()
                had = msgspec.json.decode(_line(viewers, LONGEST) or b"", type=Had)
                viewers.stdin.close()
        back = msgspec.json.decode(line, type=Back)
        times = (listening - ended, back.last - ended, back.last - listening, cpu)
        counts = (number, had.lost, had.misplaced, had.gaps, had.gaps_kept)
        return [*map(table.number, times), *(f"{each:,}" for each in counts)]


def _line(viewers: subprocess.Popen[bytes], seconds: float) -> bytes | None:
    """Return the viewers' next line; None when there is none in that time."""
    assert viewers.stdout is not None
    if not select.select([viewers.stdout], [], [], seconds)[0]:
        return None
    return viewers.stdout.readline()


def _notify(server: Server, number: int) -> None:
    """Post a notice; raise OSError unless that is answered with success."""
    body = json.dumps({"title": f"Notice {number}", "message": "Sent to measure with."}).encode()
    request = Request(f"{server.url}/api/v1/notifications", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=LONGEST) as answer:
        answer.read()
