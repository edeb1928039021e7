"""Temperatures and fans, as Linux's hwmon shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from dashboard.collectors import Family, Sample
from dashboard.collectors.procfs import SYS, read
from dashboard.config import Settings

TEMPERATURE = Family("system_temperature_celsius", "gauge", "celsius", "Temperature by chip and sensor.")
FAN_SPEED = Family("system_fan_speed_rpm", "gauge", "rpm", "Turns a minute of a fan.")
FAMILIES = (TEMPERATURE, FAN_SPEED)

PLAUSIBLE = (-100.0, 250.0)
"""Celsius; what lies outside is a sensor that is not connected."""

RUNS_BETWEEN_SEARCHES = 60

_INPUT = re.compile(r"(temp|fan)([0-9]+)_input")


class Sensor(msgspec.Struct, frozen=True):
    """One file to read, and what its number says."""

    path: str
    family: Family
    labels: dict[str, str]
    divisor: float


def create(settings: Settings) -> Sensors | None:
    """Return None where there is no sensor."""
    sensors = Sensors(SYS, interval=max(2.0, settings.interval))
    return sensors if sensors.found else None


def search(sys: Path) -> list[Sensor]:
    """Find every sensor of every chip; without any, the thermal zones."""
    chips = sorted(_entries(sys / "class/hwmon"), key=lambda chip: int(re.sub(r"\D", "", chip.name) or 0))
    names = {chip: _line(chip / "name") or chip.name for chip in chips}
    twins = Counter(names.values())
    sensors = []
    for chip in chips:
        name = names[chip]
        # Two disks are two chips of one name: the device tells them apart, and stays the same over a restart.
        device = (chip / "device").resolve().name if (chip / "device").exists() else chip.name
        sensors += _sensors(chip, name if twins[name] == 1 else f"{name}-{device}")
    return sensors or list(_zones(sys))


def _sensors(chip: Path, name: str) -> list[Sensor]:
    inputs = [match for entry in _entries(chip) if (match := _INPUT.fullmatch(entry.name))]
    inputs.sort(key=lambda match: (match[1], int(match[2])))
    labels = {match: _line(chip / f"{match[1]}{match[2]}_label") or match[1] + match[2] for match in inputs}
    twins = Counter(labels.values())
    return [
        Sensor(
            str(chip / match[0]),
            TEMPERATURE if match[1] == "temp" else FAN_SPEED,
            {"chip": name, "sensor": label if twins[label] == 1 else f"{label} {match[2]}"},
            1000 if match[1] == "temp" else 1,
        )
        for match, label in labels.items()
    ]


def _zones(sys: Path) -> Iterator[Sensor]:
    for zone in sorted(_entries(sys / "class/thermal")):
        if zone.name.startswith("thermal_zone") and (zone / "temp").exists():
            labels = {"chip": _line(zone / "type") or "thermal", "sensor": zone.name.removeprefix("thermal_")}
            yield Sensor(str(zone / "temp"), TEMPERATURE, labels, 1000)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _line(path: Path) -> str:
    try:
        return read(path).strip()
    except OSError:
        return ""


class Sensors:
    """Searches for sensors now and then; some drivers take their time, so it has a thread of its own."""

    name = "sensors"
    families = FAMILIES
    may_block = True

    def __init__(self, sys: Path, interval: float) -> None:
        self.interval = interval
        self.found = search(sys)
        self._sys = sys
        self._runs = 0

    def collect(self) -> Iterator[Sample]:
        """Sample; a sensor that cannot be read now (its device sleeps) gives nothing."""
        self._runs += 1
        if self._runs % RUNS_BETWEEN_SEARCHES == 0:
            self.found = search(self._sys)
        for sensor in self.found:
            try:
                value = int(read(sensor.path)) / sensor.divisor
            except (OSError, ValueError):
                continue
            if sensor.family is not TEMPERATURE or PLAUSIBLE[0] < value < PLAUSIBLE[1]:
                yield Sample(sensor.family.name, value, sensor.labels)
