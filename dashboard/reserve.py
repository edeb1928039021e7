"""Room on the disk that is kept free for what must be written even when the disk is full."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

SIZE = 32 * 1024**2
"""Bytes that are kept free."""


class Reserve:
    """A file that takes room, and is given up when there is no other; made again when there is."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path, self._size = path, size

    def keep(self) -> None:
        """Make the file unless it is there, or would take half of what is free."""
        with suppress(OSError):  # a disk that cannot be written is told of by whoever has something to write
            if not self._whole() and self._free() >= 2 * self._size:
                self._make()

    def give_up(self) -> bool:
        """Give the room to whoever comes first; return whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def spared(self) -> bool:
        """Tell whether others may write: the room is taken by the file, or there is plenty."""
        try:
            return self._whole() or self._free() >= 2 * self._size
        except OSError:
            return True  # whoever writes meets the fault, and tells what it is

    def _whole(self) -> bool:
        try:
            return self._path.stat().st_size >= self._size
        except FileNotFoundError:
            return False

    def _free(self) -> int:
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize

    def _make(self) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            if sys.platform == "linux":
                os.posix_fallocate(file, 0, self._size)
            else:
                for _ in range(0, self._size, 1 << 20):
                    os.write(file, bytes(1 << 20))
        except OSError:
            self._path.unlink(missing_ok=True)
            raise
        finally:
            os.close(file)
