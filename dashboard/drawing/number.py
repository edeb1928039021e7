"""Numbers as people read them: three significant figures, in the unit that suits their size.

The same rules stand in `static/js/format.js`; `tests/cases/format.json` holds both to them.
"""

from __future__ import annotations

import math
import re
import sys
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

NONE = "–"
"""What is shown where there is no value."""

NBSP = "\u00a0"
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("", "k", "M", "G", "T")
_SYMBOLS = {
    "celsius": "°C",
    "rpm": "rpm",
    "watts": "W",
    "volts": "V",
    "amperes": "A",
    "hertz": "Hz",
    "meters": "m",
    "percent": "%",
    "cpus": "CPUs",
}
_UNIT_WORDS = frozenset({"bytes", "seconds", "ratio", *_SYMBOLS})
_FILLING = re.compile(r"\.?0+(?=$|e)")


class Written(NamedTuple):
    """A value as it is shown; number and unit apart, since they are set in different sizes."""

    number: str
    unit: str

    @property
    def text(self) -> str:
        """Return both as one text, parted by a no-break space."""
        return f"{self.number}{NBSP}{self.unit}" if self.unit else self.number


def unit_of(name: str, counter: bool) -> str:
    """Return the unit of a metric by its name: `bytes`, `seconds`, `ratio` …; of a counter that of its rate."""
    word = (re.sub(r"_(total|sum)$", "", name) if counter else name).rpartition("_")[2]
    unit = word if word in _UNIT_WORDS else ""
    if not counter:
        return unit
    return "ratio" if unit == "seconds" else f"{unit}/s"


def written(value: float | None, unit: str = "", *, exact: bool = False, whole: bool = False) -> Written:
    """Write a value; `exact`: of a small share, too, three figures; `whole`: it counts something."""
    if value is None or math.isnan(value):
        return Written(NONE, "")
    if math.isinf(value):
        return Written("∞" if value > 0 else "−∞", "")
    base = unit.removesuffix("/s")
    rate = unit[len(base) :]
    sign, size = "−" if value < 0 else "", abs(value)
    if whole and not unit and size < 999.5 and size == int(size):
        return Written(f"{sign}{int(size)}", "")
    number, symbol = _magnitude(size, base, exact)
    return Written(sign + number if sign and re.search("[1-9]", number) else number, symbol + rate)


def tick(value: float, unit: str) -> str:
    """Write the value of an axis, without zeros that only fill up."""
    number, symbol = written(value, unit, exact=True)
    short = _FILLING.sub("", number, count=1) if "." in number else number
    return Written(short, symbol).text


def age(seconds: float) -> str:
    """Write a length of time in few words: `7 s`, `3 min 20 s`, `2 h 14 min`, `12 d 4 h`."""
    whole = max(0, math.floor(seconds))
    for size, name, small, small_name in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small
            head = f"{whole // size}{NBSP}{name}"
            return f"{head} {rest}{NBSP}{small_name}" if rest else head
    return f"{whole}{NBSP}s"


def exponent(value: float) -> int:
    """Return the power of ten of the first figure of a number that is not 0, exactly."""
    return int(f"{value:.16e}".rpartition("e")[2])


def _magnitude(size: float, unit: str, exact: bool) -> Written:
    if unit == "ratio":
        return Written(_significant(size * 100) if exact else _share(size * 100), "%")
    if unit == "seconds":
        return _duration(size)
    if unit == "bytes":
        return _prefixed(size, 1024, _BINARY, "B")
    if unit == "":
        return _prefixed(size, 1000, _DECIMAL, "")
    if unit in ("hertz", "watts"):
        return _prefixed(size, 1000, _DECIMAL, _SYMBOLS[unit])
    return Written(_significant(size), _SYMBOLS.get(unit, unit))


def _prefixed(size: float, base: int, prefixes: tuple[str, ...], symbol: str) -> Written:
    if size >= (999.5e12 if base == 1000 else 1023.5 * 1024**6):
        return Written(_significant(size), symbol)
    power = 0
    # 999.5 would be written 1000, so it already belongs to the next prefix; binary units go up to 1023.
    while power < len(prefixes) - 1 and size >= (999.5 if base == 1000 else 1023.5):
        size /= base
        power += 1
    return Written(_significant(size), prefixes[power] + symbol)


def _duration(seconds: float) -> Written:
    if seconds == 0 or seconds >= 1e15:
        return Written(_significant(seconds), "s")
    if seconds < 0.9995e-3:
        return Written(_significant(seconds * 1e6), "µs")
    if seconds < 0.9995:
        return Written(_significant(seconds * 1e3), "ms")
    if seconds < 60:
        return Written(_significant(seconds), "s")
    return Written(age(seconds), "")


def _share(percent: float) -> str:
    if percent == 0 or percent >= 99.5:
        return _fixed(percent, 0) if percent < 1e6 else _significant(percent)
    return "<0.1" if percent < 0.05 else _fixed(percent, 1)


def _significant(size: float) -> str:
    if size == 0:
        return "0"
    if size >= 1e6:
        return _exponential(size, 1)
    if size < 1e-5:
        return _exponential(size, 2)
    for least, digits in ((99.95, 0), (9.995, 1), (0.9995, 2)):
        if size >= least:
            return _fixed(size, digits)
    text = _fixed(size, 2 - exponent(size))
    return text[:-1] if float(text) >= 10.0 ** (exponent(size) + 1) else text  # 0.09996 has become 0.1000


def _fixed(value: float, digits: int) -> str:
    """Write with so many decimals as browsers do: exactly, and what is just between goes up."""
    return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def _exponential(value: float, digits: int) -> str:
    exact = Decimal(min(value, sys.float_info.max))
    power = exact.adjusted()
    first = exact.scaleb(-power).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    if first >= 10:
        first, power = (first / 10).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP), power + 1
    return f"{first}e{power}"
