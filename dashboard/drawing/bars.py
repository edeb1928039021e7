"""Current values as bars, the largest first. The rules are those of `static/js/elements/live-bars.js`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from dashboard.drawing.colour import Palette
from dashboard.drawing.group import leading_unit, severity_of
from dashboard.drawing.line import Line
from dashboard.drawing.name import fit, names_of, tell_apart, width_of
from dashboard.drawing.number import age, written
from dashboard.drawing.panel import Box, content_of, shortened
from dashboard.drawing.printed import Printed, account, printed_line
from dashboard.drawing.scene import Scene
from dashboard.drawing.svg import Pen

_ROW, _ROOMY = 32.0, 60.0
_TRACK = 8.0


class Bar(NamedTuple):
    """A line as a bar: its name in parts, how long it is from 0 to 1, and what else is known of it."""

    line: Line
    name: str
    parts: list[str]
    share: float
    detail: str


def draw_bars(pen: Pen, scene: Scene) -> None:
    """Draw a panel of kind `bar`."""
    bars, content = _bars(scene), content_of(scene)
    roomy = len(bars) * _ROOMY <= content.height
    row = _ROOMY if roomy else _ROW
    room = max(1, int(content.height // row))
    count = room - 1 if len(bars) > room else len(bars)
    for at, bar in enumerate(bars[:count]):
        top = content.top + at * row
        place = Box(content.left, top, content.right, top + row)
        (_roomy if roomy else _narrow)(pen, scene, bar, place)
    if count < len(bars):
        middle = content.top + (count + 0.5) * row
        pen.write(content.left, middle, f"and {len(bars) - count} more", scene.palette.muted)


def print_bars(scene: Scene) -> Printed:
    """Return the account of a panel of kind `bar`: a line for each bar, the largest first."""
    lines = [printed_line(scene, bar.line, bar.name, _fill(scene, bar.line)) for bar in _bars(scene)]
    return account(scene, scene.panel.unit or (leading_unit(scene.panel) or ""), lines)


def _bars(scene: Scene) -> list[Bar]:
    """Return the bars in their order; lines of another unit than the first selector's say more about that of a name."""
    panel, known = scene.panel, scene.known
    unit = leading_unit(panel)
    names = names_of(panel.legend, [line.named for line in known])
    name_of = {line.key: name for line, name in zip(known, names, strict=True)}
    parts_of = {line.key: parts for line, parts in zip(known, tell_apart(names), strict=True)}
    leading = [line for line in known if unit is None or line.unit == unit]
    named = {name_of[line.key] for line in leading}
    details = [line for line in known if line not in leading and name_of[line.key] in named]
    other = [line for line in known if line not in leading and line not in details]
    ranked, longest = _scaled([*leading, *other], scene)
    return [
        Bar(
            line,
            name_of[line.key],
            parts_of[line.key],
            min(1.0, max(0.0, line.value / longest[_unit(scene, line)])) if longest[_unit(scene, line)] else 0.0,
            _detail(scene, [one for one in details if name_of[one.key] == name_of[line.key]]),
        )
        for line in ranked
    ]


def _scaled(bars: Sequence[Line], scene: Scene) -> tuple[list[Line], dict[str, float]]:
    """Return bars in their order, those of one unit together, and for each unit the value of a full bar."""
    units = list(dict.fromkeys(_unit(scene, line) for line in bars))
    ranked = [
        line
        for unit in units
        for line in sorted((one for one in bars if _unit(scene, one) == unit), key=lambda one: -one.value)
    ]
    longest = {
        unit: scene.panel.max
        if scene.panel.max is not None
        else max([0.0, *(line.value for line in bars if _unit(scene, line) == unit)])
        for unit in units
    }
    return ranked, longest


def _unit(scene: Scene, line: Line) -> str:
    return scene.panel.unit or line.unit


def _detail(scene: Scene, lines: Sequence[Line]) -> str:
    """Say what is used and what is free, of each metric whose series are parts by their state; else its value."""
    order = {selector.partition("{")[0]: at for at, selector in reversed(list(enumerate(scene.panel.series)))}
    fresh = [line for line in lines if scene.past or not line.stale(scene.now)]
    fresh.sort(key=lambda line: order.get(line.series.name, -1))
    return " · ".join(
        _sizes([line for line in fresh if line.series.name == name])
        for name in dict.fromkeys(line.series.name for line in fresh)
    )


def _sizes(parts: Sequence[Line]) -> str:
    unit = parts[0].unit
    what = "" if unit else f" {parts[0].series.name.rpartition('_')[2]}"
    of = {line.series.label("state"): line.value for line in parts}
    if "used" not in of:
        return written(sum(line.value for line in parts), unit).text + what
    return f"{written(of['used'], unit).text}{what} used, {written(of.get('free', math.nan), unit).text} free"


def _fill(scene: Scene, line: Line) -> str:
    severity = severity_of(scene.panel, line.value)
    return _colour(severity, scene.palette) if severity else scene.palette.data[0]


def _colour(severity: str, palette: Palette) -> str:
    return palette.critical if severity == "critical" else palette.warning


def _value(pen: Pen, scene: Scene, bar: Bar, right: float, middle: float) -> float:
    """Write the value of a bar up to its right end, with a sign of its state; return how wide that is."""
    palette, line = scene.palette, bar.line
    stale = not scene.past and line.stale(scene.now)
    severity = severity_of(scene.panel, line.value)
    text = scene.text(line) + (f" {age(scene.now - line.time)} ago" if stale else "")
    width = width_of(text, 14)
    ink = palette.muted if stale else _colour(severity, palette) if severity else palette.text
    pen.write(right, middle, text, ink, size=14, weight=500, anchor="end")
    if not severity or stale:
        return width
    solid = {"fill": ink} if severity == "critical" else {"fill": "none", "stroke": ink, "stroke_width": 1.2}
    pen.path(f"M{right - width - 13:g} {middle + 4:g}h9l-4.5 -8z", **solid)
    return width + 14


def _track(pen: Pen, scene: Scene, bar: Bar, place: Box) -> None:
    pen.rect(place.left, place.top, place.width, _TRACK, scene.palette.grid, round=4)
    pen.rect(place.left, place.top, place.width * bar.share, _TRACK, _fill(scene, bar.line), round=4)


def _roomy(pen: Pen, scene: Scene, bar: Bar, place: Box) -> None:
    """Draw a bar below its name, and what else is known below that."""
    head = place.top + 4 + 12
    taken = _value(pen, scene, bar, place.right, head)
    _name(pen, scene, bar, place.left, head, place.width - taken - 12)
    _track(pen, scene, bar, Box(place.left, place.top + 28, place.right, place.top + 36))
    pen.write(place.left, place.top + 47, shortened(bar.detail, place.width), scene.palette.muted)


def _narrow(pen: Pen, scene: Scene, bar: Bar, place: Box) -> None:
    """Draw a bar beside its name."""
    middle, left = (place.top + place.bottom) / 2, place.left + place.width * 0.68 - 80 - 12
    _value(pen, scene, bar, place.right, middle)
    _name(pen, scene, bar, place.left, middle, left - 12 - place.left)
    _track(pen, scene, bar, Box(left, middle - 4, place.right - 92, middle + 4))


def _name(pen: Pen, scene: Scene, bar: Bar, left: float, middle: float, room: float) -> None:
    name = fit(bar.parts, room, lambda text: width_of(text, 14))
    pen.write(left, middle, name, scene.palette.text, size=14)
