"""Memory and swap by state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import psutil

from dashboard.collectors import Family, Sample
from dashboard.collectors.procfs import PROC, pairs, read
from dashboard.config import Settings

USAGE = Family("system_memory_usage_bytes", "gauge", "bytes", "Memory by state; the states add up to the limit.")
LIMIT = Family("system_memory_limit_bytes", "gauge", "bytes", "Memory that the machine has.")
UTILIZATION = Family(
    "system_memory_utilization_ratio", "gauge", "ratio", "Share of the memory that programs cannot be given."
)
AVAILABLE = Family(
    "system_memory_available_bytes", "gauge", "bytes", "Memory that programs can still be given without swapping."
)
SWAP_USAGE = Family("system_swap_usage_bytes", "gauge", "bytes", "Swap space by state.")
SWAP_UTILIZATION = Family("system_swap_utilization_ratio", "gauge", "ratio", "Share of the swap space in use.")
SWAP_IO = Family("system_swap_io_bytes_total", "counter", "bytes", "Memory moved from and to swap space.")
FAMILIES = (USAGE, LIMIT, UTILIZATION, AVAILABLE, SWAP_USAGE, SWAP_UTILIZATION, SWAP_IO)


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """One reading, in bytes; `swapped` is what was moved in and out since the start, where that is known."""

    total: int
    available: int
    states: dict[str, int]
    swap_total: int
    swap_states: dict[str, int]
    swapped: tuple[int, int] | None


def create(settings: Settings) -> MemoryCollector:
    """Read `/proc/meminfo`, or ask psutil where there is none."""
    return MemoryCollector(partial(meminfo, PROC) if (PROC / "meminfo").exists() else elsewhere)


def meminfo(proc: Path) -> Memory:
    """Read Linux's own account."""
    kib = pairs(read(f"{proc}/meminfo"))
    total, free, buffers = kib["MemTotal"], kib["MemFree"], kib["Buffers"]
    # Shared memory is counted as cached, but it cannot be given back.
    cached = max(kib["Cached"] + kib.get("SReclaimable", 0) - kib.get("Shmem", 0), 0)
    swap_total, swap_free, swap_cached = kib.get("SwapTotal", 0), kib.get("SwapFree", 0), kib.get("SwapCached", 0)
    states = {"used": max(total - free - buffers - cached, 0), "free": free, "cached": cached, "buffers": buffers}
    swap = {"used": max(swap_total - swap_free - swap_cached, 0), "free": swap_free, "cached": swap_cached}
    return Memory(
        total=total * 1024,
        available=kib.get("MemAvailable", free + buffers + cached) * 1024,
        states={state: size * 1024 for state, size in states.items()},
        swap_total=swap_total * 1024,
        swap_states={state: size * 1024 for state, size in swap.items()},
        swapped=_swapped(proc) if swap_total else None,
    )


def _swapped(proc: Path) -> tuple[int, int] | None:
    try:
        pages = pairs(read(f"{proc}/vmstat"))
    except OSError:
        return None
    size = os.sysconf("SC_PAGE_SIZE")
    return pages.get("pswpin", 0) * size, pages.get("pswpout", 0) * size


def elsewhere() -> Memory:
    """Ask psutil; what is cached is what is available beyond the free."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    available = max(memory.available, memory.free)
    return Memory(
        total=memory.total,
        available=available,
        states={"used": memory.total - available, "free": memory.free, "cached": available - memory.free},
        swap_total=swap.total,
        swap_states={"used": swap.used, "free": swap.free},
        swapped=(swap.sin, swap.sout),
    )


class MemoryCollector:
    """Swap that is not there gives nothing."""

    name = "memory"
    interval = None
    families = FAMILIES

    def __init__(self, memory: Callable[[], Memory]) -> None:
        self._memory = memory

    def collect(self) -> Iterator[Sample]:
        """Sample."""
        memory = self._memory()
        yield Sample(LIMIT.name, memory.total)
        yield Sample(AVAILABLE.name, memory.available)
        yield Sample(UTILIZATION.name, round(1 - memory.available / memory.total, 4))
        for state, size in memory.states.items():
            yield Sample(USAGE.name, size, {"state": state})
        if not memory.swap_total:
            return
        yield Sample(SWAP_UTILIZATION.name, round(memory.swap_states["used"] / memory.swap_total, 4))
        for state, size in memory.swap_states.items():
            yield Sample(SWAP_USAGE.name, size, {"state": state})
        if memory.swapped is not None:
            for direction, size in zip(("in", "out"), memory.swapped, strict=True):
                yield Sample(SWAP_IO.name, size, {"direction": direction})
