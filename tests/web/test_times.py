"""Times of a question: what is taken, and what is refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dashboard.errors import InvalidParameter
from dashboard.web.times import iso, moment, seconds, span

THREE = datetime(2026, 11, 22, 3, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("0", 0.0),
        ("-5.5", -5.5),
        ("1795316400.25", 1795316400.25),
        ("2026-11-22T03:00:00Z", THREE),
        ("2026-11-22t03:00z", THREE),
        ("2026-11-22 03:00:00+00:00", THREE),
        ("2026-11-22T04:00:00+01:00", THREE),
        ("2026-11-22T04:00:00 01:00", THREE),
        ("2026-11-21T21:30:00-0530", THREE),
        ("2026-11-22T03:00:00.125Z", THREE + 0.125),
        ("2026-11-22T03:00:00,5Z", THREE + 0.5),
    ],
)
def test_a_time_is_unix_seconds_or_iso_with_an_offset(text: str, time: float) -> None:
    """A bare + in an address arrives as a space, so that is one, too."""
    assert moment("start", text) == time


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-11-22T03:00", "start: 2026-11-22T03:00 has no offset from UTC, and a zone is never guessed"),
        ("2026-11-22 03:00:00", "write 2026-11-22 03:00:00Z for UTC"),
        ("2026-11-22", "start: must be a time"),
        ("2026-02-30T03:00Z", "no time that there is"),
        ("2026-11-22T24:30Z", "no time that there is"),
        ("2026-11-22T03:00+25:00", "no time that there is"),
        ("0001-01-01T00:00+23:00", "far from any time"),
        ("now", "start: must be a time: Unix seconds, or ISO 8601"),
        ("1_000", "must be a time"),
        ("1e999", "must be a time"),
        ("1795316400000", "not milliseconds"),
        ("-1e308", "not milliseconds"),
        ("\N{ARABIC-INDIC DIGIT ONE}", "must be a time"),
        ("2026-11-22T03:00:00.1234567891Z", "must be a time"),
    ],
)
def test_any_other_text_is_refused_with_what_would_be_taken(text: str, said: str) -> None:
    with pytest.raises(InvalidParameter) as raised:
        moment("start", text)
    assert said in str(raised.value)


def test_a_span_is_seconds_or_has_a_unit() -> None:
    told = {"0": 0.0, "1.5": 1.5, "500ms": 0.5, "15s": 15.0, "2m": 120.0, "6h": 21_600.0, "30d": 2_592_000.0}
    assert {text: seconds("step", text) for text in told} == told
    for text in ("", "s", "1 s", "1y", "0x1", "+-1", "1e999", "1_0"):
        with pytest.raises(InvalidParameter, match="step: must be a number of seconds, or one with a unit"):
            seconds("step", text)


def test_times_and_spans_are_written_for_people() -> None:
    assert iso(THREE) == "2026-11-22T03:00:00+00:00" and iso(THREE + 0.25) == "2026-11-22T03:00:00.250+00:00"
    assert [span(length) for length in (1.5, 90, 7_200, 129_600, 172_800, 63_072_000)] == [
        "1.5 s",
        "90 s",
        "2 h",
        "36 h",
        "2 d",
        "2 years",
    ]
