"""Frames of the event stream, read back by a client's own decoder."""

from __future__ import annotations

import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent
from hypothesis import given
from hypothesis import strategies as st

from dashboard.sse import frame

FIELD = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=30)


def read_back(stream: bytes) -> list[ServerSentEvent]:
    """Decode a stream by httpx-sse."""
    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=stream)
    return list(EventSource(response).iter_sse())


def test_a_frame_has_its_fields_in_order_and_ends_by_an_empty_line() -> None:
    assert frame("metrics", b'{"a":1}', id="5-0") == b'id: 5-0\nevent: metrics\ndata: {"a":1}\n\n'
    assert frame("hello", b"{}", retry=1500) == b"event: hello\nretry: 1500\ndata: {}\n\n"


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\n"])
def test_every_kind_of_line_end_in_data_becomes_a_line_feed(line_end: bytes) -> None:
    stream = frame("log", b"one" + line_end + b"two" + line_end, id="1-0") + frame("log", b"next", id="2-0")
    assert [(event.id, event.data) for event in read_back(stream)] == [("1-0", "one\ntwo\n"), ("2-0", "next")]


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\0b", "\r\n"])
@pytest.mark.parametrize("field", ["id", "event"])
def test_a_field_that_would_break_the_stream_is_refused(field: str, bad: str) -> None:
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        frame(**{"event": "log", "data": b"", field: bad})  # type: ignore[arg-type]


@given(st.lists(st.tuples(FIELD, st.text(alphabet=st.characters(codec="utf-8"), max_size=60), FIELD), max_size=5))
def test_frames_one_after_another_come_back_as_they_were(events: list[tuple[str, str, str]]) -> None:
    """Names, ids and data of any characters, NUL, BOM and leading blanks included, survive; only line ends unite."""
    stream = b"".join(frame(name, data.encode(), id=id) for name, data, id in events)
    assert [(event.event, event.data, event.id) for event in read_back(stream)] == [
        (name, data.replace("\r\n", "\n").replace("\r", "\n"), id) for name, data, id in events
    ]


@given(st.text(alphabet="\r\n\0:a ", max_size=20), st.integers(0, 10**9))
def test_no_data_can_forge_a_field(data: str, retry: int) -> None:
    (event,) = read_back(frame("log", data.encode(), id="1-0", retry=retry))
    assert (event.event, event.id, event.retry) == ("log", "1-0", retry)
