"""Temperatures and fans on recorded `/sys`."""

from __future__ import annotations

import shutil
from pathlib import Path

from dashboard.collectors.sensors import RUNS_BETWEEN_SEARCHES, Sensors
from tests.collectors.stage import RECORDED, sampled


def test_recorded_chips() -> None:
    """A sensor that is not connected reads -128 °C, another reads nonsense: both give nothing."""
    assert sampled(Sensors(RECORDED / "sys", interval=2)) == {
        'system_temperature_celsius{chip="acpitz",sensor="temp1"}': 27.8,
        'system_temperature_celsius{chip="coretemp",sensor="Package id 0"}': 61,
        'system_temperature_celsius{chip="coretemp",sensor="Core 0"}': 58,
        'system_temperature_celsius{chip="coretemp",sensor="Core 1"}': 60.5,
        'system_temperature_celsius{chip="nct6775",sensor="temp7"}': 34.5,
        'system_fan_speed_rpm{chip="nct6775",sensor="CPU fan"}': 1180,
        'system_fan_speed_rpm{chip="nct6775",sensor="fan2"}': 0,
    }


def test_without_chips_thermal_zones_are_read(tmp_path: Path) -> None:
    shutil.copytree(RECORDED / "sys/class/thermal", tmp_path / "class/thermal")
    samples = sampled(Sensors(tmp_path, interval=2))
    assert samples == {'system_temperature_celsius{chip="x86_pkg_temp",sensor="zone0"}': 61}


def test_machine_without_sensors(tmp_path: Path) -> None:
    assert Sensors(tmp_path, interval=2).found == []


def test_two_chips_of_one_name_are_told_apart_by_their_device(tmp_path: Path) -> None:
    for number, device in enumerate(("nvme0", "nvme1")):
        chip = tmp_path / f"class/hwmon/hwmon{number}"
        chip.mkdir(parents=True)
        (chip / "name").write_text("nvme\n")
        (chip / "temp1_input").write_text("40000\n")
        (chip / "temp1_label").write_text("Composite\n")
        (tmp_path / "devices" / device).mkdir(parents=True)
        (chip / "device").symlink_to(tmp_path / "devices" / device)
    assert set(sampled(Sensors(tmp_path, interval=2))) == {
        'system_temperature_celsius{chip="nvme-nvme0",sensor="Composite"}',
        'system_temperature_celsius{chip="nvme-nvme1",sensor="Composite"}',
    }


def test_chip_that_vanishes_and_returns(tmp_path: Path) -> None:
    """Its values end at once, the others stay; when it is back it is found within a while."""
    shutil.copytree(RECORDED / "sys/class/hwmon", tmp_path / "class/hwmon")
    sensors = Sensors(tmp_path, interval=2)
    (tmp_path / "class/hwmon/hwmon1").rename(tmp_path / "away")
    assert not [name for name in sampled(sensors) if "coretemp" in name]
    (tmp_path / "away").rename(tmp_path / "class/hwmon/hwmon9")
    for _ in range(RUNS_BETWEEN_SEARCHES):
        samples = sampled(sensors)
    assert samples['system_temperature_celsius{chip="coretemp",sensor="Core 0"}'] == 58
