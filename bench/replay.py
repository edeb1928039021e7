"""A feed as a file, which every server that we are compared with sends over and over; the standard library alone.

The file is JSON: `seconds`, after which it begins anew, and `writes`, pairs of milliseconds after the beginning and the
frames of SSE that go out together then. In each frame stands `MOMENT` for the milliseconds of its id.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

MOMENT = "@" * 13
PATIENCE = 0.5
FIELDS = re.compile(r"(?:id: (?P<id>[^\n]*)\n)?(?:event: (?P<event>[^\n]*)\n)?data: (?P<data>[^\n]*)\n\n")

Writes = Sequence[tuple[int, Sequence[str]]]


def save(path: Path, seconds: int, writes: Writes) -> None:
    """Make the file."""
    path.write_text(json.dumps({"seconds": seconds, "writes": writes}))


def writes(path: str | Path) -> Iterator[tuple[float, list[str]]]:
    """Yield without end the Unix time at which a write is due, and its frames; what is late by far is left out.

    It begins at a full second, as the feed did, so that the rhythm keeps its place beside the clock.
    """
    feed = json.loads(Path(path).read_text())
    for begin in count(math.ceil(time.time()), feed["seconds"]):
        for milliseconds, frames in feed["writes"]:
            due = begin + milliseconds / 1000
            if time.time() < due + PATIENCE:
                moment = str(begin * 1000 + milliseconds)
                yield due, [frame.replace(MOMENT, moment) for frame in frames]


def left(due: float) -> float:
    """Return the seconds until then, 0 when that is past."""
    return max(due - time.time(), 0.0)
