"""What is sent again under one key is taken once."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.errors import InvalidParameter
from dashboard.ingest import repeats
from dashboard.ingest.items import Rejection
from dashboard.ingest.repeats import Answer, Repeats

PLACE = ("local", "/api/v1/logs", "one")


class Work:
    """Counts how often it was done; each time it takes until `go` is set, and may fail."""

    def __init__(self, refused: int = 0) -> None:
        self.done = 0
        self.go = asyncio.Event()
        self.refused = refused
        self.fault: Exception | None = None

    async def __call__(self) -> Answer:
        self.done += 1
        await self.go.wait()
        if self.fault is not None:
            raise self.fault
        return self.done, [Rejection(0, "no", "no")] * self.refused


async def test_a_repeat_has_the_answer_of_the_first_also_while_that_goes_on() -> None:
    held, work = Repeats(), Work()
    first = asyncio.ensure_future(held.once(PLACE, b"a", work))
    second = asyncio.ensure_future(held.once(PLACE, b"a", work))
    await asyncio.sleep(0)
    work.go.set()
    assert [await first, await second, await held.once(PLACE, b"a", work)] == [(1, [])] * 3


async def test_what_goes_on_when_its_sender_goes_away_is_what_the_sender_comes_back_to() -> None:
    held, work = Repeats(), Work()
    gone = asyncio.ensure_future(held.once(PLACE, b"a", work))
    await asyncio.sleep(0)
    gone.cancel()
    work.go.set()
    assert await held.once(PLACE, b"a", work) == (1, [])


async def test_what_failed_may_be_tried_again() -> None:
    held, work = Repeats(), Work()
    work.go.set()
    work.fault = OSError("no room")
    with pytest.raises(OSError, match="no room"):
        await held.once(PLACE, b"a", work)
    work.fault = None
    assert await held.once(PLACE, b"a", work) == (2, [])


@pytest.mark.parametrize(
    "other", [("ann", *PLACE[1:]), (PLACE[0], "/api/v1/notifications", "one"), (*PLACE[:2], "two")]
)
async def test_a_key_is_of_one_sender_for_one_thing(other: tuple[str, str, str]) -> None:
    held, work = Repeats(), Work()
    work.go.set()
    assert [(await held.once(place, b"a", work))[0] for place in (PLACE, other, PLACE)] == [1, 2, 1]


async def test_a_key_that_stood_for_another_body_is_refused_and_so_is_one_that_is_too_long() -> None:
    held, work = Repeats(), Work()
    work.go.set()
    await held.once(PLACE, b"a", work)
    with pytest.raises(InvalidParameter, match="give each request its own"):
        await held.once(PLACE, b"b", work)
    with pytest.raises(InvalidParameter, match="at most 200 characters"):
        await held.once((*PLACE[:2], "k" * 201), b"a", work)
    assert work.done == 1


async def test_only_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "HELD", 10)
    held, work = Repeats(), Work(refused=3)
    work.go.set()
    for key in "abc":
        await held.once((*PLACE[:2], key), b"a", work)
    assert [(await held.once((*PLACE[:2], key), b"a", work))[0] for key in "cba"] == [3, 2, 4]
