"""Input and output of whole disks; their partitions are part of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import psutil

from dashboard.collectors import Family, Sample
from dashboard.collectors.noise import ignored
from dashboard.collectors.procfs import PROC, SYS, read
from dashboard.config import Settings

IO = Family("system_disk_io_bytes_total", "counter", "bytes", "Bytes read from and written to a disk.")
OPERATIONS = Family("system_disk_operations_total", "counter", "operations", "Reads and writes that a disk completed.")
IO_TIME = Family(
    "system_disk_io_time_seconds_total",
    "counter",
    "seconds",
    "Time in which a disk had anything to do; its rate is busy.",
)
FAMILIES = (IO, OPERATIONS, IO_TIME)

SECTOR = 512
"""Bytes in a sector as the kernel counts them, whatever the disk's own."""


class Disk(msgspec.Struct, frozen=True):
    """One disk's totals: operations and bytes, each as (read, write), and busy seconds where they are known."""

    device: str
    operations: tuple[int, int]
    size: tuple[int, int]
    busy: float | None


def create(settings: Settings) -> Disks:
    """Read `/proc/diskstats`, or ask psutil where there is none."""
    disks = partial(diskstats, PROC, SYS) if (PROC / "diskstats").exists() else elsewhere
    return Disks(disks, ignored(settings.ignore_disks))


def diskstats(proc: Path, sys: Path) -> Iterator[Disk]:
    """Read every block device that is no partition."""
    try:
        whole = {device.name.replace("!", "/") for device in (sys / "block").iterdir()}
    except OSError:
        whole = None
    for line in read(f"{proc}/diskstats").splitlines():
        fields = line.split()
        if whole is None or fields[2] in whole:
            reads, _, sectors_read, _, writes, _, sectors_written, _, _, busy = map(int, fields[3:13])
            yield Disk(fields[2], (reads, writes), (sectors_read * SECTOR, sectors_written * SECTOR), busy / 1000)


def elsewhere() -> Iterator[Disk]:
    """Ask psutil."""
    for device, io in (psutil.disk_io_counters(perdisk=True, nowrap=False) or {}).items():
        yield Disk(device, (io.read_count, io.write_count), (io.read_bytes, io.write_bytes), None)


class Disks:
    """A disk that never did anything (an empty reader, a spare loop) is noise too."""

    name = "disks"
    interval = None
    families = FAMILIES

    def __init__(self, disks: Callable[[], Iterator[Disk]], ignore: Callable[[str], bool]) -> None:
        self._disks = disks
        self._ignore = ignore

    def read(self) -> tuple[list[Disk], int]:
        """Return the disks that are no noise, and how many are left out."""
        every = list(self._disks())
        kept = [each for each in every if any(each.operations) and not self._ignore(each.device)]
        return kept, len(every) - len(kept)

    def collect(self) -> Iterator[Sample]:
        """Sample."""
        for disk in self.read()[0]:
            if disk.busy is not None:
                yield Sample(IO_TIME.name, disk.busy, {"device": disk.device})
            for index, direction in enumerate(("read", "write")):
                labels = {"device": disk.device, "direction": direction}
                yield Sample(IO.name, disk.size[index], labels)
                yield Sample(OPERATIONS.name, disk.operations[index], labels)
