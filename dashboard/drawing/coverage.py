"""Where nothing is known: holes, the time before the record, and the times in which nobody watched.

The rules are those of `static/js/coverage.js` and `static/js/blind.js`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dashboard.drawing.line import Line

MOST_BLIND = 500
"""Blind times in one image at most; the newest."""

_SOMEBODY, _MISSING = 1, 2


class Span(NamedTuple):
    """A time, in Unix seconds."""

    start: float
    end: float


class Coverage(NamedTuple):
    """`holes` in which no line has data, `partial` ones of some, and when the record begins; infinite: never."""

    holes: list[Span]
    partial: list[Span]
    begin: float


def coverage(lines: Sequence[Line], start: float, end: float) -> Coverage:
    """Tell where lines know nothing, from the points that are there and the marks of holes."""
    step = lines[0].step if lines else 1.0
    first = math.floor(start / step)
    slots = bytearray(max(0, math.ceil(end / step) - first + 1))
    begin, newest = math.inf, -math.inf
    for line in lines:
        reach = 2 * (line.interval or step) + 1
        begin = min(begin, _mark(slots, line, first, start, end, reach))
        if line.has_value:
            newest = max(newest, line.end + reach)
    known = max(0, math.floor(begin / step) - first) if begin < math.inf else len(slots)
    last = max((slot for slot, seen in enumerate(slots) if seen & _SOMEBODY), default=-1)

    def runs(test: Callable[[int], bool]) -> list[Span]:
        return _runs(len(slots), test, first, step, start, end)

    holes = runs(lambda slot: known <= slot < last and not slots[slot] & _SOMEBODY)
    if -math.inf < newest < end:
        holes.append(Span(max(start, max(line.end for line in lines if line.has_value)), end))
    return Coverage(holes, runs(lambda slot: slots[slot] == _SOMEBODY | _MISSING), begin)


def shown_blind(spans: Sequence[Span], start: float, end: float) -> list[Span]:
    """Return the blind times that are within an axis, the newest first."""
    ordered = sorted(spans, key=lambda span: -span.start)
    return [span for span in ordered if span.end > start and span.start < end][:MOST_BLIND]


def unknown(spans: Sequence[Span], lines: Sequence[Line]) -> list[Span]:
    """Return those times of which no line knows anything: what is pushed may tell afterwards what was meanwhile."""
    return [span for span in spans if not any(_knows(line, span) for line in lines)]


def _mark(slots: bytearray, line: Line, first: int, start: float, end: float, reach: float) -> float:
    """Mark where a line has points and where it has holes; return when the first of its points is."""
    begin = math.inf
    for at, time in enumerate(line.times):
        after = line.times[at + 1] if at + 1 < len(line.times) else max(time + line.step, min(line.time + reach, end))
        if after <= start:
            continue
        hole = math.isnan(line.means[at])
        if not hole:
            begin = min(begin, time, line.first)
        low = max(0, _round(time / line.step) - first)
        for slot in range(low, min(len(slots), _round(after / line.step) - first)):
            slots[slot] |= _MISSING if hole else _SOMEBODY
    return begin


def _runs(count: int, test: Callable[[int], bool], first: int, step: float, start: float, end: float) -> list[Span]:
    spans: list[Span] = []
    slot = 0
    while slot < count:
        begin = slot
        while slot < count and test(slot):
            slot += 1
        if slot > begin:
            spans.append(Span(max(start, (first + begin) * step), min(end, (first + slot) * step)))
        slot += 1
    return spans


def _knows(line: Line, span: Span) -> bool:
    """Tell whether a line has a sample of a time; one just within its ends was taken just without."""
    slack = max(line.step, line.interval or line.step)
    pairs = zip(line.times, line.means, strict=True)
    return any(time >= span.start + 1 and time + slack < span.end and not math.isnan(mean) for time, mean in pairs)


def _round(value: float) -> int:
    return math.floor(value + 0.5)
