"""Axes: where they end, and what is named on them.

The same rules stand in `static/js/scale.js`; `tests/cases/drawing.json` holds both to them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from dashboard.drawing.number import exponent

DAY = 86_400
_TIME_STEPS = (
    *(5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200),
    *(days * DAY for days in (1, 2, 7, 28, 91, 364)),
)
_MONDAY = 4 * DAY  # seconds from the beginning of all times to a Monday, with which ticks of weeks begin
_MOST_TIMES = 200
_MOST_TICKS = 12
_LARGEST = sys.float_info.max / 8  # beyond it sums and spans are no finite numbers
_LEAST = 1e-300  # below this span no slope is finite
_CLOCK = (86_400.0, 3600.0, 60.0)  # what is round on an axis of seconds that is twice as long at least
_NICE = (1, 2, 2.5, 5, 10)
_TOPS = (1, 1.1, 1.2, 1.3, 1.5, 1.7, 1.9, 2.1, 2.4, 2.7, 3, 3.4, 3.8, 4.2, 4.7, 5.3, 6, 6.7, 7.5, 8.5, 10)
_ROUND = (1, 1.5, 2, 3, 4, 6, 8, 10)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec")  # as browsers have it

Offset = Callable[[float], float]
"""The seconds by which a clock is ahead of UTC at a time."""


class Ends(NamedTuple):
    """The ends of an axis."""

    min: float
    max: float

    def share(self, value: float) -> float:
        """Return where a value lies between them, from 0 to 1; beyond that outside."""
        return (drawable(value) - self.min) / (self.max - self.min)


def time_ticks(start: float, end: float, width: float, room: float, offset: Offset) -> list[float]:
    """Return the moments to name on an axis `width` pixels wide: round ones on its clock, one each `room` pixels."""
    wanted = (end - start) * room / max(width, 1)
    step = next((step for step in _TIME_STEPS if step >= wanted), 364 * DAY)
    margin = (end - start) * 22 / max(width, 1)
    origin = 0 if step % (7 * DAY) else _MONDAY
    first, last = start + margin, end - margin
    ticks: list[float] = []
    at = math.ceil((first + offset(first) - origin) / step) * step + origin
    while len(ticks) < _MOST_TIMES:
        # What the clock shows is known, and how far it is ahead then: twice, for in between it may have been set.
        time = at - offset(at - offset(at))
        if time > last:
            break
        if time >= first:
            ticks.append(time)
        at += step
    return ticks


def offset_of(zone: tzinfo) -> Offset:
    """Return how far the clocks of a zone are ahead."""

    def offset(time: float) -> float:
        return (datetime.fromtimestamp(time, zone).utcoffset() or timedelta()).total_seconds()

    return offset


def time_text(time: float, zone: tzinfo) -> str:
    """Write what stands below an axis: the time, or with the first moment of a day its date."""
    at = datetime.fromtimestamp(time, zone)
    if at.second:
        return f"{at:%H:%M:%S}"
    return f"{at:%H:%M}" if at.hour or at.minute else day_text(at)


def day_text(at: datetime) -> str:
    """Write a date: `22 Nov`."""
    return f"{at.day} {_MONTHS[at.month - 1]}"


def drawable(value: float) -> float:
    """Return a value as far as it can be drawn; NaN stays a hole."""
    return math.copysign(_LARGEST, value) if abs(value) > _LARGEST else value


def bounds(low: float, high: float) -> Ends:
    """Return the ends of a value axis, as finite numbers apart from each other."""
    low, high = drawable(low), drawable(high)
    apart = high - low > max(_LEAST, abs(low) * 1e-12)
    return Ends(low, high if apart else low + max(1, abs(low) * 1e-3))


def top_of(highest: float, air: float) -> float:
    """Return the upper end of a value axis: it leaves air above the data, and stays while these change little."""
    wanted = drawable(drawable(highest) * air) if highest > _LEAST else 1.0
    power = float(f"1e{exponent(wanted)}")
    return drawable(power * next(top for top in _TOPS if top * power >= wanted or top == 10))


def most_ticks(height: float) -> int:
    """Return how many values an axis of a height in pixels names at most."""
    return 4 if height > 180 else 3 if height > 80 else 2


def value_ticks(low: float, high: float, unit: str, most: int) -> list[float]:
    """Return three or four round values between the ends of an axis, never one alone."""
    span = high - low
    if math.isinf(span):
        return [tick * 4 for tick in value_ticks(low / 4, high / 4, unit, most) if math.isfinite(tick * 4)]
    if not span > _LEAST:
        return [low]
    base = _base_of(unit, span)
    rough = span / base / (most - 1)
    power = float(f"1e{exponent(rough)}")
    step = base * power * next((nice for nice in _NICE if nice * power >= rough and _whole(nice * power, base)), 10)
    first = math.ceil(low / step - 1e-9)
    ticks = dict.fromkeys((first + at) * step for at in range(_MOST_TICKS))
    found = [tick for tick in ticks if math.isfinite(tick) and tick <= high + span * 1e-9]
    # One alone names no scale: between ends that are no round values smaller steps do.
    return found if len(found) > 1 or most == _MOST_TICKS else value_ticks(low, high, unit, most + 1)


def full_of(unit: str) -> float | None:
    """Return what is full by the unit alone; None: nobody knows."""
    return {"ratio": 1.0, "percent": 100.0}.get(unit)


def round_up(value: float, unit: str) -> float:
    """Return the next round value that is no lower: of bytes a power of two or one and a half of it, else of ten."""
    if not value > _LEAST:
        return 0.0
    least = drawable(value) * (1 - 1e-9)
    if unit.startswith("bytes"):
        power = 2.0 ** (math.frexp(least)[1] - 1)
        return power * next(nice for nice in (1, 1.5, 2) if nice * power >= least)
    power = float(f"1e{exponent(least)}")
    return power * next(nice for nice in _ROUND if nice * power >= least or nice == 10)


def _base_of(unit: str, span: float) -> float:
    """Return what the ticks count in: of bytes a power of 1024, of lengths of time a minute, hour or day; else one."""
    if unit == "seconds":
        return next((size for size in _CLOCK if span >= 2 * size), 1.0)
    return 1024.0 ** max(0, math.floor(math.log(span) / math.log(1024))) if unit.startswith("bytes") else 1.0


def _whole(step: float, base: float) -> bool:
    """Tell whether a step is round: a fraction is none, but for those below one: half a minute, half a KiB."""
    return base == 1 or step < 1 or step == int(step) or step == 2.5
