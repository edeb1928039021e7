"""Disks: whole ones, without the noise."""

from __future__ import annotations

from functools import partial

import pytest

from dashboard.collectors.disks import Disks, create, diskstats, elsewhere
from dashboard.collectors.noise import ignored
from dashboard.config import Settings
from tests.collectors.stage import RECORDED, sampled


def test_recorded_disks() -> None:
    """Partitions are part of their disk; loop and reader are noise, and so is a device that never did anything."""
    disks = Disks(partial(diskstats, RECORDED / "proc", RECORDED / "sys"), ignored(Settings().ignore_disks))
    samples = sampled(disks)
    assert {name.split('device="')[1].split('"')[0] for name in samples if "device=" in name} == {
        *("sda", "nvme0n1", "dm-0"),
    }
    assert samples['system_disk_io_bytes_total{device="sda",direction="read"}'] == 80_000 * 512
    assert samples['system_disk_operations_total{device="sda",direction="write"}'] == 2000
    assert samples['system_disk_io_time_seconds_total{device="sda"}'] == 2.5


def test_setting_matches_whole_names() -> None:
    ignore = ignored("sd|nvme.*")
    assert [ignore(device) for device in ("sda", "sd", "nvme0n1", "sda")] == [False, True, True, False]


@pytest.mark.parametrize("machine", [create(Settings()), Disks(elsewhere, ignored("none"))], ids=["own", "psutil"])
def test_this_machine(machine: Disks) -> None:
    assert all(value >= 0 for value in sampled(machine).values())
