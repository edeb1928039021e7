"""What the whole program costs with all collectors and a few viewers, beside an idle Netdata."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import msgspec

from bench import feed, machine, netdata, table
from bench.server import ITSELF, serving
from bench.viewers import watching
from checks.machine import PROGRAMS

WARM_SECONDS = 10.0
COLUMNS = ("program", "CPU, % of a core", "each window", "RSS MB", "PSS MB", "processes")


class Window(msgspec.Struct, frozen=True):
    """One program over one window."""

    cpu_ratio: float
    rss: int
    pss: int
    processes: int


def run(viewers: int, seconds: float, windows: int, command: Sequence[str]) -> None:
    """Measure both programs over the same windows and print the medians and their ratio."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        pids = {}
        ours = f"dashboard, all collectors at 1 s, {viewers} viewers of the overview"
        pids[ours] = stack.enter_context(_dashboard(folder / "dashboard", viewers))
        notes = ["CPU and memory are those of the program with all its child processes; medians of the windows."]
        program = PROGRAMS["netdata"].find()
        if program is None:
            notes.append(f"Netdata is missing; this brings it: {PROGRAMS['netdata'].mend}")
        else:
            theirs = f"{_version(program)} as packaged, idle"
            pids[theirs] = stack.enter_context(netdata.idling(program, folder / "netdata"))
        time.sleep(min(WARM_SECONDS, 2 * seconds))
        measured: dict[str, list[Window]] = {name: [] for name in pids}
        for index in range(windows):
            click.echo(f"window {index + 1} of {windows} …", err=True)
            for name, window in _windows(pids, seconds):
                measured[name].append(window)
    rows = [_row(name, each) for name, each in measured.items()]
    if len(measured) == 2:
        rows.append(_ratio(*measured.values()))
    notes.append(f"{windows} windows of {seconds:g} s, the same for both.")
    table.show(COLUMNS, rows, command, notes)


@contextmanager
def _dashboard(folder: Path, viewers: int) -> Iterator[int]:
    """Serve with every collector at one second and with viewers; enter with the server's process id."""
    folder.mkdir()
    with serving(folder) as server:
        names = [*server.collectors(), ITSELF]
    settings = "".join(f'[[collector]]\nname = "{name}"\ninterval = 1.0\n' for name in names)
    with serving(folder, settings) as server, watching(feed.overview(server), viewers):
        yield server.pid


def _windows(pids: dict[str, int], seconds: float) -> Iterator[tuple[str, Window]]:
    start = time.monotonic()
    before = {name: machine.tree_cpu_seconds(pid) for name, pid in pids.items()}
    time.sleep(seconds)
    for name, pid in pids.items():
        cpu = machine.tree_cpu_seconds(pid) - before[name]
        rss, pss = machine.tree_memory_bytes(pid)
        yield name, Window(cpu / (time.monotonic() - start), rss, pss, len(machine.tree(pid)))


def _row(name: str, windows: list[Window]) -> list[str]:
    return [
        name,
        f"{100 * _cpu(windows):.2f}",
        " ".join(f"{100 * each.cpu_ratio:.2f}" for each in windows),
        f"{_rss(windows) / 1e6:.1f}",
        f"{_pss(windows) / 1e6:.1f}",
        str(windows[-1].processes),
    ]


def _ratio(ours: list[Window], theirs: list[Window]) -> list[str]:
    parts = [f"{measure(ours) / measure(theirs):.2f}" for measure in (_cpu, _rss, _pss)]
    return ["ratio, ours ÷ theirs", parts[0], "", parts[1], parts[2], ""]


def _cpu(windows: list[Window]) -> float:
    return statistics.median(each.cpu_ratio for each in windows)


def _rss(windows: list[Window]) -> float:
    return statistics.median(each.rss for each in windows)


def _pss(windows: list[Window]) -> float:
    return statistics.median(each.pss for each in windows)


def _version(program: Path) -> str:
    answer = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=10, check=True)
    return " ".join(answer.stdout.split()).replace("netdata", "Netdata")
