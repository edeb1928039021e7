"""The folder of what must survive a restart."""

from __future__ import annotations

import logging
import os
import socket
import sys
from pathlib import Path

from dashboard.errors import ConfigError

log = logging.getLogger("dashboard")

MARK_AHEAD = 15.0
"""Seconds by which the mark of ids is written ahead, so that a kill loses none."""


def default_folder() -> Path:
    """Return the user's data folder for this program, by the system's custom; raise ConfigError without a home."""
    base = os.environ.get("XDG_DATA_HOME")
    try:
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Application Support" / "dashboard"
        return (Path(base) if base else Path.home() / ".local" / "share") / "dashboard"
    except RuntimeError:
        raise ConfigError("data_dir: this user has no home folder; name one with DASHBOARD_DATA_DIR") from None


class DataDir:
    """Small values, one file each, replaced whole. A disk that takes no writes costs a line in the log, no more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._faulty = False

    def instance(self) -> str:
        """Return the `instance` label: the host's name at the first start, for ever after."""
        known = self._read("instance")
        if known and known.isprintable() and len(known) <= 200:
            return known
        name = socket.gethostname() or "localhost"
        self._write("instance", name)
        return name

    def id_mark(self) -> int:
        """Return the Unix milliseconds that no id of an earlier run is above."""
        text = self._read("id-mark")
        return int(text) if text.isdecimal() and len(text) < 16 else 0

    def set_id_mark(self, ms: int) -> None:
        """Write a new mark."""
        self._write("id-mark", str(ms))

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
            if not self._faulty:
                log.warning(
                    "%s cannot be written (%s): a restart may repeat ids; see the setting data_dir",
                    self.path,
                    error.strerror,
                )
            self._faulty = True
        else:
            self._faulty = False
