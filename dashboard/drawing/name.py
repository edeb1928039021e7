"""What lines are called, and how long names are shortened: what tells them apart is given up last.

The same rules stand in `static/js/series.js` and `static/js/format.js`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import NamedTuple

from dashboard.model import Series

_PLACE = re.compile(r"\{([A-Za-z0-9_]+)\}")
_SHARED = 12  # characters that names must share for their beginning to give way
_NARROW = frozenset("fijlrtI.,:;|!'`()[]{} /\\-\u00a0·")
_WIDE = frozenset("mwMWQOGCD@%&…—−+=<>~#")


class Named(NamedTuple):
    """A series, and whether it is of another machine than the dashboard's own."""

    series: Series
    afar: bool


def names_of(legend: str, lines: Sequence[Named]) -> list[str]:
    """Return what series are called that stand together; with their machines' names where one is from afar."""
    where = any(line.afar for line in lines) and "{instance}" not in legend
    return [_legend(legend, one) + (f" {one.label('instance')}" if where else "") for one, _ in lines]


def legend_names(legend: str, lines: Sequence[Named]) -> list[str]:
    """Return what the lines of one panel are called; what all names begin with is left off."""
    texts = names_of(legend, lines)
    if not legend and len(lines) == 1 and _legend("", lines[0].series) == lines[0].series.name:
        return [(lines[0].afar and lines[0].series.label("instance")) or "now"]
    if (legend and not legend.startswith("{__name__}")) or len(texts) < 2:
        return texts
    common = texts[0]
    for text in texts:
        common = common[: _alike(common, text)]
    cut = max(texts[0].rfind("_", 0, len(common)), texts[0].rfind(" ", 0, len(common))) + 1
    return [text[cut:] for text in texts] if all(len(text) > cut for text in texts) else texts


def tell_apart(names: Sequence[str]) -> list[list[str]]:
    """Return names in parts of which the first gives way first, and the last, by which it is told apart, at last."""
    order = sorted(set(names))
    shared = [_alike(one, other) for one, other in pairwise([*order, ""])]
    parts: dict[str, list[str]] = {}
    begin = 0
    while begin < len(order):
        end, every = begin, None
        while shared[end] >= _SHARED:
            every = min(shared[end], every or shared[end])
            end += 1
        for at in range(begin, end + 1) if every is not None else ():
            name = order[at]
            near = max(shared[at - 1] if at > begin else 0, shared[at] if at < end else 0)
            first, last = _word_at(name, every or 0), _word_at(name, near)
            parts[name] = [name[:first], name[first:last], name[last:]]
        begin = end + 1
    return [parts.get(name, [name]) for name in names]


def fit(parts: Sequence[str], room: float, width: Callable[[str], float]) -> str:
    """Return the parts of a name as one text, shortened to the room that there is."""
    if width("".join(parts)) <= room:
        return "".join(parts)
    for given, part in enumerate(parts):
        start, rest, last = "…" if given else "", "".join(parts[given + 1 :]), given == len(parts) - 1
        lengths = range(1 if given and not last else 0, len(part))
        texts = partial(_shortened, start, part, rest)
        fitting = bisect_right(lengths, room, key=lambda length: width(texts(length)))
        if fitting and (lengths[fitting - 1] or rest or last):
            return texts(lengths[fitting - 1])
        if rest and width(f"…{rest}") <= room:
            return f"…{rest}"
    return "…"


def _shortened(start: str, part: str, rest: str, length: int) -> str:
    return f"{start}{part[:length]}…{rest}"


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text is about, in pixels at a font's size: rather too wide, for nobody knows in which font."""
    return sum(map(_em, text)) * size * (1.07 if bold else 1.0)


@lru_cache(512)
def _em(char: str) -> float:
    if char in _NARROW:
        return 0.36
    if char in _WIDE or unicodedata.east_asian_width(char) in "WF":
        return 0.9 if char in _WIDE else 1.05
    if unicodedata.combining(char):
        return 0.0
    return 0.68 if char.isupper() else 0.59


def _legend(legend: str, series: Series) -> str:
    if legend:
        text = _PLACE.sub(lambda place: _value(series, place[1]), legend).strip()
        if text:
            return text
    values = " ".join(value for label, value in series.labels if label != "instance")
    return f"{series.name} {values}" if values else series.name


def _value(series: Series, label: str) -> str:
    return series.name if label == "__name__" else series.label(label)


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    length = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        length += 1
    return length


def _word_at(name: str, place: int) -> int:
    """Return where the word begins in which a place is; of a very long word only its end goes along."""
    end = min(place, len(name) - 1)
    before = name[max(1, end - 8) : end]
    word = len(before) - len(before.rstrip("".join(filter(str.isalnum, set(before)))))
    return end - (min(2, word) if word == len(before) else word)
