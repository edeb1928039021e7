"""CPU: ratios from two readings."""

from __future__ import annotations

import pytest

from dashboard.collectors.cpu import MODES, Cpu, Times, create, elsewhere, stat
from dashboard.config import Settings
from tests.collectors.stage import RECORDED, sampled


def times(**seconds: float) -> tuple[float, ...]:
    return tuple(seconds.get(mode, 0.0) for mode in MODES)


class Readings:
    """Gives one reading after another."""

    def __init__(self, *readings: Times) -> None:
        self._left = list(readings)

    def __call__(self) -> Times:
        return self._left.pop(0)


def test_recorded_file_is_read() -> None:
    core = times(user=100, nice=2, system=30, idle=800, iowait=5, softirq=1)
    assert stat(RECORDED / "proc") == {"0": core, "1": core}


def test_shares_of_the_interval() -> None:
    """Core 0 was busy for three quarters, core 1 not at all, though it waited for a disk."""
    before = {"0": times(user=10, idle=90), "1": times(idle=100)}
    after = {"0": times(user=10.5, system=0.25, idle=90.25), "1": times(idle=100.5, iowait=0.5)}
    assert sampled(Cpu(Readings(before, after))) == {
        "system_cpus": 2,
        'system_cpu_utilization_ratio{cpu="0"}': 0.75,
        'system_cpu_utilization_ratio{cpu="1"}': 0,
        "system_cpu_total_utilization_ratio": 0.375,
        'system_cpu_mode_ratio{mode="user"}': 0.25,
        'system_cpu_mode_ratio{mode="system"}': 0.125,
        'system_cpu_mode_ratio{mode="iowait"}': 0.25,
    }


def test_modes_that_this_machine_never_knew_are_not_there() -> None:
    """One that was known once stays, with 0."""
    before = {"0": times(user=10, idle=90, nice=1), "1": times(idle=100)}
    after = {"0": times(user=10.5, idle=90.5, nice=1), "1": times(idle=101)}
    modes = [name for name in sampled(Cpu(Readings(before, after))) if "mode" in name]
    assert modes == ['system_cpu_mode_ratio{mode="user"}', 'system_cpu_mode_ratio{mode="nice"}']


def test_core_that_returns_draws_no_spike() -> None:
    """It gives nothing at first, whatever it counted meanwhile; the other core goes on."""
    one, both = {"0": times(idle=100)}, {"0": times(idle=101), "1": times(user=5000)}
    later = {"0": times(idle=102), "1": times(user=5000, idle=1)}
    cpu = Cpu(Readings(one, both, later))
    first, second = sampled(cpu), sampled(cpu)
    assert 'system_cpu_utilization_ratio{cpu="1"}' not in first
    assert first["system_cpu_total_utilization_ratio"] == 0
    assert second['system_cpu_utilization_ratio{cpu="1"}'] == 0


def test_counters_that_begin_anew_give_nothing() -> None:
    cpu = Cpu(Readings({"0": times(user=900, idle=900)}, {"0": times(user=1, idle=2)}, {"0": times(user=2, idle=2)}))
    assert sampled(cpu) == {"system_cpus": 1}
    assert sampled(cpu)['system_cpu_utilization_ratio{cpu="0"}'] == 1


def test_iowait_that_falls_by_a_tick_costs_nothing() -> None:
    cpu = Cpu(Readings({"0": times(idle=10, iowait=5)}, {"0": times(user=0.5, idle=10.5, iowait=4.99)}))
    assert sampled(cpu)['system_cpu_utilization_ratio{cpu="0"}'] == 0.5


def test_two_readings_at_once_give_nothing() -> None:
    reading = {"0": times(user=10)}
    assert sampled(Cpu(Readings(reading, reading))) == {"system_cpus": 1}


@pytest.mark.parametrize("machine", [create(Settings()), Cpu(elsewhere)], ids=["own", "psutil"])
def test_this_machine(machine: Cpu) -> None:
    """Both ways of reading, on whatever this is: nothing beyond 0 and 1."""
    samples = sampled(machine)
    assert samples.pop("system_cpus") >= 1
    assert all(0 <= value <= 1 for value in samples.values())
