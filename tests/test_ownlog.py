"""The program's own lines as events: of every thread, never in circles, never too many."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.events import Log
from dashboard.ownlog import MOST, OwnLog
from tests.archives import PATIENCE, disk_archive, entries
from tests.clocks import HandClock


class Page:
    """What was published, and an own log that publishes it."""

    def __init__(self) -> None:
        self.lines: list[Log] = []
        self.more = asyncio.Event()
        """Set when there are more lines than a second may have."""
        self.clock = HandClock()
        self.own = OwnLog(self.publish, self.clock, "web-1")

    def publish(self, line: Log) -> None:
        self.lines.append(line)
        if len(self.lines) > MOST:
            self.more.set()

    async def messages(self) -> list[str]:
        """Let what is under way arrive."""
        for _ in range(3):
            await asyncio.sleep(0)
        return [line.message for line in self.lines]


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger that takes every level."""
    found = logging.getLogger("test.ownlog")
    found.setLevel(logging.DEBUG)
    yield found
    found.setLevel(logging.NOTSET)


async def test_a_line_is_an_event_with_its_level_and_logger(page: Page, log: logging.Logger) -> None:
    with page.own:
        log.warning("%d \x1b[31mred", 5)
        await page.messages()
    (line,) = page.lines
    assert (line.source, line.resource, line.level) == ("web-1/dashboard", {"instance": "web-1"}, "warning")
    assert (line.message, line.logger) == ("5 red", "test.ownlog")


async def test_a_traceback_belongs_to_its_line(page: Page, log: logging.Logger) -> None:
    with page.own:
        try:
            raise ValueError("bad")
        except ValueError:
            log.exception("failed")
        (message,) = await page.messages()
    assert message.startswith("failed\nTraceback") and message.endswith("ValueError: bad")


async def test_lines_of_other_threads_arrive_in_the_loops(page: Page, log: logging.Logger) -> None:
    arrived: list[int] = []
    own = OwnLog(lambda line: arrived.append(threading.get_ident()), page.clock, "web-1")
    with own:
        threads = [threading.Thread(target=log.info, args=("x",)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        await page.messages()
    assert arrived == [threading.get_ident()] * 5


async def test_a_line_about_publishing_a_line_is_not_published(page: Page, log: logging.Logger) -> None:
    def publish(line: Log) -> None:
        page.lines.append(line)
        log.error("cannot publish")

    with OwnLog(publish, page.clock, "web-1"):
        log.info("first")
        assert await page.messages() == ["first"]


def of_module(name: str, logger: str, message: str) -> logging.LogRecord:
    return logging.LogRecord(logger, logging.ERROR, f"/somewhere/{name}.py", 1, message, (), None)


async def test_a_line_of_another_package_is_taken_whatever_its_module_is_called(page: Page) -> None:
    with page.own:
        for number, module in enumerate(["sqlite", "core", "archive"] * 10):
            logging.getLogger().handle(of_module(module, f"other.{module}", str(number)))
        assert await page.messages() == [str(number) for number in range(30)]


async def test_what_befell_a_database_is_told_and_why_nothing_can_be_stored_is_not(page: Page, tmp_path: Path) -> None:
    """The latter would be one more event that is not stored, which the page says by itself."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "state.db").write_bytes(b"no database" * 1000)
    (tmp_path / "file").touch()
    with page.own:
        for folder in ("data", "file"):
            archive = disk_archive(tmp_path / folder)
            archive.commit(entries("task", [1])).exception(PATIENCE)
            archive.close()
        (message,) = await page.messages()
    assert "state.db is damaged" in message and "set aside" in message


async def test_a_flood_is_cut_and_told_of(page: Page, log: logging.Logger) -> None:
    with page.own:
        for number in range(MOST + 950):
            log.info("%d", number)
        assert await page.messages() == [str(number) for number in range(MOST)]
        async with asyncio.timeout(20):
            await page.more.wait()
        assert page.lines[-1].message.startswith("950 lines were left out") and page.lines[-1].level == "warning"
        page.clock.move(1)
        log.info("again")
        assert (await page.messages())[-1] == "again"


async def test_what_cannot_be_encoded_is_written_out(page: Page, log: logging.Logger) -> None:
    with page.own:
        log.info("file \udcff")
        await page.messages()
    assert page.lines[0].message == "file \\udcff" and page.lines[0].encode()


async def test_nothing_is_taken_before_and_after(page: Page, log: logging.Logger) -> None:
    log.info("before")
    with page.own:
        pass
    log.info("after")
    assert await page.messages() == []


def test_a_loop_that_is_closed_harms_no_one(page: Page, log: logging.Logger) -> None:
    async def enter() -> None:
        page.own.__enter__()

    try:
        asyncio.run(enter())
        log.info("late")
        log.info("later")
    finally:
        page.own.__exit__(None, None, None)
    assert page.lines == []
