"""The frame of every image: the panel of the page, with its title, the time of its data, and how true it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from dashboard.drawing.name import fit, width_of
from dashboard.drawing.scene import Scene
from dashboard.drawing.standing import Standing, brief, stamps
from dashboard.drawing.svg import Pen

HEAD = 20.0
"""Height of the line of the title."""

_EDGE, _SIDE, _ABOVE = 1.0, 12.0, 8.0
_LEADING = 16.0
_LOW = 72.0  # below this height a veil leaves the left to the number


class Box(NamedTuple):
    """A rectangle, by its sides in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Return how wide it is, and not less than nothing."""
        return max(0.0, self.right - self.left)

    @property
    def height(self) -> float:
        """Return how high it is, and not less than nothing."""
        return max(0.0, self.bottom - self.top)


def content_of(scene: Scene) -> Box:
    """Return the place below the title, as the page has it in a panel of this size."""
    side, above = _EDGE + _SIDE, _EDGE + _ABOVE
    return Box(side, above + HEAD, scene.width - side, scene.height - above)


@contextmanager
def framed(pen: Pen, scene: Scene, standing: Standing) -> Iterator[Box | None]:
    """Draw the frame and the head; yield the place of what is shown, None where there is nothing to show.

    What is drawn meanwhile loses its colour when it is stale, and lies behind a veil that says so.
    """
    palette, content = scene.palette, content_of(scene)
    stale = standing.state == "stale"
    dashed = {"stroke_dasharray": "3 3", "stroke": palette.muted} if stale else {"stroke": palette.edge}
    pen.rect(0.5, 0.5, scene.width - 1, scene.height - 1, palette.surface, round=8, **dashed)
    _head(pen, scene, standing)
    if standing.state == "empty":
        _lines(pen, content, standing.reason, palette.muted)
        yield None
    elif stale:
        with pen.faded(palette.muted):
            yield content
        _veil(pen, scene, standing)
    else:
        yield content


def wrapped(text: str, width: float, most: int, size: float = 12) -> list[str]:
    """Return a text in lines that fit a width, `most` at most; the last ends in an ellipsis where more is left."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most:
        line = words.pop(0)
        if len(lines) == most - 1:
            line, words = " ".join([line, *words]), []
        while words and width_of(f"{line} {words[0]}", size) <= width:
            line += f" {words.pop(0)}"
        lines.append(shortened(line, width, size))
    return lines


def shortened(text: str, width: float, size: float = 12, *, bold: bool = False) -> str:
    """Return the beginning of a text, as much as there is room for."""
    return fit([text], width, lambda part: width_of(part, size, bold=bold))


def _head(pen: Pen, scene: Scene, standing: Standing) -> None:
    """Write the title, when the data was true, and between them what is stale; the time is never left out."""
    palette, content = scene.palette, content_of(scene)
    middle = content.top - HEAD / 2
    titled = min(width_of(scene.panel.title, 14, bold=True), content.width * 0.6)
    room = content.width - titled - 8
    some = standing.state == "some"
    texts = stamps(scene)
    fitting = [text for text in texts if width_of(text, 12) <= room and not some]
    stamp = [*fitting, texts[-1]][0]
    taken = width_of(stamp, 12) + 8
    title = shortened(scene.panel.title, content.width - taken, 14, bold=True)
    pen.write(content.left, middle, title, palette.text, size=14, weight=600)
    pen.write(content.right, middle, stamp, palette.muted, anchor="end")
    if some:
        begin = content.left + width_of(title, 14, bold=True) + 8
        badge = shortened(f"{standing.words} · {brief(standing.reason)}", content.right - taken - begin)
        pen.write(content.right - taken, middle, badge, palette.warning, anchor="end")


def _veil(pen: Pen, scene: Scene, standing: Standing) -> None:
    """Lay stripes over all that is shown, and say for how long it is old, and why."""
    palette, content = scene.palette, content_of(scene)
    stripes = pen.hatch("veil", palette.hatch, 11, 2)
    pen.rect(1, content.top, scene.width - 2, scene.height - content.top - 1, stripes, fill_opacity=0.6)
    tile = content.height < _LOW
    # Of a tile the old number stays to be read, at its left.
    left = content.left + (content.width * 0.46 if tile else 0)
    width = content.right - left - 16
    reasons = wrapped(brief(standing.reason), width, 2 if tile else 3)
    top = max(content.top, (content.top + content.bottom - 20 - _LEADING * len(reasons)) / 2)
    middle = (left + content.right) / 2
    head = standing.words
    if width_of(head, 14, bold=True) > width:
        head = shortened(head.rpartition(" ")[0], width, 14, bold=True)
    _tagged(pen, scene, middle, top + 10, head, palette.warning, size=14, weight=600)
    for at, line in enumerate(reasons):
        _tagged(pen, scene, middle, top + 20 + _LEADING * (at + 0.5), line, palette.muted)


def _tagged(
    pen: Pen, scene: Scene, x: float, y: float, text: str, fill: str, *, size: float = 12, weight: int = 400
) -> None:
    width, height = width_of(text, size, bold=weight > 500) + 4, _LEADING if size == 12 else 20
    pen.rect(x - width / 2, y - height / 2, width, height, scene.palette.surface, round=4)
    pen.write(x, y, text, fill, size=size, weight=weight, anchor="middle")


def _lines(pen: Pen, box: Box, text: str, fill: str) -> None:
    most = max(1, int(box.height // _LEADING))
    texts: Sequence[str] = wrapped(text, box.width - 16, most)
    top = (box.top + box.bottom - _LEADING * len(texts)) / 2
    for at, line in enumerate(texts):
        pen.write((box.left + box.right) / 2, top + _LEADING * (at + 0.5), line, fill, anchor="middle")
