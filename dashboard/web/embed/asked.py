"""What an image is asked for: which chart, of when, how large, in which theme and zone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, tzinfo
from difflib import get_close_matches
from typing import cast, get_args
from zoneinfo import ZoneInfo

import msgspec

from dashboard.boards import Board, Panel, parse_duration
from dashboard.drawing.colour import ThemeName
from dashboard.drawing.image import DRAWN
from dashboard.errors import InvalidParameter, NoImage, UnknownChart
from dashboard.raster import MAX_PIXELS
from dashboard.web.routing import Context, number
from dashboard.web.times import iso, moment, span
from dashboard.web.wanted import longest

SIZES: Mapping[str, tuple[int, int]] = {
    "stat": (300, 88),
    "gauge": (300, 88),
    "heat": (640, 232),
    "bar": (400, 240),
    "table": (480, 320),
}
"""Width and height by the kind of the panel, in pixels; of all others `CHART`."""

CHART = (640, 280)

WIDTHS, HEIGHTS, SCALES = (160, 2400), (72, 1600), (1, 4)
"""Bounds of an image's parameters."""

_AHEAD = 86_400.0  # seconds that an axis may reach into the future

SHORTEST = 10.0
"""Seconds of a time axis at least."""


class Asked(msgspec.Struct, frozen=True):
    """An image that may be made: `span` are `from` and `to`, None where it is a range that goes on."""

    board: Board
    panel: Panel
    width: int
    height: int
    theme: ThemeName
    zone: tzinfo
    range: float | None
    span: tuple[float, float] | None


def read(context: Context, chart: str, now: float) -> Asked:
    """Read what is asked for; raise UnknownChart, NoImage or InvalidParameter, which say what there is instead."""
    board, panel = find(context.runtime.boards, chart)
    if panel.kind not in DRAWN:
        raise NoImage(f"{chart} is a panel of kind {panel.kind}; there are images of {', '.join(DRAWN)}")
    width, height = SIZES.get(panel.kind, CHART)
    theme = context.arg("theme") or "light"
    if theme not in get_args(ThemeName):
        raise InvalidParameter("theme", f"must be one of {', '.join(get_args(ThemeName))}")
    start, end = context.arg("from"), context.arg("to")
    if (start is None) != (end is None):
        raise InvalidParameter("to" if end is None else "from", "is missing: give both from and to, or a range")
    return Asked(
        board,
        panel,
        _whole(context, "width", width, WIDTHS),
        _whole(context, "height", height, HEIGHTS),
        cast("ThemeName", theme),
        _zone(context.arg("tz") or "UTC"),
        _range(context) if start is None else None,
        _span(context, start, end, now) if start is not None and end is not None else None,
    )


def find(boards: Mapping[str, Board], chart: str) -> tuple[Board, Panel]:
    """Return the panel that is called `<board>.<panel>`; raise UnknownChart, which names those called alike."""
    name, _, id = chart.partition(".")
    board = boards.get(name)
    for panel in board.panels if board is not None else ():
        if panel.id == id:
            return cast("Board", board), panel
    known = [name for board in boards.values() for name in board.charts]
    alike = (
        get_close_matches(chart[:200], known, 3, 0.5) or [name for name in known if id and name.endswith(f".{id}")][:3]
    )
    hint = f"did you mean {' or '.join(alike)}?" if alike else "`dashboard check-config` lists all charts"
    raise UnknownChart(f"there is no chart {chart[:200]!r}: {hint}")


def scale_of(context: Context, width: int, height: int) -> float:
    """Return how many times as large as its drawing a picture is to be; raise InvalidParameter when it is too large."""
    text = context.arg("scale") or "1"
    scale = number(text)
    if not SCALES[0] <= scale <= SCALES[1]:
        raise InvalidParameter("scale", f"must be a number from {SCALES[0]} to {SCALES[1]}")
    if width * height * scale * scale > MAX_PIXELS:
        most = math.floor(math.sqrt(MAX_PIXELS / width / height) * 10) / 10
        raise InvalidParameter("scale", f"must be at most {most:g}: {MAX_PIXELS:,} pixels are drawn and no more")
    return scale


def _whole(context: Context, name: str, default: int, bounds: tuple[int, int]) -> int:
    text = context.arg(name)
    if text is None:
        return default
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else -1
    if not bounds[0] <= value <= bounds[1]:
        raise InvalidParameter(name, f"must be a whole number of pixels from {bounds[0]} to {bounds[1]}")
    return value


def _range(context: Context) -> float | None:
    text = context.arg("range")
    if text is None:
        return None
    seconds, most = parse_duration(text) or number(text), longest(context.runtime.settings)
    if not SHORTEST <= seconds <= most:
        raise InvalidParameter("range", f"must be a time from {span(SHORTEST)} to {span(most)}, such as 15m, 6h or 30d")
    return seconds


def _span(context: Context, start: str, end: str, now: float) -> tuple[float, float]:
    begin, finish, most = moment("from", start), moment("to", end), longest(context.runtime.settings)
    if begin >= now:
        raise InvalidParameter("from", f"must be in the past: {iso(begin)} is not before {iso(now)}")
    if finish > now + _AHEAD:
        raise InvalidParameter("to", f"{iso(finish)} is in the future: nothing is known of it")
    if finish - begin < SHORTEST:
        raise InvalidParameter("to", f"must be at least {span(SHORTEST)} after from, {iso(begin)}")
    if finish - begin > most:
        raise InvalidParameter("from", f"at most {span(most)} are stored: begin at {iso(finish - most)} or later")
    return begin, finish


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        if len(name) <= 64:
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass  # no such zone, no name of one, or a folder of several
    raise InvalidParameter("tz", "must be UTC or the name of a zone that this machine knows, such as Europe/Berlin")
