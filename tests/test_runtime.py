"""The composition root: what is true as soon as it runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from pathlib import Path

import msgspec
import pytest

from dashboard.archive import Kept
from dashboard.broadcaster import Broadcaster
from dashboard.config import Settings
from dashboard.diskarchive import DiskArchive
from dashboard.eventlog import Entry, EventId
from dashboard.events import System
from dashboard.ingest.tasks import read as pushed
from dashboard.recent import recent
from dashboard.runtime import Runtime, running

commit, read, settled = DiskArchive.commit, DiskArchive.read, Broadcaster.settled


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


def tell(runtime: Runtime, body: bytes) -> None:
    """Tell of a task, as a program does."""
    event = runtime.tasks.put(pushed("backup", body, instance=runtime.instance, now=runtime.clock.wall()))
    assert event is not None
    runtime.broadcaster.publish(event, urgent=True)


def told_of_tasks_when(answers: threading.Event) -> Callable[..., list[Kept]]:
    """Return how a disk reads that tells of tasks only when it is let."""

    def reading(archive: DiskArchive, after: EventId, upto: EventId, types: Collection[str], limit: int) -> list[Kept]:
        if "task" in types:
            answers.wait()
        return read(archive, after, upto, types, limit)

    return reading


async def test_tasks_of_the_run_before_are_known_as_soon_as_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever tells of one only what is new would else begin another."""

    answers = threading.Event()

    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        tell(runtime, b'{"title": "Backup", "done": 1, "total": 4}')
        (first,) = runtime.tasks.tasks()
        await runtime.broadcaster.settled()

    async def last_of_all(broadcaster: Broadcaster) -> None:
        await settled(broadcaster)
        threading.Timer(0.3, answers.set).start()

    monkeypatch.setattr("dashboard.runtime._KNOWING", 600.0)
    monkeypatch.setattr(Broadcaster, "settled", last_of_all)
    monkeypatch.setattr(DiskArchive, "read", told_of_tasks_when(answers))
    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        assert runtime.tasks.tasks() == [first]
        runtime.tasks.put(pushed("backup", b'{"done": 2}', instance=runtime.instance, now=runtime.clock.wall()))
        (again,) = runtime.tasks.tasks()
    assert (again.title, again.total, again.done, again.started_at) == ("Backup", 4, 2, first.started_at)


async def test_a_disk_that_does_not_tell_of_tasks_does_not_keep_it_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()

    monkeypatch.setattr("dashboard.runtime._KNOWING", 0.01)
    monkeypatch.setattr(DiskArchive, "read", told_of_tasks_when(answers))
    async with asyncio.timeout(30), running(Settings(data_dir=tmp_path), [], None) as runtime:
        assert runtime.tasks.tasks() == []
        tell(runtime, b"{}")
        answers.set()
