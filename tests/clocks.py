"""A clock that stands still until a test moves it."""

from __future__ import annotations

START = 1_700_000_000.0


class HandClock:
    """A `Clock` set by hand: time passes by `move`, and someone sets the machine's clock by `step`."""

    def __init__(self, wall: float = START) -> None:
        self._wall, self._monotonic = wall, 1_000.0

    def wall(self) -> float:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._wall += seconds
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock; no time passes."""
        self._wall += seconds
