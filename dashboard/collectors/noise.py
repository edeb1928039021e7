"""What is left out as noise, and how many of it."""

from __future__ import annotations

from collections.abc import Callable

import re2

from dashboard.collectors import Family, Sample

HIDDEN = Family(
    "dashboard_collector_hidden_devices", "gauge", "devices", "Devices that a collector leaves out as noise."
)


def ignored(pattern: str) -> Callable[[str], bool]:
    """Return a test whether a whole name matches `pattern`; remember its answers, for names recur every second."""
    compiled = re2.compile(pattern)
    known: dict[str, bool] = {}

    def test(name: str) -> bool:
        answer = known.get(name)
        if answer is None:
            if len(known) >= 10_000:
                known.clear()
            answer = known[name] = compiled.fullmatch(name) is not None
        return answer

    return test


def hidden(collector: str, count: int) -> Sample:
    """Say how many devices `collector` left out."""
    return Sample(HIDDEN.name, count, {"collector": collector})
