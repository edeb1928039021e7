"""What an image is to show: a panel, its lines, a time, a theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import NamedTuple, Protocol

import msgspec

from dashboard.drawing.colour import PALETTES, Palette, ThemeName
from dashboard.drawing.coverage import Span
from dashboard.drawing.line import Line
from dashboard.drawing.number import NONE


class ThresholdSpec(Protocol):
    """A value above which a panel shows a state."""

    @property
    def above(self) -> float: ...
    @property
    def severity(self) -> str: ...


class PanelSpec(Protocol):
    """A chart of a board, as far as drawing it goes."""

    @property
    def title(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def series(self) -> Sequence[str]: ...
    @property
    def legend(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def min(self) -> float | None: ...
    @property
    def max(self) -> float | None: ...
    @property
    def stack(self) -> bool: ...
    @property
    def thresholds(self) -> Sequence[ThresholdSpec]: ...


class Note(NamedTuple):
    """An annotation: a moment, or a time with an end, in Unix seconds, and what was said of it."""

    start: float
    end: float | None
    text: str

    @property
    def last(self) -> float:
        """Return when it ends."""
        return self.start if self.end is None else self.end


class Scene(msgspec.Struct, frozen=True):
    """All that an image is made of.

    `start` and `end` are the ends of its time axis in Unix seconds, `now` the time that ages are told by: the present,
    or the newest of a past that is over (`past`). `lines` are those to show, in their order; `slots` the places of
    their colours; `gone` the texts of those whose source goes on without them; `reasons` why a source is silent;
    `absence` what to say where there are none. `notes` are by their start. `width` and `height` are pixels.
    """

    panel: PanelSpec
    lines: Sequence[Line]
    slots: Mapping[str, int]
    start: float
    end: float
    now: float
    step: float
    zone: tzinfo
    width: int
    height: int
    theme: ThemeName = "light"
    past: bool = False
    blind: Sequence[Span] = ()
    notes: Sequence[Note] = ()
    gone: frozenset[str] = frozenset()
    reasons: Mapping[str, str] = {}
    absence: str = "No data."

    @property
    def palette(self) -> Palette:
        """Return the colours of the theme."""
        return PALETTES[self.theme]

    @property
    def range(self) -> float:
        """Return the seconds that the axis shows."""
        return self.end - self.start

    def text(self, line: Line) -> str:
        """Write the value of a line; at the end of a past, only one that was true then."""
        return line.text(self.panel.unit) if not self.past or line.held(self.now) else NONE

    @property
    def known(self) -> list[Line]:
        """Return the lines that have a value."""
        return [line for line in self.lines if line.has_value]
