"""How true an image is: live, stale in part or as a whole, or empty; and why. The rules are those of the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from dashboard.drawing.line import Line
from dashboard.drawing.number import age
from dashboard.drawing.printed import zone_name
from dashboard.drawing.scale import day_text
from dashboard.drawing.scene import Scene

STRICT = frozenset({"stat", "gauge"})
"""Kinds that make one figure of all their lines: one that is stale makes the whole stale."""

OVER_TIME = frozenset({"line", "area", "heat"})
"""Kinds with a time axis."""

LONG = 3600.0
"""Seconds of a range from which a line is drawn for as long as it has points."""

MOURNING = 60.0
"""Seconds for which a series whose device vanished is still shown."""

_COLLECTOR = re.compile(r"collector ([^:]+): (?:(?:/|[A-Za-z]:\\)(?:[^:]*[/\\])?([^/\\:]+):(\d+): )?(.*)", re.S)


class Standing(NamedTuple):
    """What an image says of itself: its state, for how long, and why."""

    state: Literal["live", "some", "stale", "empty"]
    words: str = ""
    reason: str = ""


def held(lines: Sequence[Line], now: float, kind: str) -> list[Line]:
    """Return the lines to be shown of a past: where only the values of its end are, those that had one then."""
    return [line for line in lines if kind in OVER_TIME or line.held(now)]


def shown(lines: Sequence[Line], gone: frozenset[str], now: float, kind: str, range: float) -> list[Line]:
    """Return the lines to be shown: without those whose device vanished a while ago, but in a long range."""
    if kind in STRICT:
        return [line for line in lines if line.key not in gone] or list(lines)
    long = kind in OVER_TIME and range >= LONG
    return [line for line in lines if long or _lives(line, gone, now)]


def standing(scene: Scene) -> Standing:
    """Tell how true the image of a scene is."""
    known = scene.known
    if not known:
        return Standing("empty", reason=scene.absence)
    known = [line for line in known if _lives(line, scene.gone, scene.now)] or known
    overdue = [] if scene.past else [line for line in known if line.stale(scene.now)]
    if not overdue:
        return Standing("live")
    stale = [line for line in overdue if line.key not in scene.gone]
    told = stale or overdue
    oldest = min(told, key=lambda line: line.time)
    length = age(scene.now - oldest.time)
    words = f"STALE {length}" if stale else f"gone for {length}"
    without = f"{oldest.source} goes on without {'them' if len(told) > 1 else 'it'}"
    reason = scene.reasons.get(oldest.source, _silent(oldest.source)) if stale else without
    if len(overdue) == len(known) or scene.panel.kind in STRICT:
        return Standing("stale", words, reason)
    return Standing("some", f"{len(told)} of {len(known)} {words}", reason)


def stamps(scene: Scene) -> list[str]:
    """Return when the newest of what is shown was true, or that there was nothing, in longer and in shorter words."""
    newest = max((line.time for line in scene.known), default=scene.now)
    at = datetime.fromtimestamp(newest, scene.zone)
    clock = f"{at:%H:%M:%S} {zone_name(scene)}"
    return [f"{day_text(at)} {at.year}, {clock}", f"{day_text(at)} {clock}", clock]


def brief(cause: str) -> str:
    """Return a cause in few words: what is wrong comes before where it is."""
    found = _COLLECTOR.fullmatch(cause)
    if found is None:
        return re.sub(" and is tried anew$", "", re.sub(": it (was )?", ": ", cause, count=1))
    name, file, line, error = found.groups()
    where = "" if file is None else f", line {line}" if file == f"{name}.py" else f", {file} line {line}"
    return f"{error} · collector {name}{where}"


def _lives(line: Line, gone: frozenset[str], now: float) -> bool:
    """Tell whether a series goes on, or its device vanished only just now."""
    return now - line.time < MOURNING or line.key not in gone


def _silent(source: str) -> str:
    return f"source {source}: it stopped sending" if source else "it stopped coming"
