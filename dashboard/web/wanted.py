"""What a question for points asks, held against what may be asked; each refusal says what would be allowed."""

from __future__ import annotations

import math
from typing import Literal, cast, get_args

import msgspec

from dashboard.config import Settings
from dashboard.errors import InvalidParameter, TooManyPoints
from dashboard.history import kept
from dashboard.selector import Selector, parse_all
from dashboard.web.routing import Context
from dashboard.web.times import iso, moment, seconds, span

MAX_POINTS = 500_000
"""Points of one answer at most."""

MAX_SERIES = 2_000
"""Series of one answer at most: as many as a page keeps."""

MAX_WIDTH = 10_000
"""Points of each series that the parameter `points` may ask for at most."""

SHORTEST, LONGEST = 0.1, 1e9
"""Seconds of the shortest step, for nothing is collected more often, and of the longest."""

_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800)
"""As in `static/js/span.js`: multiples of what is kept of each age, so that no answer has to be coarser."""

Form = Literal["json", "rows", "csv", "csv-rows"]
"""The forms of an answer: by series, or flat rows, each as JSON or CSV."""


class Wanted(msgspec.Struct, frozen=True):
    """A question that may be asked; times in Unix seconds, `step` 0: as collected."""

    selectors: list[Selector]
    start: float
    end: float
    step: float
    raw: bool = False
    form: Form = "json"
    lenient: bool = False
    """Whether series that nobody knows are an empty answer and no error."""
    download: bool = False


def read(context: Context, now: float) -> Wanted:
    """Read the question of a request; raise SelectorSyntaxError or InvalidParameter."""
    runtime = context.runtime
    selectors = parse_all(context.args("match"), len(runtime.window))
    if not selectors:
        raise InvalidParameter("match", "name at least one selector, such as match=system_load_1m")
    end = moment("end", text) if (text := context.arg("end")) else now
    start = moment("start", text) if (text := context.arg("start")) else end - runtime.settings.window
    _check_span(start, end, longest(runtime.settings))
    return Wanted(
        selectors,
        start,
        end,
        _step(context, end - start),
        raw=context.arg("raw") == "1",
        form=_form(context),
        lenient=context.arg("unknown") == "empty",
        download=context.arg("download") == "1",
    )


def longest(settings: Settings) -> float:
    """Return the seconds that anything is kept, and that one question may reach over, at most."""
    return max(settings.window, *kept(settings).ages.values())


def limit(series: int, points: float, wanted: Wanted) -> None:
    """Raise TooManyPoints when an answer would have too many series, or too many points in all."""
    if series > MAX_SERIES:
        raise TooManyPoints(
            f"{series} series are chosen; at most {MAX_SERIES} come at once: narrow the selectors, or ask in parts",
            series,
            MAX_SERIES,
            "match",
        )
    if not series or points <= MAX_POINTS:
        return
    least = (wanted.end - wanted.start) * series / MAX_POINTS
    raise TooManyPoints(
        f"{series} series would give {points:.0f} points; at most {MAX_POINTS}: "
        f"take a step of at least {_rounded_up(least)} s, a shorter range, or fewer series",
        series,
        int(MAX_POINTS * series / points),
    )


def step_for(length: float, points: int) -> float:
    """Return the shortest of the usual steps by which a range of so many seconds has no more than so many points."""
    least = length / points
    return next((step for step in _STEPS if step >= least), math.ceil(least / 604_800) * 604_800)


def whole(wanted: Wanted) -> tuple[float, float]:
    """Return start and end of whole buckets, so that each is the same wherever a question begins and ends."""
    start, end, step = wanted.start, wanted.end, wanted.step
    return (math.floor(start / step) * step, math.ceil(end / step) * step) if step else (start, end)


def _check_span(start: float, end: float, longest: float) -> None:
    if start >= end:
        raise InvalidParameter("start", f"must be before end: {iso(start)} is not before {iso(end)}")
    if end - start > longest + 2 * _STEPS[-1]:  # more, for pages ask for whole steps
        raise InvalidParameter(
            "start",
            f"{span(end - start)} are asked for; at most {span(longest)} are stored and given at once: "
            f"begin at {iso(end - longest)} or later",
        )


def _step(context: Context, length: float) -> float:
    text, width = context.arg("step"), context.arg("points")
    if width is not None:
        if text is not None:
            raise InvalidParameter("points", "give either this or step")
        if not (width.isascii() and width.isdigit() and len(width) < 10 and 1 <= int(width) <= MAX_WIDTH):
            raise InvalidParameter("points", f"must be a whole number from 1 to {MAX_WIDTH}")
        return step_for(length, int(width))
    step = seconds("step", text) if text is not None else 0.0
    if step != 0 and step < SHORTEST:
        raise InvalidParameter("step", f"must be 0 (as collected), or at least {SHORTEST:g} s; this is {step:g} s")
    if step > LONGEST:
        raise InvalidParameter("step", f"must be at most {LONGEST:.0f} s")
    return step


def _form(context: Context) -> Form:
    form = context.arg("format") or "json"
    if form not in get_args(Form):
        raise InvalidParameter("format", f"must be one of {', '.join(get_args(Form))}")
    return cast("Form", form)


def _rounded_up(seconds: float) -> str:
    """Write a step in whole seconds, a short one in tenths; never less than it is."""
    return f"{math.ceil(seconds * 10) / 10:g}" if seconds < 10 else f"{math.ceil(seconds)}"
