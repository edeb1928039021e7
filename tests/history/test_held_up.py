"""A disk that takes its time: neither collectors nor the event loop wait for it, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from dashboard import sqlite, storing
from dashboard.blind import UNSTORED
from dashboard.config import Settings
from dashboard.model import Batch
from dashboard.runtime import Runtime, running
from tests.test_sqlite import held_up
from tests.waiting import until

JOBS = [float(at) for at in range(200)]


async def stored(runtime: Runtime, begun: float) -> list[float | None]:
    """Return the values that whoever asks is given."""
    reading = await asyncio.to_thread(runtime.history.read, ['jobs{instance="h"}'], begun, begun + 200, 0.0)
    return [value for _, value, *_ in reading.stretches[0].points]


async def test_the_program_goes_on_while_the_one_writer_is_held_up_and_all_is_stored_after_that(tmp_path: Path) -> None:
    """It is held up until the end of the block: whoever waited for it there would wait for ever."""
    begun = float(int(time.time()) - 300)
    async with running(Settings(data_dir=tmp_path), [], None) as runtime, asyncio.timeout(60):
        with held_up(runtime.disk.history):
            for at, value in enumerate(JOBS):
                assert not runtime.pipeline.accept(Batch("h/x", begun + at, 1.0, {"instance": "h"}, {"jobs": value}))
                runtime.history.flush()
            collected = runtime.broadcaster.published.get("metrics", 0)
            while True:
                if runtime.broadcaster.published.get("metrics", 0) >= collected + 2:
                    break
                await asyncio.sleep(0.02)
            assert await stored(runtime, begun) == JOBS
        runtime.history.flush()
        runtime.disk.history.write(lambda _: None).result(20)
        assert await stored(runtime, begun) == JOBS
    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        assert await stored(runtime, begun) == JOBS


async def test_a_time_in_which_all_waited_and_was_stored_is_not_told_as_one_in_which_nothing_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(Settings(data_dir=tmp_path), [], None) as runtime, asyncio.timeout(60):
        begun = time.time() - 300

        def unstored() -> list[str]:
            return [
                blind.cause for blind in runtime.blind_log.between(begun, time.time() + 9) if blind.cause == UNSTORED
            ]

        assert not runtime.pipeline.accept(Batch("h/x", begun, 1.0, {"instance": "h"}, {"jobs": 0.0}))
        with held_up(runtime.disk.history):
            monkeypatch.setattr(sqlite, "HANGING", 0.1)
            await until(lambda: bool(unstored()))
            monkeypatch.undo()
            monkeypatch.setattr(storing, "CALM", 0.1)
        await until(lambda: runtime.blind_log._open is None)
        assert not unstored()
        runtime.history.flush()
        runtime.disk.history.write(lambda _: None).result(20)
    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        await asyncio.to_thread(runtime.disk.state.read, lambda _: None)
        assert not unstored()
