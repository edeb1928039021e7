"""File systems: recorded mounts, and mounts that do not answer."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable
from functools import partial

import pytest

from dashboard.collectors import CollectorError, Sample
from dashboard.collectors.filesystems import (
    Filesystems,
    Mount,
    Question,
    create,
    distinct,
    elsewhere,
    mountinfo,
    noise,
)
from dashboard.config import Settings
from tests.collectors.stage import RECORDED, sampled

ANSWER = os.statvfs_result((4096, 1024, 1000, 400, 300, 200, 150, 150, 0, 255))
"""1,000 blocks of 1 KiB: 600 used, 300 free, 100 reserved; 200 inodes, 50 used."""


DEADLINE = 20.0


class Server:
    """Answers `statvfs`, but for the mounts that hang or fail."""

    def __init__(self) -> None:
        self.hanging: set[str] = set()
        self.errors: dict[str, int] = {}
        self.asked: list[str] = []
        self._back = threading.Event()

    def statvfs(self, path: str) -> os.statvfs_result:
        self.asked.append(path)
        if path in self.errors:
            raise OSError(self.errors[path], os.strerror(self.errors[path]))
        if path in self.hanging:
            self._back.wait()
        return ANSWER

    def come_back(self) -> None:
        self.hanging.clear()
        self._back.set()


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for whoever answers however long a busy machine takes; patience is for those that hang."""

    def join(question: Question, timeout: float | None = None) -> None:
        server = getattr(question._statvfs, "__self__", None)
        hangs = isinstance(server, Server) and question.mount.mountpoint in server.hanging
        threading.Thread.join(question, timeout if hangs else DEADLINE)

    monkeypatch.setattr(Question, "join", join)


def filesystems(server: Server, *mounts: Mount, patience: float = 0.05) -> Filesystems:
    return Filesystems(lambda: mounts, lambda mount: False, 5, server.statvfs, patience)


def mount(mountpoint: str) -> Mount:
    return Mount(mountpoint, f"/dev{mountpoint}", "ext4", f"8:{mountpoint}")


def partial_result(collector: Filesystems) -> tuple[set[str], str]:
    """Collect from one that fails; return the mount points that were sampled, and the failure."""
    samples: list[Sample] = []
    with pytest.raises(CollectorError) as failure:
        samples.extend(collector.collect())  # what was given before it raised is kept by extend
    return {sample.labels["mountpoint"] for sample in samples if "mountpoint" in sample.labels}, str(failure.value)


def test_recorded_mounts() -> None:
    """Bind mounts and covered ones are left out, kernel interfaces never asked, noise counted."""
    server = Server()
    collector = Filesystems(partial(mountinfo, RECORDED / "proc"), noise(Settings()), 5, server.statvfs)
    samples = sampled(collector)
    assert sorted(server.asked) == ["/", "/home", "/media/disk", "/mnt/nas box"]
    assert 'system_filesystem_utilization_ratio{device="/dev/sdc1",mountpoint="/media/disk",type="exfat"}' in samples
    assert 'system_filesystem_utilization_ratio{device="nas:/export",mountpoint="/mnt/nas box",type="nfs4"}' in samples
    assert samples['dashboard_collector_hidden_devices{collector="filesystems"}'] == 3


def test_space_and_inodes() -> None:
    samples = sampled(filesystems(Server(), mount("/")))
    labels = 'device="/dev/",mountpoint="/"'
    assert samples == {
        'dashboard_collector_hidden_devices{collector="filesystems"}': 0,
        f'system_filesystem_usage_bytes{{{labels},state="used",type="ext4"}}': 600 * 1024,
        f'system_filesystem_usage_bytes{{{labels},state="free",type="ext4"}}': 300 * 1024,
        f'system_filesystem_usage_bytes{{{labels},state="reserved",type="ext4"}}': 100 * 1024,
        f'system_filesystem_utilization_ratio{{{labels},type="ext4"}}': 0.6667,
        f'system_filesystem_inodes{{{labels},state="used",type="ext4"}}': 50,
        f'system_filesystem_inodes{{{labels},state="free",type="ext4"}}': 150,
        f'system_filesystem_inodes_utilization_ratio{{{labels},type="ext4"}}': 0.25,
    }


def test_overlay_is_shown_at_the_root_alone() -> None:
    ignore = noise(Settings())
    assert not ignore(Mount("/", "overlay", "overlay", "0:50"))
    assert ignore(Mount("/var/lib/docker/overlay2/x/merged", "overlay", "overlay", "0:51"))


def test_one_mount_of_a_device_is_shown() -> None:
    def seen(*mounts: Mount) -> list[str]:
        return [each.mountpoint for each in distinct(mounts)]

    part = Mount("/a", "/dev/x", "xfs", "8:1", whole=False)
    assert seen(part, Mount("/long/path", "/dev/x", "xfs", "8:1")) == ["/long/path"]
    assert seen(part, Mount("/b/c", "/dev/x", "xfs", "8:1", whole=False)) == ["/a"]


def test_mount_that_hangs_stops_no_other() -> None:
    """It is named, the others are sampled; it is not asked again before it has answered, then it is back."""
    server = Server()
    server.hanging = {"/nas"}
    collector = filesystems(server, mount("/"), mount("/nas"), mount("/z"))
    for _ in range(5):
        assert partial_result(collector) == ({"/", "/z"}, "/nas (ext4): does not answer")
    assert server.asked.count("/nas") == 1
    assert server.asked.count("/z") == 5
    server.come_back()
    for thread in threading.enumerate():
        if thread.name == "collect-/nas":
            thread.join()
    assert len([name for name in sampled(collector) if 'mountpoint="/nas"' in name]) == 7


def test_many_mounts_that_hang_cost_the_time_of_one() -> None:
    server = Server()
    server.hanging = {f"/nas{n}" for n in range(30)}
    collector = filesystems(server, mount("/"), *(mount(path) for path in sorted(server.hanging)), patience=0.2)
    before = {*threading.enumerate()}  # of which some may end meanwhile
    shown, message = partial_result(collector)
    assert shown == {"/"}
    assert message.count("does not answer") == 30
    partial_result(collector)
    assert len({*threading.enumerate()} - before) == 30
    server.come_back()


def test_mount_that_fails_is_named() -> None:
    server = Server()
    server.errors = {"/nas": errno.ESTALE}
    shown, message = partial_result(filesystems(server, mount("/"), mount("/nas")))
    assert shown == {"/"}
    assert message == f"/nas (ext4): {os.strerror(errno.ESTALE)}"


@pytest.mark.parametrize("error", [errno.EACCES, errno.ENOENT])
def test_mount_that_is_not_ours_or_just_gone_is_silently_absent(error: int) -> None:
    server = Server()
    server.errors = {"/private": error}
    assert not [name for name in sampled(filesystems(server, mount("/"), mount("/private"))) if "private" in name]


def test_mount_without_room_of_its_own_is_absent() -> None:
    nothing = os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, 0, 255))
    collector = Filesystems(lambda: [mount("/fuse")], lambda mount: False, 5, lambda path: nothing)
    assert len(sampled(collector)) == 1


def no_mounts_ignored(mounts: Iterable[Mount]) -> Filesystems:
    return Filesystems(lambda: mounts, lambda mount: False, 5)


@pytest.mark.parametrize("machine", [create(Settings()), no_mounts_ignored(elsewhere())], ids=["own", "psutil"])
def test_this_machine(machine: Filesystems) -> None:
    ratios = [value for name, value in sampled(machine).items() if "_ratio" in name]
    assert all(0 <= ratio <= 1 for ratio in ratios)
