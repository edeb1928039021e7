"""The place between the axes of a chart, and where times lie in it."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.drawing.coverage import Span
from dashboard.drawing.panel import Box
from dashboard.drawing.scene import Scene

_LEAST = 2.0  # least width of a band: a short one is seen in a long range, too


class Plot:
    """The place between the axes, and where times lie in it."""

    def __init__(self, scene: Scene, box: Box) -> None:
        self.scene, self.box = scene, box
        self._taken: list[tuple[float, float, float]] = []

    def x(self, time: float) -> float:
        """Return where a time lies."""
        return self.box.left + (time - self.scene.start) / self.scene.range * self.box.width

    def band(self, span: Span) -> tuple[float, float]:
        """Return the place and the width of a time on whole pixels, within the axis and never less than two."""
        left, right = (
            float(round(min(self.box.right, max(self.box.left, self.x(time))))) for time in (span.start, span.end)
        )
        return min(left, round(self.box.right) - _LEAST), max(right - left, _LEAST)

    def watched(self, spans: Sequence[Span]) -> list[tuple[float, float, float, float]]:
        """Return the boxes of the plot that lie in none of these times."""
        boxes, left = [], self.box.left
        for x, width in sorted(map(self.band, spans)):
            boxes.append((left, self.box.top, x - left, self.box.height))
            left = max(left, x + width)
        boxes.append((left, self.box.top, self.box.right - left, self.box.height))
        return [box for box in boxes if box[2] > 0]

    def free(self, left: float, right: float, row: float) -> float | None:
        """Take a place for words between two sides: the topmost row that is free; None where none of three is."""
        for at in range(3 if row else 1):
            top = self.box.top + 5 + at * row
            if top + 16 > self.box.bottom:
                return None
            if all(right <= other or left >= end or abs(top - y) >= 16 for other, end, y in self._taken):
                self._taken.append((left, right, top))
                return top
        return None
