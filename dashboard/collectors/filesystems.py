"""File systems: space and inodes, by mount."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import psutil

from dashboard.collectors import CollectorError, Family, Sample
from dashboard.collectors.noise import HIDDEN, hidden, ignored
from dashboard.collectors.procfs import PROC, read
from dashboard.config import Settings

USAGE = Family("system_filesystem_usage_bytes", "gauge", "bytes", "Space by state; reserved is for the superuser.")
UTILIZATION = Family(
    "system_filesystem_utilization_ratio",
    "gauge",
    "ratio",
    "Share in use of the space that users can have, as df tells it.",
)
INODES = Family("system_filesystem_inodes", "gauge", "inodes", "Inodes by state.")
INODES_UTILIZATION = Family(
    "system_filesystem_inodes_utilization_ratio", "gauge", "ratio", "Share of the inodes in use."
)
FAMILIES = (USAGE, UTILIZATION, INODES, INODES_UTILIZATION, HIDDEN)

PATIENCE = 1.0
"""Seconds in which a mount must answer."""

UNSTORED = frozenset(
    (
        *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "efivarfs", "fusectl"),
        *("hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs"),
    )
)
"""Types that store nothing: interfaces of the kernel, which nobody misses. Asking autofs would mount what it guards."""

_OCTAL = re.compile(r"\\([0-7]{3})")


class Mount(msgspec.Struct, frozen=True):
    """One mount; `volume` is the same for all mounts of one device, `whole` is true if it shows that from its root."""

    mountpoint: str
    device: str
    type: str
    volume: str
    whole: bool = True

    @property
    def labels(self) -> dict[str, str]:
        """Return what tells its series from others'."""
        return {"mountpoint": self.mountpoint, "device": self.device, "type": self.type}


def create(settings: Settings) -> Filesystems:
    """Read `/proc/self/mountinfo`, or ask psutil where there is none."""
    mounts = partial(mountinfo, PROC) if (PROC / "self/mountinfo").exists() else elsewhere
    return Filesystems(mounts, noise(settings), interval=max(5.0, settings.interval))


def noise(settings: Settings) -> Callable[[Mount], bool]:
    """Return a test whether a mount is left out; `/` never is, whatever it lies on."""
    ignored_type, ignored_mount = ignored(settings.ignore_filesystems), ignored(settings.ignore_mounts)
    return lambda mount: mount.mountpoint != "/" and (ignored_type(mount.type) or ignored_mount(mount.mountpoint))


def mountinfo(proc: Path) -> Iterator[Mount]:
    """Read every mount that this process sees."""
    for line in read(f"{proc}/self/mountinfo").splitlines():
        mounted, _, source = line.partition(" - ")
        _, _, volume, root, mountpoint, *_ = mounted.split(" ")
        kind, device, *_ = source.split(" ")
        yield Mount(_unescaped(mountpoint), _unescaped(device), kind, volume, root == "/")


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text) if "\\" in text else text


def elsewhere() -> Iterator[Mount]:
    """Ask psutil for what holds files of this machine's devices."""
    for partition in psutil.disk_partitions(all=False):
        yield Mount(partition.mountpoint, partition.device, partition.fstype, partition.device)


def distinct(mounts: Iterable[Mount]) -> list[Mount]:
    """Keep one mount of each device: the one that shows it whole, of those the one with the shortest path."""
    visible = {mount.mountpoint: mount for mount in mounts}  # a later mount at the same place covers the earlier
    best: dict[str, Mount] = {}
    for mount in visible.values():
        other = best.setdefault(mount.volume, mount)
        if (not mount.whole, len(mount.mountpoint)) < (not other.whole, len(other.mountpoint)):
            best[mount.volume] = mount
    return sorted(best.values(), key=lambda mount: mount.mountpoint)


class Question(threading.Thread):
    """Asks one mount; a daemon, for a dead server's mount may keep it for ever."""

    def __init__(self, mount: Mount, statvfs: Callable[[str], os.statvfs_result]) -> None:
        super().__init__(name=f"collect-{mount.mountpoint}", daemon=True)
        self.mount = mount
        self.answer: os.statvfs_result | None = None
        self.error: OSError | None = None
        self._statvfs = statvfs

    def run(self) -> None:
        """Wait for the answer."""
        try:
            self.answer = self._statvfs(self.mount.mountpoint)
        except OSError as error:
            self.error = error


class Filesystems:
    """Asks all mounts side by side; one that does not answer is named, left out, and not asked again until it has."""

    name = "filesystems"
    families = FAMILIES
    may_block = True

    def __init__(
        self,
        mounts: Callable[[], Iterable[Mount]],
        ignore: Callable[[Mount], bool],
        interval: float,
        statvfs: Callable[[str], os.statvfs_result] = os.statvfs,
        patience: float = PATIENCE,
    ) -> None:
        self.interval = interval
        self._mounts = mounts
        self._ignore = ignore
        self._statvfs = statvfs
        self._patience = patience
        self._stuck: dict[str, Question] = {}

    def collect(self) -> Iterator[Sample]:
        """Sample; at the end raise CollectorError with the mounts that did not answer."""
        stored = [mount for mount in self._mounts() if mount.type not in UNSTORED]
        kept = [mount for mount in stored if not self._ignore(mount)]
        yield hidden(self.name, len(stored) - len(kept))
        faults = []
        for question in self._ask(distinct(kept)):
            if question.answer is not None:
                yield from _samples(question.mount, question.answer)
            elif not isinstance(question.error, (PermissionError, FileNotFoundError)):
                reason = question.error.strerror if question.error is not None else "does not answer"
                faults.append(f"{question.mount.mountpoint} ({question.mount.type}): {reason}")
        if faults:
            raise CollectorError("; ".join(faults))

    def _ask(self, mounts: list[Mount]) -> list[Question]:
        self._stuck = {mountpoint: stuck for mountpoint, stuck in self._stuck.items() if stuck.is_alive()}
        fresh = [Question(mount, self._statvfs) for mount in mounts if mount.mountpoint not in self._stuck]
        for question in fresh:
            question.start()
        patience = self._patience
        for question in fresh:
            question.join(patience)
            if question.is_alive():
                self._stuck[question.mount.mountpoint] = question
                patience = 0.0  # the others had as long
        stuck = [self._stuck[mount.mountpoint] for mount in mounts if mount.mountpoint in self._stuck]
        return sorted({*fresh, *stuck}, key=lambda question: question.mount.mountpoint)


def _samples(mount: Mount, answer: os.statvfs_result) -> Iterator[Sample]:
    if not answer.f_blocks:
        return
    used, size = answer.f_blocks - answer.f_bfree, answer.f_frsize
    free, reserved = answer.f_bavail, max(answer.f_bfree - answer.f_bavail, 0)
    for state, blocks in (("used", used), ("free", free), ("reserved", reserved)):
        yield Sample(USAGE.name, blocks * size, {**mount.labels, "state": state})
    if used + free:
        yield Sample(UTILIZATION.name, round(used / (used + free), 4), mount.labels)
    if answer.f_files:
        inodes = answer.f_files - answer.f_ffree
        yield Sample(INODES_UTILIZATION.name, round(inodes / answer.f_files, 4), mount.labels)
        for state, count in (("used", inodes), ("free", answer.f_ffree)):
            yield Sample(INODES.name, count, {**mount.labels, "state": state})
