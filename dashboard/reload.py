"""Boards follow their file: saved is shown, and a fault keeps what was."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from dashboard.boards import Board, load_boards
from dashboard.config import Settings, load
from dashboard.errors import ConfigError, ConfigFileError
from dashboard.settings_file import Faults, SettingsFile

log = logging.getLogger("dashboard")

Stamp = tuple[int, ...] | None
"""What a file's state is told apart by; None while there is no file."""


class Showing(Protocol):
    """The running program: what it was started with, and what it shows."""

    settings: Settings
    path: Path | None
    boards: dict[str, Board]
    board_fault: str | None

    def on_boards(self, boards: Sequence[Board]) -> None:
        """Show other boards, and no fault."""
        ...

    def on_fault(self, message: str) -> None:
        """Keep the boards and tell what is wrong with their file."""
        ...


async def watch(showing: Showing, every: float = 1.0, settle: float = 0.1) -> None:
    """Look at the settings file every second and hand on what it says.

    A file that is being written is left alone until it has been the same for `settle` seconds, for half a file may
    well be valid. A file that was not there at the start may come; one that was and goes is a fault.
    """
    if showing.path is None:
        return
    path = showing.path
    seen: Stamp = None
    stamp = await asyncio.to_thread(_stamp, path)
    applied = _Applied(showing, load(None, os.environ).settings if stamp is None else None)
    while True:
        if stamp != seen:
            seen = await _settled(path, stamp, settle)
            applied.take(*await asyncio.to_thread(_read, path, tuple(showing.boards.values())))
        await asyncio.sleep(every)
        stamp = await asyncio.to_thread(_stamp, path)


class _Applied:
    """What of the file is in effect, and what waits for a restart."""

    def __init__(self, showing: Showing, first: Settings | None) -> None:
        """`first` is what the start found, as far as it is known; else the first reading is taken for it."""
        self._showing = showing
        self._first = first
        self._waiting: tuple[str, ...] = ()

    def take(self, read: tuple[Settings, tuple[Board, ...]] | None, fault: str | None) -> None:
        """Act on a reading of the file, or on its fault."""
        if read is None:
            if fault != self._showing.board_fault:
                log.error("not taken, what was read before stays in effect: %s", fault)
                self._showing.on_fault(fault or "")
            return
        settings, boards = read
        if self._showing.board_fault is not None:
            log.info("%s: read again, without a fault", self._showing.path)
        if self._showing.board_fault is not None or boards != tuple(self._showing.boards.values()):
            self._showing.on_boards(boards)
        self._compare(settings)

    def _compare(self, settings: Settings) -> None:
        """Tell once of settings that changed and only count from the next start on."""
        if self._first is None:
            self._first = settings
        waiting = tuple(key for key in _differing(settings, self._first) if not self._is_flag(key))
        if waiting and waiting != self._waiting:
            log.warning("%s: restart to apply: %s", self._showing.path, ", ".join(waiting))
        self._waiting = waiting

    def _is_flag(self, key: str) -> bool:
        """Tell whether the command line had said something else than the file, which it would again."""
        first = getattr(self._first, key)
        return first is not None and first != getattr(self._showing.settings, key)


def _differing(one: Settings, other: Settings) -> list[str]:
    names = [field.name for field in msgspec.structs.fields(Settings)]
    return [name for name in names if getattr(one, name) != getattr(other, name)]


def _stamp(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return (error.errno or 0,)
    return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)


async def _settled(path: Path, stamp: Stamp, settle: float) -> Stamp:
    """Wait until the file stays as it is; return its stamp then."""
    while True:
        await asyncio.sleep(settle)
        now = await asyncio.to_thread(_stamp, path)
        if now == stamp:
            return now
        stamp = now


def _read(path: Path, shown: tuple[Board, ...]) -> tuple[tuple[Settings, tuple[Board, ...]] | None, str | None]:
    """Return what the file says, or what is wrong with it.

    One that says nothing any more takes no boards away: it is being written, or its disk is full.
    """
    try:
        if _stamp(path) is None:
            raise ConfigFileError(path, None, "", "is gone; what it said stays in effect until it is back")
        file, faults = SettingsFile.read(path), Faults()
        with faults.gathered():
            settings = load(file, os.environ).settings
        with faults.gathered():
            boards = load_boards(file)
        faults.raise_first()
        if not file.data and boards != shown:
            raise ConfigFileError(path, None, "", "is empty; the boards stay as they were until it says something")
        return (settings, boards), None
    except ConfigError as error:
        return None, str(error)
