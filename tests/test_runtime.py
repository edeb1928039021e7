"""The composition root: what is true as soon as it runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import msgspec
import pytest

from dashboard.config import Settings
from dashboard.diskarchive import DiskArchive
from dashboard.eventlog import Entry
from dashboard.events import System
from dashboard.recent import recent
from dashboard.runtime import Runtime, running

commit = DiskArchive.commit


async def starts(runtime: Runtime) -> list[System]:
    """Return what can be read of starts, the newest first."""
    found = await recent(runtime.log, runtime.broadcaster.stored, System, 10, lambda event: event.event == "start")
    return [msgspec.json.decode(event, type=System) for event in found.events]


async def test_the_start_can_be_read_as_soon_as_it_runs_however_slow_the_disk_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks first would else find the start of the run before, or a gap up to an id that no event has."""

    def slow(archive: DiskArchive, entries: Sequence[Entry]) -> Future[None]:
        done: Future[None] = Future()
        commit(archive, entries).add_done_callback(
            lambda real: threading.Timer(0.3, lambda: done.set_result(real.result())).start()
        )
        return done

    async with running(Settings(data_dir=tmp_path), [], None):
        pass
    monkeypatch.setattr(DiskArchive, "commit", slow)
    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        found = await starts(runtime)
        assert len(found) == 2 and found[0].timestamp >= runtime.started_at


async def test_a_disk_that_hangs_does_not_keep_it_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DiskArchive, "commit", lambda archive, entries: Future[None]())
    async with asyncio.timeout(30), running(Settings(data_dir=tmp_path), [], None) as runtime:
        assert len(await starts(runtime)) == 1
