"""What a page asks first: put to the browser in the page's head, so that it is answered before any script has come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import takewhile
from urllib.parse import urlencode

import msgspec

from dashboard.boards import Board, Panel
from dashboard.selector import Selector
from dashboard.window import Window

ALSO = ("system_uptime_seconds", "system_load_*", "dashboard_collector_hidden_devices")
"""Series that every page shows besides those of its board: the line of health, and how many devices are hidden."""

_SPANS = (120, 300, 600, 900)
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
_POINTS = 300


class Question(msgspec.Struct, frozen=True):
    """The first `query_range` of a page, whose charts are `range` seconds wide, with a point for each `step`.

    `selectors` are all that the page shows; what is asked for first is what stands above its first heading, and
    `later` is the rest, which nobody sees before.
    """

    selectors: list[str]
    later: list[str]
    range: float
    step: float
    url: str


def range_of(recorded: float, wanted: float) -> float:
    """Return the seconds to draw of a record that began `recorded` seconds ago; a young one gets less than is wanted.

    The same rules stand in `static/js/span.js`; `tests/cases/spans.json` holds both to them.
    """
    return min(wanted, next((span for span in _SPANS if span > recorded + 10), math.inf))


def step_of(range: float) -> float:
    """Return the seconds that one point of a range stands for."""
    return next((step for step in _STEPS if step >= range / _POINTS), 3600)


def first_question(board: Board, window: Window, now: float) -> Question:
    """Return what a page of this board asks first, if its reader has chosen no range of their own."""
    selectors = _selectors(board.panels)
    first = _selectors(list(takewhile(lambda panel: panel.kind != "text", board.panels)) or board.panels)
    chosen = window.select([Selector.parse(text) for text in selectors])
    begin = min((line.times[0] for line in chosen if line.times), default=now)
    range = range_of(now - begin, board.range)
    step = step_of(range)
    end = math.ceil(now) + 1
    start = math.floor((end - range) / step) * step
    span = (("start", str(start)), ("end", str(end)), ("step", str(step)))
    query = [*(("match", text) for text in first), *span, ("unknown", "empty")]
    later = [text for text in selectors if text not in first]
    return Question(selectors, later, range, step, f"/api/v1/query_range?{urlencode(query)}")


def _selectors(panels: Sequence[Panel]) -> list[str]:
    return list(dict.fromkeys([*(text for panel in panels for text in panel.series), *ALSO]))
