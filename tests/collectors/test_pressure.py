"""Pressure, where the kernel tells of it."""

from __future__ import annotations

from pathlib import Path

from dashboard.collectors.pressure import found
from tests.collectors.stage import RECORDED, sampled


def test_recorded_pressure() -> None:
    """Of the CPU there is no `full`: the kernel prints zeros that mean nothing."""
    pressure = found(RECORDED / "proc")
    assert pressure is not None
    samples = sampled(pressure)
    assert samples['system_pressure_stall_ratio{kind="some",resource="cpu"}'] == 0.1234
    assert samples['system_pressure_stall_seconds_total{kind="full",resource="io"}'] == 1.25
    assert len(samples) == 10
    assert not [name for name in samples if 'kind="full",resource="cpu"' in name]


def test_kernel_that_does_not_tell(tmp_path: Path) -> None:
    assert found(tmp_path) is None


def test_file_that_is_there_but_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure/cpu").write_text("")
    assert found(tmp_path) is None
