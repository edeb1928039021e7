"""What this container may use and what it does use, by cgroup v2: its own numbers, not those of the host."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from dashboard.collectors import Family, Sample
from dashboard.collectors.procfs import PROC, SYS, pairs, read
from dashboard.config import Settings

CPU_LIMIT = Family("container_cpu_limit_cpus", "gauge", "cpus", "Cores that the container may use.")
CPU_UTILIZATION = Family(
    "container_cpu_utilization_ratio", "gauge", "ratio", "Share in use of the cores that the container may use."
)
CPU_THROTTLED = Family(
    "container_cpu_throttled_seconds_total",
    "counter",
    "seconds",
    "Time that the container was held back by its CPU limit.",
)
MEMORY_USAGE = Family(
    "container_memory_usage_bytes", "gauge", "bytes", "Memory in use, without file cache that can be given back."
)
MEMORY_LIMIT = Family("container_memory_limit_bytes", "gauge", "bytes", "Memory that the container may use.")
MEMORY_UTILIZATION = Family(
    "container_memory_utilization_ratio", "gauge", "ratio", "Share in use of the memory that the container may use."
)
OOM_KILLS = Family(
    "container_memory_oom_kills_total",
    "counter",
    "processes",
    "Processes killed because the container was out of memory.",
)
PIDS = Family("container_pids", "gauge", "processes", "Processes and threads in the container.")
PIDS_LIMIT = Family("container_pids_limit", "gauge", "processes", "Processes and threads that the container may have.")
FAMILIES = (
    *(CPU_LIMIT, CPU_UTILIZATION, CPU_THROTTLED),
    *(MEMORY_USAGE, MEMORY_LIMIT, MEMORY_UTILIZATION, OOM_KILLS),
    *(PIDS, PIDS_LIMIT),
)

SHORTEST = 0.05
"""Seconds between two readings of CPU time below which their difference says nothing."""


def create(settings: Settings) -> Cgroup | None:
    """Return None outside of containers and of limits."""
    return found(PROC, SYS, cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)


def found(proc: Path, sys: Path, cores: int, monotonic: Callable[[], float] = time.monotonic) -> Cgroup | None:
    """Return a collector of the cgroup that this process is in, or None if nothing limits it."""
    levels = _levels(proc, sys / "fs/cgroup")
    # Only the host's own root has no type: where the topmost one has, this is a container's view.
    contained = bool(levels) and (levels[-1] / "cgroup.type").exists()
    limited = any(_cpus(level) is not None or _number(level / "memory.max") is not None for level in levels)
    return Cgroup(levels, cores, monotonic) if contained or limited else None


def _levels(proc: Path, root: Path) -> list[Path]:
    """Return this process's cgroup and all above it that can be seen; none without cgroup v2."""
    try:
        lines = read(proc / "self/cgroup").splitlines()
    except OSError:
        return []
    path = next((line[3:] for line in lines if line.startswith("0::")), None)
    if path is None or not (root / "cgroup.controllers").exists():
        return []
    own = root / path.strip("/")
    if ".." in own.parts or not own.is_dir():
        return [root]  # the path is one of a namespace that is not ours
    return [own, *(level for level in own.parents if level.is_relative_to(root))]


def _text(path: Path) -> str | None:
    """Return a file's text; None where the controller is not switched on, or at the root."""
    try:
        return read(path)
    except OSError:
        return None


def _number(path: Path) -> int | None:
    text = (_text(path) or "").strip()
    return int(text) if text.isdigit() else None


def _cpus(level: Path) -> float | None:
    quota, _, period = (_text(level / "cpu.max") or "").partition(" ")
    return int(quota) / int(period) if quota.isdigit() else None


class Cgroup:
    """The least limit of all levels is the one that binds; use is told of the level that it binds."""

    name = "cgroup"
    interval = None
    families = FAMILIES

    def __init__(self, levels: Sequence[Path], cores: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._levels = levels
        self._cores = cores
        self._monotonic = monotonic
        self._last: tuple[Path, float, int] | None = None
        list(self._cpu())  # the first reading of the CPU time, against which the first sample is taken

    def collect(self) -> Iterator[Sample]:
        """Sample."""
        yield from self._cpu()
        yield from self._memory()
        yield from self._pids()

    def _binding(self, limit: Callable[[Path], float | None]) -> tuple[Path, float | None]:
        limits = [(found, level) for level in self._levels if (found := limit(level)) is not None]
        least, level = min(limits, key=lambda each: each[0], default=(None, self._levels[0]))
        return level, least

    def _cpu(self) -> Iterator[Sample]:
        level, limit = self._binding(_cpus)
        if limit is not None:
            yield Sample(CPU_LIMIT.name, round(limit, 4))
        stat = pairs(_text(level / "cpu.stat") or "")
        if "usage_usec" not in stat:
            return
        if "throttled_usec" in stat:
            yield Sample(CPU_THROTTLED.name, stat["throttled_usec"] / 1e6)
        last, self._last = self._last, (level, self._monotonic(), stat["usage_usec"])
        if last is None or last[0] != level:
            return
        passed, used = self._last[1] - last[1], (self._last[2] - last[2]) / 1e6
        if passed >= SHORTEST and used >= 0:
            yield Sample(CPU_UTILIZATION.name, round(used / passed / (limit or self._cores), 4))

    def _memory(self) -> Iterator[Sample]:
        level, limit = self._binding(lambda level: _number(level / "memory.max"))
        current = _number(level / "memory.current")
        if current is None:
            return
        usage = max(current - pairs(_text(level / "memory.stat") or "").get("inactive_file", 0), 0)
        yield Sample(MEMORY_USAGE.name, usage)
        if limit is not None:
            yield Sample(MEMORY_LIMIT.name, limit)
            if limit:
                yield Sample(MEMORY_UTILIZATION.name, round(usage / limit, 4))
        events = pairs(_text(self._levels[0] / "memory.events") or "")
        if "oom_kill" in events:
            yield Sample(OOM_KILLS.name, events["oom_kill"])

    def _pids(self) -> Iterator[Sample]:
        level, limit = self._binding(lambda level: _number(level / "pids.max"))
        current = _number(level / "pids.current")
        if current is not None:
            yield Sample(PIDS.name, current)
        if limit is not None:
            yield Sample(PIDS_LIMIT.name, limit)
