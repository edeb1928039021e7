"""CPU: how busy, per core, in total and by mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import psutil

from dashboard.collectors import Family, Sample
from dashboard.collectors.procfs import PROC, read
from dashboard.config import Settings

UTILIZATION = Family("system_cpu_utilization_ratio", "gauge", "ratio", "Share of the interval that a core was busy.")
TOTAL = Family("system_cpu_total_utilization_ratio", "gauge", "ratio", "Share of all cores' time that they were busy.")
MODE = Family(
    "system_cpu_mode_ratio",
    "gauge",
    "ratio",
    "Share of the time of all cores by mode; what is missing to 1 is idle.",
)
CPUS = Family("system_cpus", "gauge", "cpus", "Logical cores that are online.")
FAMILIES = (UTILIZATION, TOTAL, MODE, CPUS)

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
FEWEST_SECONDS = 0.05

Times = Mapping[str, tuple[float, ...]]
"""Seconds of each of MODES since the start, by core."""


def create(settings: Settings) -> Cpu:
    """Read `/proc/stat`, or ask psutil where there is none."""
    return Cpu(partial(stat, PROC) if (PROC / "stat").exists() else elsewhere)


def stat(proc: Path) -> Times:
    """Read every core's times; guests are left out, for user time has them in it."""
    times = {}
    for line in read(f"{proc}/stat").split("\nintr", 1)[0].splitlines()[1:]:
        core, *ticks = line.split()
        times[core[3:]] = tuple([int(tick) / 100 for tick in ticks[: len(MODES)]])
    return times


def elsewhere() -> Times:
    """Read every core's times from psutil, which does not know all modes everywhere."""
    cores = psutil.cpu_times(percpu=True)
    return {str(core): tuple(getattr(times, mode, 0.0) for mode in MODES) for core, times in enumerate(cores)}


class Cpu:
    """Takes ratios from the differences of two readings; the first reading is taken here."""

    name = "cpu"
    interval = None
    families = FAMILIES

    def __init__(self, times: Callable[[], Times]) -> None:
        self._times = times
        self._last = times()

    def collect(self) -> Iterator[Sample]:
        """Sample; a core that was not there before, or whose time went back, gives nothing yet."""
        last, now = self._last, self._times()
        self._last = now
        sums = [0.0] * len(MODES)
        yield Sample(CPUS.name, len(now))
        for core, times in now.items():
            # The kernel lets iowait fall by a tick now and then: no reason to lose the whole reading.
            spent = [max(after - before, 0.0) for after, before in zip(times, last.get(core, times), strict=True)]
            total = sum(spent)
            if total < FEWEST_SECONDS or times[0] < last[core][0] or times[3] < last[core][3]:
                continue
            yield Sample(UTILIZATION.name, round(1 - (spent[3] + spent[4]) / total, 3), {"cpu": core})  # of 100 ticks
            sums = [summed + each for summed, each in zip(sums, spent, strict=True)]
        total = sum(sums)
        if total:
            yield Sample(TOTAL.name, round(1 - (sums[3] + sums[4]) / total, 4))
            ever = [any(times) for times in zip(*now.values(), strict=True)]
            for mode, seconds, known in zip(MODES, sums, ever, strict=True):
                # Of some modes a machine never tells: nothing is stolen from real ones, few kernels account for irq.
                if known and mode != "idle":
                    yield Sample(MODE.name, round(seconds / total, 4), {"mode": mode})
