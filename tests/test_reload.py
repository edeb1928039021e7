"""Boards follow their file, on real files that are saved in the ways editors save."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from dashboard import reload
from dashboard.boards import Board, load_boards
from dashboard.config import Settings, load
from dashboard.reload import Stamp, watch
from dashboard.settings_file import SettingsFile

KEPT = "not taken, what was read before stays in effect: "


class Program:
    """What the running program is to its watcher: boards, a fault, and an account of what it was told."""

    def __init__(self, path: Path) -> None:
        file = SettingsFile.read(path) if path.exists() else None
        self.settings: Settings = load(file, {}).settings
        self.path: Path | None = path
        self.boards = {board.name: board for board in load_boards(file)}
        self.board_fault: str | None = None
        self.told: list[str] = []
        self._news = asyncio.Event()

    def on_boards(self, boards: Sequence[Board]) -> None:
        self.boards, self.board_fault = {board.name: board for board in boards}, None
        self._tell("boards")

    def on_fault(self, message: str) -> None:
        self.board_fault = message
        self._tell("fault")

    def _tell(self, what: str) -> None:
        self.told.append(what)
        self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for news until `holds`."""
        async with asyncio.timeout(30):
            while not holds():
                self._news.clear()
                await self._news.wait()


def board(name: str) -> str:
    return f'[[board]]\nname = "{name}"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dashboard.toml"


@asynccontextmanager
async def watched(path: Path, settle: float = 0.01) -> AsyncIterator[Program]:
    """Run the watcher on `path` at a pace for tests."""
    program = Program(path)
    task = asyncio.create_task(watch(program, every=0.01, settle=settle))
    try:
        yield program
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_saved_board_is_shown(path: Path) -> None:
    path.write_text(board("one"))
    async with watched(path) as program:
        path.write_text(board("one") + board("two"))
        await program.until(lambda: list(program.boards) == ["overview", "one", "two"])
    assert program.told == ["boards"]


async def test_a_file_that_is_replaced_by_renaming_is_followed(path: Path) -> None:
    path.write_text(board("one"))
    async with watched(path) as program:
        for name in ("two", "six"):
            fresh = path.with_suffix(".new")
            fresh.write_text(board(name))
            stat = path.stat()
            os.utime(fresh, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            fresh.replace(path)
            await program.until(lambda name=name: name in program.boards)


async def test_a_fault_keeps_the_boards_until_it_is_mended(path: Path) -> None:
    path.write_text(board("one"))
    async with watched(path) as program:
        path.write_text(board("one") + "titel = 'x'\n")
        await program.until(lambda: program.board_fault is not None)
        assert program.board_fault == f"{path}:3: board.titel: unknown key; the nearest valid one is title"
        assert list(program.boards) == ["overview", "one"]
        path.write_text("port = 'x'\n" + board("T"))
        await program.until(lambda: "1: port" in (program.board_fault or ""))
        path.write_text(board("T") + "[[collector]]\n")
        await program.until(lambda: "2: board.name" in (program.board_fault or ""))
        path.write_text(board("one"))
        await program.until(lambda: program.board_fault is None)
    assert program.told == ["fault", "fault", "fault", "boards"]


@pytest.mark.parametrize("nothing", ["", " \n\n", "# all of it\n"])
async def test_a_file_that_says_nothing_any_more_takes_no_boards_away(path: Path, nothing: str) -> None:
    path.write_text(board("one"))
    async with watched(path) as program:
        path.write_text(nothing)
        await program.until(lambda: bool(program.told))
        assert program.board_fault == f"{path}: is empty; the boards stay as they were until it says something"
        assert list(program.boards) == ["overview", "one"]
        path.write_text("interval = 1.0\n")
        await program.until(lambda: program.board_fault is None)
        assert list(program.boards) == ["overview"]
        path.write_text(nothing)
        path.write_text(board("two"))
        await program.until(lambda: "two" in program.boards)
    assert program.told == ["fault", "boards", "boards"]


async def test_an_empty_file_that_had_no_boards_is_no_fault(path: Path) -> None:
    path.write_text("")
    async with watched(path) as program:
        path.write_text("# boards come later\n")
        path.write_text(board("one"))
        await program.until(lambda: "one" in program.boards)
    assert program.told == ["boards"]


async def test_each_fault_and_its_end_are_one_line_of_the_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dashboard")
    path.write_text(board("one"))
    async with watched(path) as program:
        for text, place in (("port = 'x'\n", ":1: port"), ("# the same\nport =\n", ":2: port: not TOML")):
            for number in range(3):
                path.write_text(text + "#" * number)
                await program.until(lambda place=place: f"{path}{place}" in (program.board_fault or ""))
        path.unlink()
        await program.until(lambda: "is gone" in (program.board_fault or ""))
        path.mkdir()
        await program.until(lambda: "cannot be read" in (program.board_fault or ""))
        path.rmdir()
        os.mkfifo(path)  # whoever opens it as a file waits for ever, and keeps the shutdown waiting
        await program.until(lambda: "it is a pipe" in (program.board_fault or ""))
        path.unlink()
        path.write_text(board("one"))
        await program.until(lambda: program.board_fault is None)
        path.write_text(board("two"))
        await program.until(lambda: "two" in program.boards)
    told = [(record.levelname, record.getMessage().removeprefix(KEPT)) for record in caplog.records]
    faults = ["1: port: must be", "2: port: not TOML", " is gone", *[" cannot be read"] * 2]
    assert [level for level, _ in told] == [*["ERROR"] * 5, "INFO"]
    assert all(text.startswith(f"{path}:{fault}") for (_, text), fault in zip(told, faults, strict=False))
    assert told[-1] == ("INFO", f"{path}: read again, without a fault")


async def test_a_file_that_vanishes_is_a_fault_until_it_is_back(path: Path) -> None:
    path.write_text(board("one"))
    async with watched(path) as program:
        path.write_text(board("two"))
        await program.until(lambda: "two" in program.boards)
        path.unlink()
        await program.until(lambda: program.board_fault is not None)
        assert "is gone" in (program.board_fault or "")
        assert list(program.boards) == ["overview", "two"]
        path.write_text(board("two"))
        await program.until(lambda: program.board_fault is None)


async def test_a_file_that_was_not_there_at_the_start_may_come(path: Path) -> None:
    async with watched(path) as program:
        path.write_text(board("one"))
        await program.until(lambda: "one" in program.boards)
    assert program.told == ["boards"]


async def test_what_changed_between_the_start_and_the_first_look_is_seen(path: Path) -> None:
    path.write_text(board("one"))
    program = Program(path)
    path.write_text(board("two"))
    task = asyncio.create_task(watch(program, every=0.01, settle=0.01))
    await program.until(lambda: "two" in program.boards)
    task.cancel()


async def test_half_a_file_is_never_taken(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written on behind each look at it, so that no machine is too slow to be seen at it."""
    path.write_text(board("a"))
    steps = [text for name in ("b", "c", "d") for text in ("", "[[board]]\n", board(name))]
    settle, looks = 0.05, list[float]()
    look = reload._stamp

    def look_and_write(path: Path) -> Stamp:
        looks.append(time.monotonic())
        found = look(path)
        if steps:
            path.write_text(steps.pop(0))  # as an editor that does not rename: empty, half, whole
        return found

    monkeypatch.setattr(reload, "_stamp", look_and_write)
    async with watched(path, settle=settle) as program:
        await program.until(lambda: "d" in program.boards)
    assert program.told == ["boards"] and not steps
    assert all(later - earlier > 0.9 * settle for earlier, later in pairwise(looks[1:11]))


async def test_touching_the_file_tells_nobody_anything(path: Path) -> None:
    path.write_text(board("one"))
    async with watched(path) as program:
        os.utime(path, (1, 1))
        path.write_text("# a comment\n" + board("one"))
        os.utime(path, (2, 2))
        path.write_text(board("two"))
        await program.until(lambda: "two" in program.boards)
    assert program.told == ["boards"]


async def test_settings_that_changed_are_told_to_wait_for_a_restart(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHBOARD_INTERVAL", "5")
    path.write_text("port = 8000\ninterval = 1\n")
    async with watched(path) as program:
        path.write_text("port = 8000\ninterval = 1\n" + board("zero"))
        await program.until(lambda: "zero" in program.boards)
        path.write_text("port = 9000\ninterval = 2\nroot_path = '/x'\n" + board("one"))
        await program.until(lambda: "one" in program.boards)
        path.write_text("port = 9000\ninterval = 3\nroot_path = '/x'\n" + board("two"))
        await program.until(lambda: "two" in program.boards)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == [f"{path}: restart to apply: port, root_path"]


async def test_what_a_flag_says_waits_for_no_restart(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    program = Program(path)
    program.settings = msgspec.structs.replace(program.settings, port=7000)
    task = asyncio.create_task(watch(program, every=0.01, settle=0.01))
    path.write_text("port = 9000\n" + board("one"))
    await program.until(lambda: "one" in program.boards)
    task.cancel()
    assert not caplog.records
