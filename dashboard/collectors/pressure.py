"""Pressure: how long work had to wait for a resource (Linux's PSI)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from dashboard.collectors import Family, Sample
from dashboard.collectors.procfs import PROC, read
from dashboard.config import Settings

RATIO = Family(
    "system_pressure_stall_ratio",
    "gauge",
    "ratio",
    "Share of the last 10 s in which some or all work waited for a resource.",
)
SECONDS = Family(
    "system_pressure_stall_seconds_total", "counter", "seconds", "Time in which some or all work waited for a resource."
)
FAMILIES = (RATIO, SECONDS)

RESOURCES = ("cpu", "memory", "io")

RECKONED = 2.0
"""Seconds after which the kernel reckons the averages anew."""


def create(settings: Settings) -> Pressure | None:
    """Return None where the kernel does not tell."""
    return found(PROC, max(RECKONED, settings.interval))


def found(proc: Path, interval: float = RECKONED) -> Pressure | None:
    """Return a collector of what can be read below `proc`, None if nothing can."""
    paths = [(resource, proc / "pressure" / resource) for resource in RESOURCES]
    readable = [(resource, path) for resource, path in paths if _readable(path)]
    return Pressure(readable, interval) if readable else None


def _readable(path: Path) -> bool:
    # Where PSI is switched off at boot the files are there, but reading them fails.
    try:
        return bool(read(path))
    except OSError:
        return False


class Pressure:
    """Reads one file for each resource."""

    name = "pressure"
    families = FAMILIES

    def __init__(self, paths: Sequence[tuple[str, Path]], interval: float) -> None:
        self._paths, self.interval = paths, interval

    def collect(self) -> Iterator[Sample]:
        """Sample."""
        for resource, path in self._paths:
            for line in read(path).splitlines():
                kind, *fields = line.split()
                if (resource, kind) == ("cpu", "full"):
                    continue  # the kernel prints zeros: of a whole machine there is no such thing
                values = dict(field.split("=", 1) for field in fields)
                labels = {"resource": resource, "kind": kind}
                yield Sample(RATIO.name, round(float(values["avg10"]) / 100, 4), labels)
                yield Sample(SECONDS.name, int(values["total"]) / 1e6, labels)
