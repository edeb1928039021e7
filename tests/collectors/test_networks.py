"""Network devices, without the noise."""

from __future__ import annotations

from functools import partial

import pytest

from dashboard.collectors.networks import Networks, create, elsewhere, net_dev
from dashboard.collectors.noise import ignored
from dashboard.config import Settings
from tests.collectors.stage import RECORDED, sampled


def test_recorded_devices() -> None:
    """Loopback and containers' ends are noise, and so is a device that never moved a packet."""
    samples = sampled(Networks(partial(net_dev, RECORDED / "proc"), ignored(Settings().ignore_networks)))
    assert {name: value for name, value in samples.items() if 'device="eth0"' in name} == {
        'system_network_io_bytes_total{device="eth0",direction="receive"}': 9_000_000,
        'system_network_packets_total{device="eth0",direction="receive"}': 7000,
        'system_network_io_bytes_total{device="eth0",direction="transmit"}': 4_000_000,
        'system_network_packets_total{device="eth0",direction="transmit"}': 5000,
    }
    assert samples['system_network_io_bytes_total{device="eth0.100",direction="receive"}'] == 1000
    assert len(samples) == 8


@pytest.mark.parametrize("machine", [create(Settings()), Networks(elsewhere, ignored("none"))], ids=["own", "psutil"])
def test_this_machine(machine: Networks) -> None:
    assert all(value >= 0 for value in sampled(machine).values())
