"""What a process costs, and what machine it runs on, as Linux tells it."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PACKAGES = ("quart", "hypercorn", "psutil", "msgspec")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process, user and kernel, in nanosecond steps.

    It is the process's CPU clock, which `/proc/PID/stat` rounds to 10 ms; the number of the clock is made as
    clock_getcpuclockid(3) makes it.
    """
    return time.clock_gettime((~pid << 3) | 2)


def main_thread_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process's first thread alone, as its scheduler counts it."""
    return int((PROC / str(pid) / "task" / str(pid) / "schedstat").read_text().split()[0]) / 1e9


def tree(root: int) -> list[int]:
    """Return `root` and all its living descendants."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, parent in _parents():
        children[parent].append(pid)
    found = [root]
    for pid in found:
        found.extend(children[pid])
    return found


def command_line(pid: int) -> str:
    """Return the command line of a process, with blanks between the arguments; empty when it is gone."""
    try:
        return (PROC / str(pid) / "cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def tree_cpu_seconds(root: int) -> float:
    """Return the CPU time of a process and its descendants, also of those that ended and were waited for."""
    total = 0.0
    for pid in tree(root):
        try:
            total += cpu_seconds(pid) + sum(map(int, _stat(pid)[13:15])) / TICKS
        except OSError:
            continue
    return total


def resident_bytes(pid: int) -> int:
    """Return the resident set of a process."""
    return _rollup(pid)["Rss"]


def tree_memory_bytes(root: int) -> tuple[int, int]:
    """Return RSS and PSS of a process and its descendants; PSS shares common pages among those who map them."""
    rss = pss = 0
    for pid in tree(root):
        try:
            sizes = _rollup(pid)
        except OSError:
            continue
        rss, pss = rss + sizes["Rss"], pss + sizes["Pss"]
    return rss, pss


def process_count() -> int:
    """Count the processes of this machine, its kernel threads with them."""
    return sum(1 for _ in _parents())


def cores() -> list[int]:
    """Return the cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def raise_file_limit() -> None:
    """Let this process, and those that it starts, have as many files open as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def facts() -> list[str]:
    """Describe the machine and what runs on it, a line each."""
    return [
        f"{_cpu_model()}, {len(cores())} cores, {platform.system()} {platform.release()}",
        f"Python {platform.python_version()}; " + ", ".join(_versions()),
        f"{process_count()} processes",
    ]


def _versions() -> Iterator[str]:
    for name in PACKAGES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue


def _cpu_model() -> str:
    for line in (PROC / "cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _parents() -> Iterator[tuple[int, int]]:
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                yield int(entry.name), int(_stat(int(entry.name))[1])
            except OSError:
                continue


def _stat(pid: int) -> list[str]:
    """Return the fields of `/proc/PID/stat` after the name, the state first."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _rollup(pid: int) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0]) * 1024
    return sizes
