"""The newest events of a type: from the log, then from the disk, newest first, with nothing left out in between."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from dashboard.archive import Kept, MemoryArchive
from dashboard.errors import StorageError
from dashboard.eventlog import Entry, EventId, MemoryLog
from dashboard.events import Log, Notification
from dashboard.recent import MOST, Recent, recent
from tests.clocks import HandClock


class Program:
    """A log of ten events, and an archive of more."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.archive = MemoryArchive(max_events=10**6)
        self.log = MemoryLog(self.clock, max_events=10, max_age=1e9)
        self.reads = 0

    def log_line(self, message: str) -> None:
        event = Log(
            timestamp=self.clock.wall(), source="a/b", resource={"instance": "a"}, level="info", message=message
        )
        self.keep(self.log.stamp([event]))

    def keep(self, entries: list[Entry]) -> None:
        done: Future[None] = self.archive.commit(entries)
        done.result()
        self.log.admit(entries)

    async def stored(self, after: EventId, upto: EventId, types: Collection[str], limit: int) -> list[Kept]:
        self.reads += 1
        return self.archive.read(after, upto, types, limit)

    async def newest(self, limit: int, chosen: Callable[[Log], bool] = lambda line: True) -> Recent:
        return await recent(self.log, self.stored, Log, limit, chosen)


def messages(found: Recent) -> list[str]:
    return [dict[str, Any](msgspec.json.decode(raw))["message"] for raw in found.events]


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.mark.parametrize("seconds", [0.001, 1.0, 3_600.0])
async def test_lines_come_from_memory_and_disk_without_a_hole(program: Program, seconds: float) -> None:
    for number in range(300):
        program.log_line(str(number))
        program.clock.move(seconds)
    for limit in (1, 10, 11, 100, 300, 1_000):
        found = await program.newest(limit)
        assert messages(found) == [str(number) for number in range(299, -1, -1)][:limit]
        assert found.as_of == program.log.bounds().newest and found.since is None


async def test_ids_are_those_of_the_events(program: Program) -> None:
    for number in range(20):
        program.log_line(str(number))
        program.clock.move(1)
    ids = [EventId.parse(msgspec.json.decode(raw)["id"]) for raw in (await program.newest(20)).events]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == 20 and ids[0] == program.log.bounds().newest


async def test_dense_lines_are_found_newest_first_in_few_reads(program: Program) -> None:
    for number in range(5_000):
        program.log_line(str(number))
        program.clock.move(0.002)
    found = await program.newest(200)
    assert messages(found) == [str(number) for number in range(4_999, 4_799, -1)] and program.reads < 8


async def test_a_rare_line_is_looked_for_so_far_and_it_is_told_how_far(program: Program) -> None:
    for number in range(MOST + 5_000):
        program.log_line(str(number))
        program.clock.move(0.01)
    found = await program.newest(5, lambda line: line.message == "7")
    assert found.events == [] and found.since is not None
    assert program.clock.wall() - 0.01 * (MOST + 4_100) < found.since < program.clock.wall() - 0.01 * (MOST - 100)


async def test_a_disk_that_cannot_be_read_leaves_what_is_in_memory(program: Program) -> None:
    for number in range(50):
        program.log_line(str(number))
        program.clock.move(1)
    program.archive.fault = StorageError("no disk")
    found = await program.newest(20)
    assert messages(found) == [str(number) for number in range(49, 39, -1)]
    assert found.since == program.log.bounds().floor.time


async def test_other_types_are_left_out(program: Program) -> None:
    program.keep(program.log.stamp([Notification(timestamp=1, source="a", title="x", level="info")]))
    assert (await program.newest(5)).events == []
