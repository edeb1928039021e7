"""How long the event loop was kept from looking for news, by whatever ran on it."""

from __future__ import annotations

import selectors
import time

from dashboard.tally import Tally


class PromptSelector(selectors.DefaultSelector):
    """Times the loop's work between two looks for what has happened: so long everything that happened had to wait.

    A timer would tell only of what stands in its own way, and miss most of what is shorter than its interval.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tally: Tally | None = None
        """Where the longest is noted."""
        self._looked = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for something to happen."""
        busy = time.monotonic() - self._looked
        if self.tally is not None and busy > self.tally.loop_lag:
            self.tally.loop_lag = busy
        found = super().select(timeout)
        self._looked = time.monotonic()
        return found
