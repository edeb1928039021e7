"""The scheduler: collectors that run on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from dashboard.collectors import Family, Sample
from tests.collectors.stage import Steady, running, warned


class Asked:
    """Collects on the loop."""

    interval = None
    families = (Family("asked", "gauge", "", "Answers."),)

    def __init__(self, name: str = "asked") -> None:
        self.name = name
        self.answer = asyncio.Event()
        self.cancelled = 0

    async def collect(self) -> list[Sample]:
        try:
            await self.answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return [Sample("asked", 1)]


class Streamed(Asked):
    """Collects on the loop, as a generator."""

    async def collect(self) -> AsyncIterator[Sample]:  # type: ignore[override]
        yield Sample("asked", 2)


async def test_async_collectors_run_on_the_loop() -> None:
    asked, streamed = Asked(), Streamed("streamed")
    asked.answer.set()
    async with running(asked, streamed) as stage:
        await stage.tick("asked", "streamed")
        assert [batch.samples for batch in stage.batches] == [{"asked": 1.0}, {"asked": 2.0}]


async def test_async_collector_that_hangs_is_cancelled_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    asked, steady = Asked(), Steady("steady")
    async with running(asked, steady) as stage:
        for _ in range(4):
            await stage.tick("steady")
        await stage.until(lambda: asked.cancelled == 1)
        assert stage.state("asked").failures == 1
        assert stage.reports == [("asked", "late"), ("asked", "failed")]
        asked.answer.set()
        for _ in range(4):
            await stage.tick("steady")
        await stage.until(lambda: stage.state("asked").state == "ok")
    assert warned(caplog) == ["collector asked: failed: did not return within 2 s"]


async def test_async_collector_that_cancels_itself_is_a_failure_like_any_other() -> None:
    class Odd(Asked):
        async def collect(self) -> list[Sample]:
            raise asyncio.CancelledError

    odd, steady = Odd("odd"), Steady("steady")
    async with running(odd, steady) as stage:
        for _ in range(3):
            await stage.tick("steady")
        await stage.until(lambda: stage.state("odd").failures == 3)
        assert stage.reports == [("odd", "failed")]
