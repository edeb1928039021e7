"""Pushed notices: taken for all or for one, or refused with the reason; no body does harm."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import InvalidInput
from dashboard.events import Notification
from dashboard.ingest.notifications import MAX_MESSAGE, MAX_NOTIFICATIONS, MAX_TITLE, Reading, read
from tests.ingest.bodies import JSON, NASTY

NOW = 1_700_000_000.0


def push(body: object) -> Reading:
    """Read a body: bytes as they are, anything else as JSON."""
    return read(body if isinstance(body, bytes) else json.dumps(body).encode(), source="web-1/anna", now=NOW)


def test_a_title_is_enough() -> None:
    assert push({"title": "Deploy at noon"}) == Reading(
        [Notification(timestamp=NOW, source="web-1/anna", title="Deploy at noon", level="info")], [], []
    )


def test_a_notice_may_be_for_one_and_urgent() -> None:
    (notice,) = push([{"title": "x", "message": "a\nb", "level": "critical", "to": "anna"}]).notifications
    assert (notice.to, notice.level, notice.message) == ("anna", "critical", "a\nb")


def test_a_notice_to_everyone_may_be_put_on_charts_too() -> None:
    reading = push([{"title": "x"}, {"title": "y", "annotate": True}, {"title": "z", "annotate": False}])
    assert reading.annotated == [reading.notifications[1]] and not reading.rejected


@pytest.mark.parametrize(
    ("bad", "code", "said"),
    [
        ({}, "invalid_notification", "title"),
        ({"title": " \r\n"}, "invalid_notification", "title: must not be empty"),
        ({"title": "x", "level": "loud"}, "invalid_level", "one of"),
        ({"title": "x", "to": ""}, "invalid_notification", "to"),
        ({"title": "x", "to": "a\r\nb"}, "invalid_notification", "to"),
        ({"title": "x", "to": "x" * 201}, "invalid_notification", "to"),
        ({"title": "x", "source": "y"}, "invalid_notification", "source"),
        ({"title": "x", "to": "anna", "annotate": True}, "invalid_notification", "charts are for everyone"),
        ({"title": "x", "annotate": "yes"}, "invalid_notification", "annotate"),
        ([], "invalid_notification", "object"),
    ],
)
def test_a_refusal_says_why_and_costs_only_its_notice(bad: object, code: str, said: str) -> None:
    reading = push([{"title": "good"}, bad])
    assert [notice.title for notice in reading.notifications] == ["good"]
    (rejection,) = reading.rejected
    assert (rejection.index, rejection.code) == (1, code) and said in rejection.message


def test_what_is_long_is_cut_and_too_many_are_refused() -> None:
    (notice,) = push({"title": "x" * 5_000, "message": "y" * 50_000}).notifications
    assert (len(notice.title), len(notice.message)) == (MAX_TITLE, MAX_MESSAGE)
    with pytest.raises(InvalidInput, match=f"at most {MAX_NOTIFICATIONS}"):
        push([{"title": "x"}] * (MAX_NOTIFICATIONS + 1))


NOTICE = st.fixed_dictionaries(
    {"title": NASTY | JSON}, optional=dict.fromkeys(("message", "level", "to"), NASTY | JSON)
)


@given(st.binary(max_size=80) | JSON | NOTICE | st.lists(NOTICE | JSON, max_size=6))
def test_no_body_does_more_than_be_refused(body: object) -> None:
    try:
        reading = push(body)
    except InvalidInput:
        return
    for notice in reading.notifications:
        assert notice.title and "\n" not in notice.title
        assert msgspec.json.decode(notice.encode(), type=Notification) == notice
        assert b"\n" not in notice.encode() and b"\r" not in notice.encode()
