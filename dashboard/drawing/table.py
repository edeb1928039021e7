"""The newest value of each line, with how old it is."""

from __future__ import annotations

from dashboard.drawing.line import Line
from dashboard.drawing.name import fit, legend_names, tell_apart, width_of
from dashboard.drawing.number import age
from dashboard.drawing.panel import content_of
from dashboard.drawing.printed import Printed, account, printed_line
from dashboard.drawing.scene import Scene
from dashboard.drawing.svg import Pen

_ROW = 28.0
_AGE = 72.0  # width of the last column


def draw_table(pen: Pen, scene: Scene) -> None:
    """Draw a panel of kind `table`."""
    palette, content, known = scene.palette, content_of(scene), scene.known
    room = max(1, int(content.height // _ROW) - 1)
    count = room - 1 if len(known) > room else len(known)
    head = content.top + _ROW / 2
    value = content.right - _AGE
    pen.write(content.left, head, "Series", palette.muted)
    pen.write(value, head, "Value", palette.muted, anchor="end")
    pen.write(content.right, head, "Age", palette.muted, anchor="end")
    names = tell_apart(legend_names(scene.panel.legend, [line.named for line in known]))
    for at, (line, parts) in enumerate(zip(known[:count], names, strict=False), 1):
        top = content.top + at * _ROW
        pen.rect(content.left, round(top), content.width, 1, palette.grid)
        _cells(pen, scene, line, parts, top + _ROW / 2)
    if count < len(known):
        middle = content.top + (count + 1.5) * _ROW
        pen.write(content.left, middle, f"and {len(known) - count} more", palette.muted)


def print_table(scene: Scene) -> Printed:
    """Return the account of a panel of kind `table`."""
    names = legend_names(scene.panel.legend, [line.named for line in scene.known])
    pairs = zip(scene.known, names, strict=True)
    lines = [printed_line(scene, line, name, scene.palette.text) for line, name in pairs]
    return account(scene, scene.panel.unit, lines)


def _cells(pen: Pen, scene: Scene, line: Line, parts: list[str], middle: float) -> None:
    palette, content, text = scene.palette, content_of(scene), scene.text(line)
    stale = not scene.past and line.stale(scene.now)
    room = content.width - _AGE - width_of(text, 14) - 12
    name = fit(parts, room, lambda part: width_of(part, 14))
    ink = palette.muted if stale else palette.text
    pen.write(content.left, middle, name, ink, size=14)
    pen.write(content.right - _AGE, middle, text, ink, size=14, anchor="end")
    pen.write(content.right, middle, age(scene.now - line.time), palette.muted, size=14, anchor="end")
