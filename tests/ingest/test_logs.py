"""Pushed lines of logs: each is taken, cut or refused by itself; no body does harm."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import InvalidInput
from dashboard.events import Log
from dashboard.ingest.logs import LEVELS, MAX_LINES, MAX_MESSAGE, MAX_NAME, Reading, read
from tests.ingest.bodies import JSON, NASTY

NOW = 1_700_000_000.0


def push(body: object) -> Reading:
    """Read a body: bytes as they are, anything else as JSON."""
    return read(body if isinstance(body, bytes) else json.dumps(body).encode(), instance="sender", now=NOW)


def test_one_object_is_one_line_of_the_sender_now() -> None:
    assert push({"message": "hello"}) == Reading(
        [Log(timestamp=NOW, source="sender/push", resource={"instance": "sender"}, level="info", message="hello")], []
    )


def test_a_line_says_by_itself_where_and_when_it_is_from() -> None:
    pushed = {"message": "x", "level": "error", "logger": "a.b", "timestamp": 5, "instance": "web-2", "source": "shop"}
    (line,) = push([pushed]).lines
    assert (line.timestamp, line.source, line.resource) == (5.0, "web-2/shop", {"instance": "web-2"})
    assert (line.level, line.logger) == ("error", "a.b")


@pytest.mark.parametrize(
    ("word", "level"),
    [*((level, level) for level in LEVELS), ("WARN", "warning"), ("Fatal", "critical"), (" notice ", "info")],
)
def test_levels_are_known_by_the_words_that_programs_use(word: str, level: str) -> None:
    assert [line.level for line in push({"message": "x", "level": word}).lines] == [level]


@pytest.mark.parametrize(
    ("bad", "code", "said"),
    [
        ({}, "invalid_line", "message"),
        ({"message": None}, "invalid_line", "message"),
        ({"message": 5}, "invalid_line", "message"),
        ({"message": "x", "colour": "red"}, "invalid_line", "colour"),
        ({"message": "x", "level": "loud"}, "invalid_level", "one of debug, info"),
        ({"message": "x", "level": 30}, "invalid_line", "level"),
        ({"message": "x", "logger": "x" * (MAX_NAME + 1)}, "invalid_line", "logger"),
        ({"message": "x", "timestamp": NOW + 61}, "in_the_future", "60 s"),
        ({"message": "x", "timestamp": NOW * 1000}, "in_the_future", "seconds"),
        ({"message": "x", "timestamp": -1}, "invalid_line", "timestamp"),
        ({"message": "x", "timestamp": "now"}, "invalid_line", "timestamp"),
        (5, "invalid_line", "object"),
        (None, "invalid_line", "object"),
    ],
)
def test_a_refusal_says_why_and_costs_only_its_line(bad: object, code: str, said: str) -> None:
    reading = push([{"message": "good"}, bad, {"message": "better"}])
    assert [line.message for line in reading.lines] == ["good", "better"]
    (rejection,) = reading.rejected
    assert (rejection.index, rejection.code) == (1, code) and said in rejection.message


def test_a_number_too_great_for_a_float_is_refused_by_itself() -> None:
    reading = push(b'[{"message":"a","timestamp":1e999},{"message":"b"}]')
    assert [line.message for line in reading.lines] == ["b"]


def test_an_old_line_is_taken_with_its_time() -> None:
    assert [line.timestamp for line in push([{"message": "x", "timestamp": 0}]).lines] == [0.0]


def test_a_line_of_a_megabyte_is_cut_and_says_so() -> None:
    (line,) = push({"message": "x" * 2**20}).lines
    assert len(line.message) == MAX_MESSAGE and "cut, of 1048576" in line.message


def test_a_trace_keeps_its_lines() -> None:
    (line,) = push({"message": "Traceback:\r\n  File\n"}).lines
    assert line.message == "Traceback:\n  File"


@pytest.mark.parametrize("body", [b"", b"null", b"5", b"[", b"{}{}", b"\xff", b"[" * 100_000, b'{"a":' * 100_000])
def test_a_body_that_is_no_json_of_the_kind_is_refused_as_a_whole_with_what_to_send(body: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        push(body)
    assert '"message"' in str(caught.value) and len(str(caught.value)) < 500


def test_a_list_too_long_is_refused_as_a_whole() -> None:
    assert len(push([{"message": "x"}] * MAX_LINES).lines) == MAX_LINES
    with pytest.raises(InvalidInput, match=f"at most {MAX_LINES}"):
        push([{"message": "x"}] * (MAX_LINES + 1))


LINE = st.fixed_dictionaries(
    {"message": NASTY | JSON},
    optional=dict.fromkeys(("level", "logger", "timestamp", "instance", "source"), NASTY | JSON),
)


@given(st.binary(max_size=80) | JSON | LINE | st.lists(LINE | JSON, max_size=6))
def test_no_body_does_more_than_be_refused(body: object) -> None:
    try:
        reading = push(body)
    except InvalidInput:
        return
    assert [one.index for one in reading.rejected] == sorted({one.index for one in reading.rejected})
    for line in reading.lines:
        assert 0 <= line.timestamp <= NOW + 60 and line.resource["instance"]
        assert msgspec.json.decode(line.encode(), type=Log) == line
        assert b"\n" not in line.encode() and b"\r" not in line.encode()
        assert not any("\n" in text for text in (line.source, line.logger, line.resource["instance"]))
