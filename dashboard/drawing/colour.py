"""Colours: those of the themes, and which line has which.

They are those of `static/css/base.css`, to which a test holds them, and the rules those of `static/js/palette.js`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from dashboard.model import Series

COLOURS = 8
"""Data colours of a theme; further lines take the first again, with other dashes."""

DASHES = ((), (6, 3), (2, 2))
"""Dashes and gaps, in pixels, of lines that take a colour for the first, second and third time."""

_KNOWN = {
    part: slot
    for slot, parts in enumerate(
        ("used user", "system", "cached iowait", "shared nice", "buffers irq", "reserved softirq", "steal", "guest")
    )
    for part in parts.split()
}
_NEUTRAL = frozenset({"free", "idle", "available"})
_PLAIN = frozenset({"used", "user"})
_RUNS = re.compile(r"\d+|\D")
_SIGNS = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"  # in the order of the Unicode collation algorithm
_ORDER = {sign: at for at, sign in enumerate(_SIGNS, 1)} | {" ": 0}
_FIGURE, _LETTER = 100, 200

ThemeName = Literal["light", "dark"]


class Palette(msgspec.Struct, frozen=True):
    """The colours of a theme, each of six hexadecimal digits."""

    surface: str
    edge: str
    text: str
    muted: str
    grid: str
    hatch: str
    warning: str
    critical: str
    neutral: str
    data: tuple[str, ...]
    heat: tuple[str, str]


PALETTES: dict[ThemeName, Palette] = {
    "light": Palette(
        surface="#ffffff",
        edge="#dfe3e8",
        text="#14181f",
        muted="#5a6371",
        grid="#eaedf1",
        hatch="#cfd5dd",
        warning="#955800",
        critical="#bf2424",
        neutral="#c3cad3",
        data=("#0b6bcb", "#d9720b", "#0d9a73", "#b0479a", "#38a5dc", "#a67c00", "#c4402f", "#6a4fc4"),
        heat=("#eef2f7", "#08519c"),
    ),
    "dark": Palette(
        surface="#13171d",
        edge="#232a33",
        text="#e9edf2",
        muted="#98a3b3",
        grid="#1f252d",
        hatch="#3a4450",
        warning="#f0b548",
        critical="#ff7f76",
        neutral="#3b4552",
        data=("#58a6ff", "#f59b4a", "#3fcf9d", "#e08ad0", "#86d5f8", "#e3c150", "#ff7b6b", "#a894f5"),
        heat=("#1a212a", "#7dbcff"),
    ),
}
"""By the name of the theme."""


def is_neutral(series: Series) -> bool:
    """Tell whether a line is a part that is not in use, such as free memory."""
    return series.label("state") in _NEUTRAL or series.label("mode") in _NEUTRAL


def place(series: Series) -> int:
    """Return where a part stands in a stack: what is in use at the bottom, what is not at the top."""
    if is_neutral(series):
        return 1
    return -1 if _part(series) in _PLAIN else 0


def slots(lines: Iterable[tuple[str, Series]]) -> dict[str, int]:
    """Return the slot of each line's colour by its text: of well-known parts the same, of others by their order."""
    ordered = sorted(lines, key=lambda line: counted(line[0]))
    found: dict[str, int] = {}
    for text, series in ordered:
        slot = _KNOWN.get(_part(series))
        if slot is not None and slot not in found.values():
            found[text] = slot
    taken, after = set(found.values()), 0
    for text, series in ordered:
        if text in found or is_neutral(series):
            continue
        while after in taken:
            after += 1
        found[text] = after
        taken.add(after)
    return found


def stroke(series: Series, slot: int, palette: Palette) -> tuple[str, int]:
    """Return the colour and the dash of a line; those that share a colour differ in their dashes."""
    if is_neutral(series):
        return palette.neutral, 0
    return palette.data[slot % COLOURS], slot // COLOURS % len(DASHES)


def mix(colour: str, ground: str, part: float) -> str:
    """Return a colour of which `part` is the first, and the rest the ground."""
    pairs = zip(_channels(colour), _channels(ground), strict=True)
    return "#" + "".join(f"{int(one * part + other * (1 - part) + 0.5):02x}" for one, other in pairs)


def grey(colour: str) -> str:
    """Return a colour without its colour."""
    red, green, blue = _channels(colour)
    shade = f"{int(0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.5):02x}"
    return f"#{shade}{shade}{shade}"


def counted(text: str) -> tuple[list[tuple[int, int]], str]:
    """Return what sorts texts in the order in which people count, `cpu9` before `cpu10`, and browsers compare."""
    weights = [
        (_FIGURE, int(run)) if run.isdecimal() else (_ORDER.get(run, _LETTER + ord(run)), 0)
        for run in _RUNS.findall(text.lower())
    ]
    return weights, text


def _part(series: Series) -> str:
    return series.label("state") or series.label("mode")


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
