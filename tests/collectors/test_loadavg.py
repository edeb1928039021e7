"""Load averages and uptime."""

from __future__ import annotations

from functools import partial

import pytest

from dashboard.collectors.loadavg import LoadAverage, create, elsewhere, uptime
from dashboard.config import Settings
from tests.collectors.stage import RECORDED, sampled


def test_recorded_uptime() -> None:
    assert sampled(LoadAverage(partial(uptime, RECORDED / "proc")))["system_uptime_seconds"] == 86461.2


@pytest.mark.parametrize("machine", [create(Settings()), LoadAverage(elsewhere)], ids=["own", "psutil"])
def test_this_machine(machine: LoadAverage) -> None:
    samples = sampled(machine)
    assert set(samples) == {"system_load_1m", "system_load_5m", "system_load_15m", "system_uptime_seconds"}
    assert all(value >= 0 for value in samples.values())
