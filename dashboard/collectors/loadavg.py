"""Load averages and uptime."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil

from dashboard.collectors import Family, Sample
from dashboard.collectors.procfs import PROC, read
from dashboard.config import Settings

LOADS = tuple(
    Family(f"system_load_{minutes}m", "gauge", "", f"Processes that run or wait to, averaged over {minutes} min.")
    for minutes in (1, 5, 15)
)
UPTIME = Family("system_uptime_seconds", "gauge", "seconds", "Time since the machine was started.")
FAMILIES = (*LOADS, UPTIME)


def create(settings: Settings) -> LoadAverage:
    """Read `/proc/uptime`, or reckon from psutil's boot time where there is none."""
    return LoadAverage(partial(uptime, PROC) if (PROC / "uptime").exists() else elsewhere)


def uptime(proc: Path) -> float:
    """Read the seconds since the start, which no setting of the clock changes."""
    return float(read(f"{proc}/uptime").split(None, 1)[0])


def elsewhere() -> float:
    """Reckon the seconds since the start."""
    return time.time() - float(psutil.boot_time())


class LoadAverage:
    """Systems without load averages give uptime alone."""

    name = "loadavg"
    interval = 5.0  # Linux reckons its averages anew every five seconds
    families = FAMILIES

    def __init__(self, uptime: Callable[[], float]) -> None:
        self._uptime = uptime

    def collect(self) -> Iterator[Sample]:
        """Sample."""
        yield Sample(UPTIME.name, round(self._uptime(), 1))
        if hasattr(os, "getloadavg"):
            for family, load in zip(LOADS, os.getloadavg(), strict=True):
                yield Sample(family.name, round(load, 2))
