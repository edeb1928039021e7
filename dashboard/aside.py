"""Database files that make place for others: under another name, with their journals, and only so many of them."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

ENDINGS = ("-shm", "-wal", "")
"""What a database's files end with. Its journal must not meet another file, so the file itself comes last."""


def doubts(path: Path) -> Path:
    """Return the file that says, while it is there, that a database may be damaged: whoever opens it is to check it."""
    return path.with_name(f"{path.name}.doubted")


def set_aside(path: Path, why: str, now: float, most: int) -> Path:
    """Rename a database to `<name>.<why>-<time>` and return that; of those set aside for this the last `most` stay.

    `now` is in Unix seconds. Raises OSError.
    """
    aside = path.with_name(f"{path.name}.{why}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}")
    for ending in ENDINGS:
        with suppress(FileNotFoundError):
            os.replace(f"{path}{ending}", f"{aside}{ending}")
    older = sorted(path.parent.glob(f"{path.name}.{why}-*Z"))[:-most]
    for file in (Path(f"{one}{ending}") for one in older for ending in ENDINGS):
        file.unlink(missing_ok=True)
    return aside
