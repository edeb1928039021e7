"""The top processes by CPU and by memory as rows, and what all take by name; they never become series."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import psutil

from dashboard.collectors import ProcessRow, Program
from dashboard.collectors.procfs import PROC, read
from dashboard.config import Settings
from dashboard.model import Family

FAMILIES: tuple[Family, ...] = ()

TOP = 10
"""Rows by CPU, and as many by memory where those are others."""

LONGEST_COMMAND = 256
"""Characters of a command line that are shown."""

LONGEST_COMM = 15
"""Characters of a name that the kernel keeps."""

RUNS_REMEMBERED = 15
"""Runs for which a process's user and its full name are remembered."""

SHORTEST = 0.1
"""Seconds between two rounds of readings below which their difference says nothing."""

STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "disk-sleep",
    "T": "stopped",
    "t": "tracing-stop",
    "Z": "zombie",
    "X": "dead",
    "I": "idle",
}


def create(settings: Settings) -> Processes | Elsewhere:
    """Read `/proc`, or ask psutil where there is none."""
    interval = max(2.0, settings.interval)
    if (PROC / "self/stat").exists():
        return Processes(PROC, interval, settings.show_command_lines)
    return Elsewhere(interval, settings.show_command_lines)


class Process(msgspec.Struct, frozen=True):
    """What one `stat` file says: CPU time and start in clock ticks, resident memory in pages; and when it said so."""

    at: float
    pid: int
    name: str
    state: str
    ticks: int
    threads: int
    start: int
    resident: int


def parse(at: float, pid: int, stat: bytes) -> Process:
    """Read a `stat` file that was read at this time since boot; the name in it may hold blanks and brackets."""
    begin, end = stat.index(b"("), stat.rindex(b")")
    fields = stat[end + 2 :].split(b" ", 22)
    return Process(
        at,
        pid,
        stat[begin + 1 : end].decode("utf-8", "replace"),
        fields[0].decode(),
        int(fields[11]) + int(fields[12]),
        int(fields[17]),
        int(fields[19]),
        int(fields[21]),
    )


class Processes:
    """Reads one small file of every process, and the rest of the top ones alone. The first reading is taken here."""

    name = "processes"
    families = FAMILIES

    def __init__(
        self,
        proc: Path,
        interval: float,
        show_command_lines: bool,
        since_boot: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        self.interval = interval
        self._proc = str(proc)
        self._show_command_lines = show_command_lines
        self._since_boot = since_boot
        self._hertz = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._users, self._names = Users(proc), Names(proc)
        self._runs = 0
        self._at = since_boot()
        self._last = {process.pid: process for process in self._all()}
        self._ended = since_boot()

    def collect(self) -> Iterator[ProcessRow | Program]:
        """Give the top processes, then all by name; CPU is that of the time since the last collection."""
        self._refresh()
        last, before = self._last, self._at
        now = self._since_boot()
        if now - self._ended < SHORTEST:
            return
        processes = list(self._all())
        self._at, self._last, self._ended = now, {process.pid: process for process in processes}, self._since_boot()
        spent = [(self._cpu_ratio(process, last.get(process.pid), before), process) for process in processes]
        busiest = sorted((each for each in spent if each[0]), key=lambda each: each[0], reverse=True)[:TOP]
        largest = sorted(spent, key=lambda each: each[1].resident, reverse=True)[:TOP]
        chosen = {process.pid: (cpu_ratio, process) for cpu_ratio, process in (*busiest, *largest)}
        for cpu_ratio, process in chosen.values():
            row = self._row(process, cpu_ratio)
            if row is not None:
                yield row
        # Only a process that took something counts: kernel threads are many, and sleep.
        took = ((self._names.of(each), ratio, each.resident) for ratio, each in spent if ratio or each.resident)
        yield from programs(took, self._page)

    def _refresh(self) -> None:
        """Forget now and then: a daemon gives up its rights after its start."""
        self._runs = (self._runs + 1) % RUNS_REMEMBERED
        if not self._runs:
            self._users.forget()
            self._names.forget()

    def _cpu_ratio(self, process: Process, last: Process | None, before: float) -> float:
        """Divide by the time between the two readings of this one: on a busy machine a round takes a while."""
        if last is not None and last.start == process.start:
            return max(process.ticks - last.ticks, 0) / self._hertz / (process.at - last.at)
        # One that was not there last time has spent all its time since, unless it was only hidden.
        began_since = process.start >= before * self._hertz - 1
        return process.ticks / self._hertz / (process.at - before) if began_since else 0.0

    def _all(self) -> Iterator[Process]:
        for entry in os.listdir(self._proc):
            if not entry.isdigit():
                continue
            try:
                file = os.open(f"{self._proc}/{entry}/stat", os.O_RDONLY)
                try:
                    stat = os.read(file, 1024)
                finally:
                    os.close(file)
            except OSError:
                continue  # it ended just now, or is not ours to see
            yield parse(self._since_boot(), int(entry), stat)

    def _row(self, process: Process, cpu_ratio: float) -> ProcessRow | None:
        command = None
        try:
            user = self._users.of(process)
            if self._show_command_lines:
                command = _shown(" ".join(arguments(self._proc, process.pid)))
        except OSError:
            return None
        return ProcessRow(
            process.pid,
            self._names.of(process),
            user,
            round(cpu_ratio, 4),
            process.resident * self._page,
            process.threads,
            STATES.get(process.state, process.state),
            command,
        )


class Users:
    """Knows whose processes are; remembers it for a while, for it is the dearest thing to read of a process."""

    def __init__(self, proc: Path) -> None:
        self._proc = proc
        self._names: dict[int, str] = {}
        self._of: dict[tuple[int, int], str] = {}

    def forget(self) -> None:
        """Read all anew."""
        self._of.clear()

    def of(self, process: Process) -> str:
        """Return the name of the effective user, its number where it has none; raise OSError if the process ended."""
        key = (process.pid, process.start)
        if key not in self._of:
            status = read(f"{self._proc}/{process.pid}/status")
            begin = status.index("\nUid:") + 5
            self._of[key] = self._name(int(status[begin : begin + 64].split(None, 2)[1]))
        return self._of[key]

    def _name(self, uid: int) -> str:
        if uid not in self._names:
            try:
                self._names[uid] = pwd.getpwuid(uid).pw_name
            except KeyError:
                self._names[uid] = str(uid)
        return self._names[uid]


class Names:
    """Knows the full names of processes; remembers for a while those that the kernel cut."""

    def __init__(self, proc: Path) -> None:
        self._proc = str(proc)
        self._of: dict[tuple[int, int], str] = {}

    def forget(self) -> None:
        """Read all anew."""
        self._of.clear()

    def of(self, process: Process) -> str:
        """Return the name of a process, as far as it is known when the process has ended."""
        name = process.name
        if len(name) != LONGEST_COMM or not process.resident:  # those of the kernel have no arguments
            return name
        key = (process.pid, process.start)
        if key not in self._of:
            try:
                full = arguments(self._proc, process.pid)[0].split(" ", 1)[0].rpartition("/")[2]
            except OSError:
                return name
            self._of[key] = full if full.startswith(name) else name
        return self._of[key]


def arguments(proc: str, pid: int) -> list[str]:
    """Return the arguments of a process, its own name first; raise OSError if it ended."""
    return read(f"{proc}/{pid}/cmdline").rstrip("\0").split("\0")


def programs(found: Iterable[tuple[str, float, int]], size: int = 1) -> Iterator[Program]:
    """Add up by name: of each process the name, its share of a core, its memory in pieces of `size` bytes."""
    sums: dict[str, list[float]] = {}  # CPU, memory, and how many there are
    for name, cpu, resident in found:
        sum = sums.get(name)
        if sum is None:
            sums[name] = [cpu, resident, 1]
        else:
            sum[0] += cpu
            sum[1] += resident
            sum[2] += 1
    for name, (taken, held, count) in sums.items():
        yield Program(name, round(taken, 4), int(held) * size, int(count))


def _shown(command: str) -> str | None:
    printable = command.encode("utf-8", "replace").decode()
    return printable[:LONGEST_COMMAND] or None


class Elsewhere:
    """Asks psutil, which is slower but knows every system."""

    name = "processes"
    families = FAMILIES

    def __init__(self, interval: float, show_command_lines: bool) -> None:
        self.interval = interval
        self._attributes = ["name", "username", "cpu_percent", "memory_info", "num_threads", "status"]
        self._attributes += ["cmdline"] if show_command_lines else []
        list(psutil.process_iter(self._attributes))  # its first reading, which psutil keeps

    def collect(self) -> Iterator[ProcessRow | Program]:
        """Give the top processes, then all by name; what may not be read of one is left at nothing."""
        rows = [self._row(process.pid, process.info) for process in psutil.process_iter(self._attributes)]
        busiest = sorted((row for row in rows if row.cpu_ratio), key=lambda row: row.cpu_ratio, reverse=True)[:TOP]
        largest = sorted(rows, key=lambda row: row.resident_bytes, reverse=True)[:TOP]
        yield from {row.pid: row for row in (*busiest, *largest)}.values()
        yield from programs(
            (row.name, row.cpu_ratio, row.resident_bytes) for row in rows if row.cpu_ratio or row.resident_bytes
        )

    def _row(self, pid: int, info: dict[str, object]) -> ProcessRow:
        memory, command = info["memory_info"], info.get("cmdline")
        return ProcessRow(
            pid,
            str(info["name"] or ""),
            str(info["username"] or ""),
            round(float(str(info["cpu_percent"] or 0)) / 100, 4),
            int(getattr(memory, "rss", 0)),
            int(str(info["num_threads"] or 0)),
            str(info["status"] or ""),
            _shown(" ".join(map(str, command))) if isinstance(command, list) else None,
        )
