"""The two databases of the data folder, which may be lost differently, and the room on the disk for the one of them.

`state.db` is small, and each commit of it survives a loss of power; room is kept free for it. `history.db` holds points
and logs: it is what fills the disk, if anything does, and what may be given up. Each has one writer, whoever writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dashboard import schema
from dashboard.datadir import DataDir
from dashboard.errors import StorageError
from dashboard.model import Clock
from dashboard.reserve import SIZE, Reserve
from dashboard.sqlite import Database


class _Guard(NamedTuple):
    """What the disk says to one of its databases."""

    claim: Callable[[], None]
    allow: Callable[[], None]
    make_room: Callable[[], bool]


class Disk:
    """Owns the databases. Whoever keeps tables in one joins it before its first write; nothing is opened earlier."""

    def __init__(
        self,
        folder: DataDir,
        clock: Clock,
        *,
        reserve_size: int = SIZE,
        passing: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`passing` is as for Database, with the file's name in front."""
        self.folder = folder
        self._reserve = Reserve(folder.path / "reserve", reserve_size)
        self.state = Database(
            folder.path / "state.db",
            _Guard(folder.claim, lambda: None, self._reserve.give_up),
            clock,
            schema.STATE,
            safe=True,
            passing=lambda place: passing(f"state.db {place}"),
        )
        self.history = Database(
            folder.path / "history.db",
            _Guard(folder.claim, self._spare, lambda: False),
            clock,
            schema.HISTORY,
            safe=False,
            max_aside=1,  # it may be a gigabyte
            passing=lambda place: passing(f"history.db {place}"),
        )

    def keep_room(self) -> None:
        """Make the reserve anew when there is room; may wait, to be called in a writer's thread."""
        self._reserve.keep()

    def close(self) -> None:
        """Write what is left, and let another process have the folder."""
        self.state.close()
        self.history.close()
        self.folder.release()

    def _spare(self) -> None:
        if not self._reserve.spared():
            raise StorageError(
                f"{self.folder.path}: points and logs are not stored, for the disk is nearly full: free some space, "
                "or name another data_dir"
            )
