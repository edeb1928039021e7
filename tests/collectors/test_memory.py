"""Memory and swap."""

from __future__ import annotations

import os
from functools import partial

import pytest

from dashboard.collectors.memory import MemoryCollector, create, elsewhere, meminfo
from dashboard.config import Settings
from tests.collectors.stage import RECORDED, sampled

KIB = 1024


def test_recorded_machine() -> None:
    """States add up to what the machine has; shared memory is used, for it cannot be given back."""
    samples = sampled(MemoryCollector(partial(meminfo, RECORDED / "proc")))
    states = {name: value for name, value in samples.items() if name.startswith("system_memory_usage_bytes")}
    assert sum(states.values()) == samples["system_memory_limit_bytes"] == 16_000_000 * KIB
    assert states['system_memory_usage_bytes{state="cached"}'] == 4_500_000 * KIB
    assert samples["system_memory_utilization_ratio"] == 0.375
    assert samples["system_swap_utilization_ratio"] == 0.25
    assert samples['system_swap_usage_bytes{state="used"}'] == 500_000 * KIB
    assert samples['system_swap_io_bytes_total{direction="out"}'] == 1000 * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("machine", [create(Settings()), MemoryCollector(elsewhere)], ids=["own", "psutil"])
def test_this_machine(machine: MemoryCollector) -> None:
    samples = sampled(machine)
    states = [value for name, value in samples.items() if name.startswith("system_memory_usage_bytes")]
    assert sum(states) == samples["system_memory_limit_bytes"]
    assert 0 < samples["system_memory_utilization_ratio"] < 1
