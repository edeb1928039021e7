"""Lines that belong together are one figure. The rules are those of `static/js/groups.js`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dashboard.drawing.line import Line
from dashboard.drawing.name import legend_names
from dashboard.drawing.number import Written, unit_of, written
from dashboard.drawing.scene import PanelSpec


class Group(NamedTuple):
    """Lines of one name and one unit, and the figure that they make."""

    name: str
    value: float
    unit: str
    lines: list[Line]

    @property
    def written(self) -> Written:
        """Return its figure as it is shown."""
        return written(self.value, self.unit, whole=all(line.whole for line in self.lines))


def grouped(lines: Sequence[Line], legend: str, given: str) -> list[Group]:
    """Return the groups of lines: amounts add up, shares do not, so there the largest stands for all."""
    machines = len({line.series.label("instance") for line in lines})
    one = f"{legend} of {machines} machines" if machines > 1 and legend and "{" not in legend else ""
    names = legend_names(legend, [line.named for line in lines])
    gathered: dict[tuple[str, str], list[Line]] = {}
    for line, name in zip(lines, names, strict=True):
        gathered.setdefault((one or name, given or line.unit), []).append(line)
    return [Group(name, _figure(unit, own), unit, own) for (name, unit), own in gathered.items()]


def is_telling(legend: str, lines: Sequence[Line]) -> bool:
    """Tell whether a name says which of several lines it is."""
    return len(lines) > 1 or "{" in legend or any(line.afar for line in lines)


def leading_unit(panel: PanelSpec) -> str | None:
    """Return the unit that a panel is about: that of its first selector; None when this names no one metric."""
    name = panel.series[0].partition("{")[0].strip() if panel.series else ""
    return unit_of(name, name.endswith("_total")) if name and "*" not in name else None


def severity_of(panel: PanelSpec, value: float) -> str | None:
    """Return the most severe threshold that a value is above; None when it is above none."""
    passed = [threshold for threshold in panel.thresholds if value > threshold.above]
    return max(passed, key=lambda threshold: threshold.above).severity if passed else None


def _figure(unit: str, lines: Sequence[Line]) -> float:
    values = [line.value for line in lines]
    return max(values) if unit == "ratio" else sum(values)
