"""Devices: errors, and what is left out."""

from __future__ import annotations

from functools import partial

import pytest

from dashboard.collectors.device_errors import Devices, create
from dashboard.collectors.disks import Disks, diskstats
from dashboard.collectors.networks import Networks, net_dev
from dashboard.collectors.noise import ignored
from dashboard.config import Settings
from tests.collectors.stage import RECORDED, sampled


def test_recorded_devices() -> None:
    settings, proc = Settings(), RECORDED / "proc"
    networks = Networks(partial(net_dev, proc), ignored(settings.ignore_networks))
    disks = Disks(partial(diskstats, proc, RECORDED / "sys"), ignored(settings.ignore_disks))
    samples = sampled(Devices(networks.read, disks.read, 5))
    assert samples.pop('dashboard_collector_hidden_devices{collector="networks"}') == 3
    assert samples.pop('dashboard_collector_hidden_devices{collector="disks"}') == 3
    assert {name: value for name, value in samples.items() if 'device="eth0"' in name} == {
        'system_network_errors_total{device="eth0",direction="receive"}': 1,
        'system_network_dropped_total{device="eth0",direction="receive"}': 2,
        'system_network_errors_total{device="eth0",direction="transmit"}': 3,
        'system_network_dropped_total{device="eth0",direction="transmit"}': 4,
    }
    assert len(samples) == 8  # of a VLAN, too


@pytest.mark.parametrize(("interval", "every"), [(1, 5), (10, 10)])
def test_this_machine_every_five_seconds(interval: float, every: float) -> None:
    machine = create(Settings(interval=interval))
    assert machine.interval == every
    assert all(value >= 0 for value in sampled(machine).values())
