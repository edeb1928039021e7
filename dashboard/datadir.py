"""The folder of what must survive a restart."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

from dashboard.errors import ConfigError, StorageError

log = logging.getLogger("dashboard.storing")

MARK_AHEAD = 15.0
"""Seconds by which the mark of ids is written ahead, so that a kill loses none."""


ALIVE = "alive"
"""The file whose time is the last at which a run is known to have gone on."""


def default_folder() -> Path:
    """Return the user's data folder for this program, by the system's custom; raise ConfigError without a home."""
    base = os.environ.get("XDG_DATA_HOME", "")
    try:
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Application Support" / "dashboard"
        # The custom has it that a relative path there is none.
        return (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share") / "dashboard"
    except RuntimeError:
        raise ConfigError("data_dir: this user has no home folder; name one with DASHBOARD_DATA_DIR") from None


class DataDir:
    """The folder, and the small values that are a file each. A disk that takes no writes costs a line in the log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._claimed: int | None = None  # the open folder, with the lock on it
        self._inode = (0, 0)
        self._told = False
        self._before = self.last_alive() or 0.0

    def instance(self) -> str:
        """Return the `instance` label: the host's name at the first start, for ever after."""
        known = self._read("instance")
        if known and known.isprintable() and len(known) <= 200:
            return known
        name = socket.gethostname() or "localhost"
        self._write("instance", name)
        return name

    def claim(self) -> None:
        """Make the folder, and keep it for this process until `release`; cheap when it is already.

        Raises StorageError when another process has it, and OSError when it cannot be made.
        """
        with self._lock:
            if self._claimed is not None and self._inode_now() == self._inode:
                return
            self._let_go()  # of a folder that another has taken the place of
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            except OSError as error:
                self._tell(error)
                raise
            self._told = False
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(folder)
                raise StorageError(
                    f"{self.path} is in use by another dashboard, so nothing is stored: end that one, or name another "
                    "folder with --data-dir"
                ) from None
            except OSError:
                pass  # a file system without locks: it is for whoever starts two to know
            self._claimed, self._inode = folder, self._inode_now()

    def release(self) -> None:
        """Let another process have the folder."""
        with self._lock:
            self._let_go()

    def old_id_mark(self) -> int:
        """Return the Unix milliseconds of the file in which versions before the archive kept the mark of ids, or 0."""
        text = self._read("id-mark")
        return int(text) if text.isdecimal() and len(text) < 16 else 0

    def drop_old_id_mark(self) -> None:
        """Delete that file: the archive has the mark now."""
        with suppress(OSError):
            (self.path / "id-mark").unlink(missing_ok=True)

    def last_alive(self) -> float | None:
        """Return the Unix seconds of the last sign of life of a run before; None: there was no such run."""
        try:
            return (self.path / ALIVE).stat().st_mtime
        except OSError:
            return None

    def sign_alive(self, now: float, *, steady: bool = False) -> None:
        """Leave a sign of life, once the folder is this process's own: an empty file, whose time is all it tells.

        None is from before that of an earlier run, unless the clock is believed (`steady`): one that was never set
        would have the next run tell of decades.
        """
        if self._claimed is None or (now < self._before and not steady):
            return
        path = self.path / ALIVE
        with suppress(OSError):  # whoever stores events tells of a disk that takes nothing
            try:
                os.utime(path, (now, now))
            except FileNotFoundError:
                path.touch()

    def _let_go(self) -> None:
        if self._claimed is not None:
            os.close(self._claimed)  # and with it the lock
            self._claimed = None

    def _inode_now(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)

    def _read(self, name: str) -> str:
        try:
            return (self.path / name).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    def _write(self, name: str, text: str) -> None:
        fresh = self.path / f".{name}.new"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            fresh.write_text(text + "\n", "utf-8")
            fresh.replace(self.path / name)
        except OSError as error:
            self._tell(error)

    def _tell(self, error: OSError) -> None:
        """Say once, for all files that would be in it, that there is no folder to write in."""
        if not self._told:
            log.error(
                "nothing is stored, for data_dir is %s, which cannot be written (%s): make it a folder that can be "
                "written, or name another with --data-dir",
                self.path,
                error.strerror,
            )
        self._told = True
