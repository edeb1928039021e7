"""The forms in which points leave, by what reads them: JSON, and CSV as RFC 4180 has it."""

from __future__ import annotations

import csv
import io
import json

from dashboard.model import Series
from dashboard.web.shapes import FORMS, Line, by_series

NOON = 1_795_348_800.0
POINTS = [(NOON, 2.5, 1.0, 4.0), (NOON + 10.5, None, None, None), (NOON + 20, 1e16, -0.25, 3)]


def line(text: str, points: object = POINTS) -> Line:
    """Return a line of an answer."""
    series = Series.parse(text)
    return Line(text, series.name, series.labels, False, 10.0, "web-1/x", (NOON, 2.5), points)  # type: ignore[arg-type]


ODD = 'odd_ratio{path="C:\\\\a, \\"b\\"",time="x"}'
LINES = [line('load{instance="web-1"}'), line(ODD, [(NOON + 20, 7.0, 7.0, 7.0)])]


def test_by_series_each_point_is_a_list_and_nothing_is_null() -> None:
    body = json.loads(by_series({"as_of": "1-0", "step": 10}, LINES))
    assert body["as_of"] == "1-0" and [one["series"] for one in body["result"]] == [LINES[0].text, ODD]
    assert body["result"][0]["points"] == [list(point) for point in POINTS]
    assert body["result"][0]["last"] == [NOON, 2.5] and body["result"][0]["type"] == "gauge"


def test_rows_are_flat_objects_with_labels_of_their_own() -> None:
    """As Infinity and the like read them: a field is a column, and a label that is named like one gives way."""
    encode, kind, _ = FORMS["rows"]
    found = json.loads(encode({"step": 10}, LINES))
    assert kind == "application/json" and len(found) == 4
    assert found[0] == {
        "time": "2026-11-22T12:00:00+00:00",
        "series": 'load{instance="web-1"}',
        "name": "load",
        "instance": "web-1",
        "average": 2.5,
        "minimum": 1.0,
        "maximum": 4.0,
    }
    assert found[1]["time"] == "2026-11-22T12:00:10.500+00:00" and found[1]["average"] is None
    assert found[3]["time"] == "2026-11-22T12:00:20+00:00" and found[3]["path"] == 'C:\\a, "b"'
    assert json.loads(encode({"step": 10}, [])) == []


def read(body: bytes) -> list[list[str]]:
    """Read CSV as any program would; every line ends as RFC 4180 has it."""
    assert body.endswith(b"\r\n") and body.count(b"\n") == body.count(b"\r\n")
    return list(csv.reader(io.StringIO(body.decode("utf-8"), newline=""), strict=True))


def test_csv_has_a_line_for_each_time_and_a_column_for_each_series() -> None:
    encode, kind, ending = FORMS["csv"]
    assert kind.startswith("text/csv; charset=utf-8") and ending == "csv"
    header, *lines = read(encode({"step": 10}, LINES))
    load = LINES[0].text
    assert header == ["time", load, ODD, f"{load} minimum", f"{load} maximum", f"{ODD} minimum", f"{ODD} maximum"]
    assert lines == [
        ["2026-11-22T12:00:00+00:00", "2.5", "", "1", "4", "", ""],
        ["2026-11-22T12:00:10.500+00:00", "", "", "", "", "", ""],
        ["2026-11-22T12:00:20+00:00", "1e+16", "7", "-0.25", "3", "7", "7"],
    ]
    collected = read(encode({"step": 0}, LINES))
    assert collected[0] == ["time", load, ODD], "what was collected has one value, not three"


def test_csv_rows_have_a_line_for_each_point() -> None:
    encode, _, _ = FORMS["csv-rows"]
    header, *lines = read(encode({"step": 10}, LINES))
    assert header == ["time", "series", "average", "minimum", "maximum"]
    assert lines[1] == ["2026-11-22T12:00:10.500+00:00", LINES[0].text, "", "", ""]
    assert lines[3] == ["2026-11-22T12:00:20+00:00", ODD, "7", "7", "7"] and len(lines) == 4
