"""The forms in which points leave: JSON by series, and flat rows or columns for spreadsheets and other programs.

All are made in a thread, of as few objects as may be: an answer has up to half a million points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from dashboard.model import Labels
from dashboard.points import Point
from dashboard.web.routing import JSON
from dashboard.web.times import iso
from dashboard.web.wanted import Form

CSV = "text/csv; charset=utf-8; header=present"
"""RFC 4180, and RFC 7111 for the parameter."""

_COLUMNS = ("average", "minimum", "maximum")


class Line(NamedTuple):
    """One series of an answer; `last` is its newest sample before the answer's end, `[time, value]`.

    `first` is when its record began, in Unix seconds, where that was looked up; `written` are the points before
    `points`, as they stand in a list of JSON, without its brackets.
    """

    text: str
    name: str
    labels: Labels
    counter: bool
    interval: float | None
    source: str
    last: tuple[float, float | None] | None
    points: Sequence[Point]
    first: float | None = None
    written: bytes = b""


Encode = Callable[[Mapping[str, object], Sequence[Line]], bytes]
"""Makes the body of an answer of its head and its lines."""


def by_series(head: Mapping[str, object], lines: Sequence[Line]) -> bytes:
    """Write the answer that pages read: each series with its points."""
    parts = [msgspec.json.encode(head)[:-1], b',"result":[']
    for line in lines:
        rest = msgspec.json.encode(line.points)[1:-1]
        parts += (msgspec.json.encode(_one(line))[:-1], b',"points":[', line.written)
        parts += (b"," if line.written and rest else b"", rest, b"]}", b",")
    if lines:
        parts.pop()
    return b"".join((*parts, b"]}"))


def rows(head: Mapping[str, object], lines: Sequence[Line]) -> bytes:
    """Write a JSON list of flat objects, one for each point: time, series, its labels, and the three values."""
    times = _Times()
    parts = []
    for line in lines:
        labels = {key: value for key, value in line.labels if key not in ("time", "series", "name", *_COLUMNS)}
        named = {"series": line.text, "name": line.name, **labels}
        middle = '",' + msgspec.json.encode(named).decode()[1:-1]
        parts += [
            f'{{"time":"{times[time]}{middle},"average":{_json(average)},"minimum":{_json(low)},"maximum":{_json(high)}}}'
            for time, average, low, high in line.points
        ]
    return f"[{','.join(parts)}]".encode()


def csv_rows(head: Mapping[str, object], lines: Sequence[Line]) -> bytes:
    """Write a line of CSV for each point: time, series, average, minimum, maximum; empty where there is nothing."""
    times = _Times()
    parts = [",".join(("time", "series", *_COLUMNS))]
    for line in lines:
        text = _quoted(line.text)
        parts += [
            f"{times[time]},{text},{_cell(average)},{_cell(low)},{_cell(high)}"
            for time, average, low, high in line.points
        ]
    return _lines(parts)


def csv(head: Mapping[str, object], lines: Sequence[Line]) -> bytes:
    """Write a line of CSV for each time, with a column for each series.

    Where points are of many samples, what they average comes first, then a column each for minimum and maximum.
    """
    names = [line.text for line in lines]
    columns = [{point[0]: _cell(point[1]) for point in line.points} for line in lines]
    if head["step"]:
        names += [f"{line.text} {which}" for line in lines for which in ("minimum", "maximum")]
        columns += [{point[0]: _cell(point[at]) for point in line.points} for line in lines for at in (2, 3)]
    parts = [",".join(("time", *map(_quoted, names)))]
    parts += [
        f"{iso(time)},{','.join(column.get(time, '') for column in columns)}"
        for time in sorted({point[0] for line in lines for point in line.points})
    ]
    return _lines(parts)


FORMS: Mapping[Form, tuple[Encode, str, str]] = {
    "json": (by_series, JSON, "json"),
    "rows": (rows, JSON, "json"),
    "csv": (csv, CSV, "csv"),
    "csv-rows": (csv_rows, CSV, "csv"),
}
"""By form: what writes it, its media type, and the ending of its file's name."""


def _one(line: Line) -> dict[str, object]:
    """Return what is told of a series besides its points."""
    return {
        "series": line.text,
        "type": "counter" if line.counter else "gauge",
        "interval": line.interval,
        "source": line.source,
        "last": line.last,
        **({} if line.first is None else {"first": line.first}),
    }


class _Times(dict[float, str]):
    """Times as ISO 8601, each written once: series share them."""

    def __missing__(self, time: float) -> str:
        text = self[time] = iso(time)
        return text


def _json(value: float | None) -> str:
    return "null" if value is None or value != value else repr(value)


def _cell(value: float | None) -> str:
    """Write a value as briefly as is exact: whole ones without a point."""
    return "" if value is None or value != value else repr(value).removesuffix(".0")


def _quoted(text: str) -> str:
    escaped = text.replace('"', '""')
    return f'"{escaped}"'


def _lines(lines: Iterable[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n").encode()
