"""One big current value, or two that the legend tells apart: with its last minutes, or with how full it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from dashboard.drawing.colour import Palette
from dashboard.drawing.coverage import Coverage, coverage, shown_blind, unknown
from dashboard.drawing.group import Group, grouped, is_telling, severity_of
from dashboard.drawing.line import Line
from dashboard.drawing.name import width_of
from dashboard.drawing.panel import Box, content_of, shortened
from dashboard.drawing.peak import grain, highs, lone, standing_off, summed
from dashboard.drawing.printed import Printed, PrintedLine, ValueAxis, account
from dashboard.drawing.scale import Ends, bounds, drawable, full_of
from dashboard.drawing.scene import Scene
from dashboard.drawing.svg import Pen, area, line

_FIGURE, _SECOND, _NAME = 28.0, 24.0, 12.0
_BAR = 6.0

Run = list[tuple[float, float]]
Place = Callable[[float], float]


def draw_tile(pen: Pen, scene: Scene) -> None:
    """Draw a panel of kind `stat` or `gauge`."""
    groups, worst = _groups(scene)
    severity = severity_of(scene.panel, worst.value)
    content, gauge = content_of(scene), scene.panel.kind == "gauge"
    figures = Box(content.left, content.top, content.right, content.bottom - (_BAR + 4 if gauge else 0))
    part = 1.0 if gauge else 0.72 if len(groups) > 1 else 0.66 if severity else 0.54
    _figures(pen, scene, groups, figures, part)
    if severity:
        colour = _colour(severity, scene.palette)
        _word(pen, content.left + content.width * part, (content.top + figures.bottom) / 2, severity, colour)
    if gauge:
        _fullness(pen, scene, worst, content, severity)
    else:
        left = content.left + content.width * (part + 0.02)
        _spark(pen, scene, groups, Box(left, content.top + 4, content.right, content.bottom))


def print_tile(scene: Scene) -> Printed:
    """Return the account of a panel of kind `stat` or `gauge`: a line for each figure."""
    groups, worst = _groups(scene)
    lines = [
        PrintedLine(
            series=" ".join(own.key for own in group.lines),
            name=group.name,
            colour=scene.palette.data[at],
            dash=0,
            time=max(own.time for own in group.lines),
            value=group.value,
            text=group.written.text,
            stale=not scene.past and any(own.stale(scene.now) for own in group.lines),
        )
        for at, group in enumerate(groups)
    ]
    ends = _ends(scene, groups)
    return account(scene, worst.unit, lines, y=ValueAxis(ends.min, ends.max, []), known=_known(scene, groups))


def _groups(scene: Scene) -> tuple[list[Group], Group]:
    """Return the figures to show, two at most, and the highest, by which thresholds are judged."""
    groups = grouped(scene.known, scene.panel.legend, scene.panel.unit)
    worst = max(groups, key=lambda group: group.value)
    return (groups if len(groups) <= 2 else [worst]), worst


def _known(scene: Scene, groups: Sequence[Group]) -> Coverage:
    return coverage([one for group in groups for one in group.lines], scene.start, scene.end)


def _figures(pen: Pen, scene: Scene, groups: Sequence[Group], box: Box, part: float) -> None:
    """Write each figure with its small unit and, where it tells something, its name."""
    palette = scene.palette
    named = is_telling(scene.panel.legend, scene.lines)
    size = _SECOND if len(groups) > 1 else _FIGURE
    width = box.width * part / len(groups)
    for at, group in enumerate(groups):
        number, unit = group.written
        left = box.left + at * width
        severity = severity_of(scene.panel, group.value)
        ink = _colour(severity, palette) if severity and len(groups) == 1 else palette.text
        below = named and len(groups) > 1 and box.height > 44
        beside = group.name if named and not below else ""
        middle = (box.top + box.bottom) / 2 - (8 if below else 0)
        taken = 0.6 * size * len(number) + width_of(unit, 14) + 12
        pen.pair(left, middle, number, unit, (ink, palette.muted), size, shortened(beside, max(0.0, width - taken), 14))
        if below:
            name = shortened(group.name, width - 8)
            pen.write(left, middle + size / 2 + 9, name, palette.muted)


def _word(pen: Pen, right: float, y: float, severity: str, colour: str) -> None:
    """Say which threshold is passed, by shape and word as well as by colour."""
    x = right - width_of(severity, 12, bold=True)
    solid = {"fill": colour} if severity == "critical" else {"fill": "none", "stroke": colour, "stroke_width": 1.2}
    pen.path(f"M{x - 14:g} {y + 4:g}h9l-4.5 -8z", **solid)
    pen.write(x, y, severity, colour, weight=600)


def _fullness(pen: Pen, scene: Scene, worst: Group, content: Box, severity: str | None) -> None:
    """Draw how full it is; where nobody knows what is full, a bar would only pretend to."""
    full = scene.panel.max if scene.panel.max is not None else full_of(worst.unit)
    if full is None:
        return
    low = scene.panel.min or 0.0
    share = min(1.0, max(0.0, (worst.value - low) / (full - low))) if full > low else 0.0
    top = content.bottom - _BAR
    pen.rect(content.left, top, content.width, _BAR, scene.palette.grid, round=3)
    fill = _colour(severity, scene.palette) if severity else scene.palette.data[0]
    pen.rect(content.left, top, content.width * share, _BAR, fill, round=3)


def _colour(severity: str, palette: Palette) -> str:
    return palette.critical if severity == "critical" else palette.warning


def _ends(scene: Scene, groups: Sequence[Group]) -> Ends:
    """Return what the line of the last minutes lies between."""
    peaks = [value for group in groups for _, value in _run(group.lines, scene.start) if value > 0]
    spikes = [high for group in groups for _, _, high in _spans(group, scene.start)]
    panel, peak = scene.panel, max([0.0, *peaks, *spikes])
    return bounds(
        panel.min if panel.min is not None else 0.0, panel.max if panel.max is not None else drawable(peak) * 1.1
    )


def _spark(pen: Pen, scene: Scene, groups: Sequence[Group], box: Box) -> None:
    """Draw the last minutes of each group as a small line without axes; of several lines their sum."""
    ends, right = _ends(scene, groups), box.right - 3

    def x(time: float) -> float:
        return box.left + (time - scene.start) / scene.range * (right - box.left)

    def y(value: float) -> float:
        return box.bottom - 1.5 - ends.share(value) * (box.height - 4)

    blind = shown_blind(scene.blind, scene.start, scene.end)
    dim = [*blind, *_known(scene, groups).holes]
    _unwatched(pen, scene, [(x(max(span.start, scene.start)), x(min(span.end, scene.end))) for span in dim], box)
    dark = [(x(span.start), x(span.end)) for span in unknown(blind, scene.known)]
    with pen.within("spark", [(box.left, box.top - 4, box.width, box.height + 4)]):
        for group, colour in zip(groups, scene.palette.data, strict=False):
            seen = _run(group.lines, scene.start)
            run = [(x(time), math.nan if _in(dark, x(time)) else y(value)) for time, value in seen]
            _spikes(pen, scene, group, colour, x, y, ends)
            pen.path(area(run, box.bottom), fill=colour, fill_opacity=0.12)
            pen.path(line(run), fill="none", stroke=colour, stroke_width=1.5, stroke_linejoin="round")
            if run and not math.isnan(run[-1][1]):
                pen.circle(*run[-1], 2.5, colour)


def _in(spans: Sequence[tuple[float, float]], x: float) -> bool:
    return any(left < x < right for left, right in spans)


def _unwatched(pen: Pen, scene: Scene, bands: Sequence[tuple[float, float]], box: Box) -> None:
    stripes = pen.hatch("unwatched", scene.palette.hatch, 8, 1.5) if bands else ""
    for left, right in bands:
        pen.rect(left, box.top, max(2.0, right - left), box.height, stripes)


def _spikes(pen: Pen, scene: Scene, group: Group, colour: str, x: Place, y: Place, ends: Ends) -> None:
    """Fill from the lowest to the highest sample of each bucket."""
    data = [
        f"M{x(time):.1f} {y(high):.1f}H{x(time + scene.step):.1f}V{y(low):.1f}H{x(time):.1f}z"
        for time, low, high in _spans(group, scene.start)
    ]
    pen.path("".join(data), fill=colour, fill_opacity=0.25)
    tops = highs(group.lines[0], scene.start) if len(group.lines) == 1 else summed(group.lines, scene.start)
    seconds = grain(scene.step, scene.range, x(scene.end) - x(scene.start))
    strokes = [
        f"M{math.floor(x(peak.time + scene.step / 2)) + 0.5} {y(peak.drawn):.1f}V{y(peak.value):.1f}"
        for peak in standing_off(lone(tops, seconds), seconds, ends.max - ends.min)
    ]
    pen.path("".join(strokes), fill="none", stroke=colour, stroke_width=1, stroke_opacity=0.5)


def _spans(group: Group, start: float) -> list[tuple[float, float, float]]:
    """Return between what the samples of each bucket lay; of a sum it is known only how high it was at least."""
    if not any(own.coarse for own in group.lines):
        return []
    if len(group.lines) == 1:
        return [(time, low, high) for time, _, low, high in group.lines[0].buckets(start)]
    return [(top.time, top.drawn, top.value) for top in summed(group.lines, start)]


def _run(lines: Sequence[Line], start: float) -> Run:
    """Return the sums of lines by time."""
    sums: dict[float, float] = {}
    for own in lines:
        for time, mean in zip(own.times, own.means, strict=True):
            if start <= time < own.time:
                sums[time] = sums.get(time, 0.0) + mean
        if own.time >= start:
            sums[own.time] = sums.get(own.time, 0.0) + own.value
    return sorted(sums.items())
