"""Annotations: what people and programs said of a moment or a time, with as much of their text as there is room for."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.drawing.name import width_of
from dashboard.drawing.panel import shortened
from dashboard.drawing.plot import Plot
from dashboard.drawing.scene import Note
from dashboard.drawing.svg import Pen

_MOST = 100  # in one image; the newest
_WIDEST, _LEAST = 200.0, 24.0  # of a text, in pixels
_ROW = 18.0


def draw_notes(pen: Pen, plot: Plot, notes: Sequence[Note]) -> None:
    """Draw a line for a moment, a tint for a time."""
    box, scene = plot.box, plot.scene
    for note in _within(plot, notes):
        left = round(plot.x(max(note.start, scene.start)))
        right = round(plot.x(min(note.last, scene.end)))
        pen.rect(left, box.top, right - left, box.height, scene.palette.text, fill_opacity=0.07)
        if note.start >= scene.start:
            pen.rect(left, box.top, 1, box.height, scene.palette.text, fill_opacity=0.5)
        if note.end is not None and note.end <= scene.end:
            pen.rect(right, box.top, 1, box.height, scene.palette.text, fill_opacity=0.5)


def tell_notes(pen: Pen, plot: Plot, notes: Sequence[Note]) -> None:
    """Write the first line of each text beside where it begins; one that would cover another stands below it."""
    box, palette = plot.box, plot.scene.palette
    for note in reversed(_within(plot, notes)):
        x = max(box.left, plot.x(note.start))
        leftward = box.right - x < 80
        room = min(_WIDEST, (x - box.left if leftward else box.right - x) - 12)
        text = shortened(note.text.partition("\n")[0].strip(), room)
        if room < _LEAST or not text.strip("…"):
            continue
        width = width_of(text, 12) + 8
        left = x - width - 3 if leftward else x + 3
        top = plot.free(left, left + width, _ROW)
        if top is None:
            continue
        pen.rect(left, top, width, 16, palette.surface, round=3, stroke=palette.edge, fill_opacity=0.9)
        pen.write(left + 4, top + 8, text, palette.text)


def _within(plot: Plot, notes: Sequence[Note]) -> list[Note]:
    return [note for note in notes if note.start <= plot.scene.end and note.last >= plot.scene.start][-_MOST:]
