"""The scheduler: async collectors, each on an event loop of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from dashboard.collectors import Family, Sample
from tests.collectors.stage import Held, Steady, running, warned


class Asked:
    """Answers when it may."""

    interval = None
    families = (Family("asked", "gauge", "", "Answers."),)

    def __init__(self, name: str = "asked") -> None:
        self.name = name
        self.answer = asyncio.Event()
        self.cancelled = 0

    def may_answer(self) -> None:
        """Let it answer, from another thread."""
        self.loop.call_soon_threadsafe(self.answer.set)

    async def collect(self) -> list[Sample]:
        self.loop, self.thread = asyncio.get_running_loop(), threading.current_thread()
        try:
            await self.answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return [Sample("asked", 1)]


class Streamed(Asked):
    """The same as a generator."""

    async def collect(self) -> AsyncIterator[Sample]:  # type: ignore[override]
        yield Sample("asked", 2)


class Blocking(Held):
    """Awaits nothing: while it is held, its loop has no turn."""

    async def collect(self) -> list[Sample]:  # type: ignore[override]
        return list(super().collect())


async def test_async_collectors_give_samples() -> None:
    asked, streamed = Asked(), Streamed("streamed")
    asked.answer.set()
    async with running(asked, streamed) as stage:
        await stage.tick("asked", "streamed")
        assert {batch.source: batch.samples for batch in stage.batches} == {
            "web-1/asked": {"asked": 1.0},
            "web-1/streamed": {"asked": 2.0},
        }


async def test_one_that_blocks_delays_no_other_and_recovers() -> None:
    blocking, asked, steady = Blocking("blocking"), Asked(), Steady("steady")
    asked.answer.set()
    async with running(blocking, asked, steady) as stage:
        for _ in range(5):
            await stage.tick("asked", "steady")
        assert stage.reports == [("blocking", "late"), ("blocking", "failed")]
        assert stage.state("blocking").error == "did not return within 2 s"
        blocking.free()
        await stage.until(lambda: stage.state("blocking").duration is not None)
        for _ in range(4):
            await stage.tick("asked", "steady")
        await stage.until(lambda: stage.state("blocking").state == "ok")
        assert stage.stamps("blocking")


async def test_what_one_keeps_on_its_loop_lives_from_run_to_run() -> None:
    """Also over a run that hung, and between runs."""

    class Keeping(Asked):
        beats = 0

        async def beat(self) -> None:
            while True:
                await asyncio.sleep(0.001)
                self.beats += 1

        async def collect(self) -> list[Sample]:
            if not self.answer.is_set():
                self.beating = asyncio.create_task(self.beat())
            given = await super().collect()
            assert self.beating.get_loop() is self.loop
            return given

    keeping, steady = Keeping(), Steady("steady")
    async with running(keeping, steady) as stage:
        for _ in range(4):
            await stage.tick("steady")
        await stage.until(lambda: keeping.cancelled == 1)
        first = keeping.thread
        keeping.may_answer()
        while not stage.stamps("asked"):
            await stage.tick("steady")
        for _ in range(2):
            await stage.tick("asked", "steady")
            beats = keeping.beats
            await stage.until(lambda beats=beats: keeping.beats > beats)  # type: ignore[misc]
        assert keeping.thread is first and stage.state("asked").failures == 1
    await stage.until(lambda: not first.is_alive())


def cancel_all() -> None:
    for task in asyncio.all_tasks(asyncio.get_running_loop()):
        task.cancel()


def stop() -> None:
    asyncio.get_running_loop().stop()


@pytest.mark.parametrize("odd", [sys.exit, cancel_all, stop])
async def test_what_a_collector_does_to_its_loop_ends_nothing(odd: Callable[[], None]) -> None:
    class Odd(Asked):
        runs = 0

        async def collect(self) -> list[Sample]:
            self.runs += 1
            if self.runs < 3:
                asyncio.get_running_loop().call_soon(odd)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            return await super().collect()

    asked, steady = Odd(), Steady("steady")
    asked.answer.set()
    async with running(asked, steady) as stage:
        for runs in range(1, 5):
            await stage.tick("steady")
            await stage.until(
                lambda runs=runs: len(stage.stamps("asked")) + stage.state("asked").failures == runs  # type: ignore[misc]
            )
        assert stage.state("asked").failures == (2 if odd is cancel_all else 0)


async def test_a_run_that_is_cancelled_before_it_began_is_a_failure_like_any_other() -> None:
    class Odd(Asked):
        async def collect(self) -> list[Sample]:
            asyncio.get_running_loop().set_task_factory(self.cancelled_task)
            return await super().collect()

        @staticmethod
        def cancelled_task(loop: asyncio.AbstractEventLoop, run: Any, **_: Any) -> asyncio.Task[None]:
            task = asyncio.Task(run, loop=loop)
            task.cancel()
            return task

    odd, steady = Odd(), Steady("steady")
    odd.answer.set()
    async with running(odd, steady) as stage:
        await stage.tick("asked", "steady")
        for failures in (1, 2):
            await stage.tick("steady")
            await stage.until(lambda failures=failures: stage.state("asked").failures == failures)  # type: ignore[misc]
        assert stage.state("asked").error == "was cancelled before it began"


def test_one_that_blocks_or_waits_does_not_keep_the_process_from_ending() -> None:
    program = """
import asyncio, threading
from dashboard.clock import SystemClock
from dashboard.collectors.schedule import Scheduler

entered = threading.Semaphore(0)

class Waits:
    name, interval, families = "waits", 0.1, ()
    async def collect(self):
        entered.release()
        await asyncio.Event().wait()

class Blocks(Waits):
    name = "blocks"
    async def collect(self):
        entered.release()
        threading.Event().wait()

async def main():
    scheduler = Scheduler([Waits(), Blocks()], instance="i", clock=SystemClock(), accept=print, on_state=id,
                          on_clock_step=print, default_interval=1.0)
    task = asyncio.create_task(scheduler.run())
    for _ in range(2):
        await asyncio.to_thread(entered.acquire)
    task.cancel()
    await asyncio.wait([task])

asyncio.run(main())
"""
    command = [sys.executable, "-W", "error", "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0 and "Traceback" not in ended.stderr and "destroyed" not in ended.stderr


async def test_async_collector_that_hangs_is_cancelled_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    asked, steady = Asked(), Steady("steady")
    async with running(asked, steady) as stage:
        for _ in range(4):
            await stage.tick("steady")
        await stage.until(lambda: asked.cancelled == 1)
        assert stage.state("asked").failures == 1
        assert stage.reports == [("asked", "late"), ("asked", "failed")]
        asked.may_answer()
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
