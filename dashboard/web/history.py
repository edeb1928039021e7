"""What a page asks first: put to the browser in the page's head, so that it is answered before any script has come."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from dashboard.boards import Board, Panel, parse_duration
from dashboard.errors import InvalidParameter, StorageError
from dashboard.selector import Selector
from dashboard.web.routing import Context, number
from dashboard.web.times import moment
from dashboard.web.wanted import longest

if TYPE_CHECKING:
    from dashboard.runtime import Runtime

ALSO = ("system_uptime_seconds", "system_load_*", "dashboard_collector_hidden_devices")
"""Series that every page shows besides those of its board: the line of health, and how many devices are hidden."""

_SPANS = (120, 300, 600, 900)
_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_POINTS = 360
_SHORTEST = 10.0


class Live(msgspec.Struct, frozen=True):
    """The last seconds, which go on."""

    range: float


class Past(msgspec.Struct, frozen=True):
    """A time that is over, in Unix seconds."""

    start: float
    end: float


class Question(msgspec.Struct, frozen=True):
    """The first `query_range` of a page, whose charts are `range` seconds wide, with a point for each `step`.

    `selectors` are all that the page shows; what is asked for first is what stands above its first heading, and
    `later` is the rest, which nobody sees before. `wanted` are the seconds that the page is to show, of which a young
    record has fewer; of a time that is past `start` and `end` are where it begins and ends. `longest` are the seconds
    that its reader may choose.
    """

    selectors: list[str]
    later: list[str]
    wanted: float
    range: float
    step: float
    start: float | None
    end: float | None
    longest: float
    url: str


def range_of(recorded: float, wanted: float) -> float:
    """Return the seconds to draw of a record that began `recorded` seconds ago; a young one gets less than is wanted.

    The same rules stand in `static/js/span.js`; `tests/cases/spans.json` holds both to them.
    """
    return min(wanted, next((span for span in _SPANS if span > recorded + 10), math.inf))


def step_of(range: float) -> float:
    """Return the seconds that one point of a range stands for."""
    return next((step for step in _STEPS if step >= range / _POINTS), 604_800)


def frame_of(args: Mapping[str, str], longest: float) -> Live | Past | None:
    """Return what an address says of the time to show, of `longest` seconds at most: `range`, or `from` and `to`.

    None: nothing that could be shown, which the page then says. The same rules stand in `static/js/timeframe.js`;
    `tests/cases/frames.json` holds both to them.
    """
    start, end = args.get("from"), args.get("to")
    if start is None and end is None:
        text = args.get("range", "")
        seconds = parse_duration(text) or number(text)
        return Live(seconds) if _SHORTEST <= seconds <= longest else None
    try:
        past = Past(moment("from", start or ""), moment("to", end or ""))
    except InvalidParameter:
        return None
    return past if 1 <= past.end - past.start <= longest else None


async def first_question(context: Context, board: Board) -> Question:
    """Return what a page of this board asks first, which shows the time that its address says."""
    runtime = context.runtime
    now = runtime.clock.wall()
    selectors = _selectors(board.panels)
    first = _selectors(list(takewhile(lambda panel: panel.kind != "text", board.panels)) or board.panels)
    most = longest(runtime.settings)
    frame = frame_of(context.request.args, most) or Live(board.range)
    past = frame if isinstance(frame, Past) else None
    if isinstance(frame, Past):
        wanted = range = frame.end - frame.start
    else:
        wanted = frame.range
        # What its reader has chosen is drawn in all its width.
        range = range_of(await _recorded(runtime, selectors, now), wanted) if wanted == board.range else wanted
    step = step_of(range)
    end = math.ceil(past.end / step) * step if past else math.ceil(now) + 1
    start = math.floor((past.start if past else end - range) / step) * step
    span = (("start", str(start)), ("end", str(end)), ("step", str(step)))
    query = [*(("match", text) for text in first), *span, ("unknown", "empty")]
    later = [text for text in selectors if text not in first]
    url = f"/api/v1/query_range?{urlencode(query)}"
    start_end = (past.start, past.end) if past else (None, None)
    return Question(selectors, later, wanted, range, step, start_end[0], start_end[1], most, url)


async def _recorded(runtime: Runtime, selectors: Sequence[str], now: float) -> float:
    """Return for how many seconds there is a record of any of these series; a long one is not told exactly."""
    parsed = [Selector.parse(text) for text in selectors]
    begin = min((line.times[0] for line in runtime.window.select(parsed) if line.times), default=now)
    if now - begin < _SPANS[-1]:  # an earlier run may have recorded more
        try:
            stored = await asyncio.to_thread(runtime.history.catalogue, parsed)
        except StorageError:
            return now - begin
        begin = min((begin, *(known.first for known in stored)))
    return now - begin


def _selectors(panels: Sequence[Panel]) -> list[str]:
    return list(dict.fromkeys([*(text for panel in panels for text in panel.series), *ALSO]))
