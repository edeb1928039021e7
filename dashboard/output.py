"""What a command has printed: its last lines, and how far it says that it is."""

from __future__ import annotations

import codecs
import re
import threading
from collections import deque
from typing import NamedTuple

from dashboard import plain

LINES = 20
"""Last lines that are held."""

LINE = 500
"""Characters of a line that are held."""

_PIECE = 16 * 1024  # bytes of one read that are looked at; what stood before them is no longer among the last lines
_PERCENT = re.compile(r"(?<![\w.,/-])(\d{1,3}(?:[.,]\d{1,4})?)\s?%(?![\w%])")
_OF = re.compile(r"(?<![\w.,/:=-])(\d{1,15})\s?(?:/|of)\s?(\d{1,15})(?![\w./:-]*[\w/])")


class Progress(NamedTuple):
    """How far a command says that it is; `progress` from 0 to 1, `done` of `total` where it counts."""

    progress: float | None = None
    done: float | None = None
    total: float | None = None


UNKNOWN = Progress()


class Output:
    """The end of what a command prints on its streams, which are told apart so that no line is mixed of two.

    One thread may feed what another reads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: deque[str] = deque(maxlen=LINES)
        self._open: dict[int, _OpenLine] = {}
        self._last = 0

    def feed(self, stream: int, data: bytes) -> None:
        """Take what came by a stream, as it came."""
        with self._lock:
            line = self._open.setdefault(stream, _OpenLine())
            if len(data) > _PIECE:
                data = data[-_PIECE:]
                line.restart()
            *ended, line.text = (line.text + line.decode(data)).split("\n")
            self._ended.extend(shown for text in ended[-LINES:] if (shown := _shown(text)))
            line.text = line.text[-4 * LINE :]
            self._last = stream

    def lines(self) -> list[str]:
        """Return the last lines, those that have not ended yet at the end."""
        with self._lock:
            streams = sorted(self._open, key=lambda stream: stream == self._last)
            unended = [shown for stream in streams if (shown := _shown(self._open[stream].text))]
            return [*self._ended, *unended][-LINES:]

    def progress(self) -> Progress:
        """Return what the newest line that tells of progress says; unknown when none of the last lines does."""
        found = (progress_of(line) for line in reversed(self.lines()))
        return next((progress for progress in found if progress != UNKNOWN), UNKNOWN)


class _OpenLine:
    """What a stream has printed since its last line feed."""

    __slots__ = ("_decoder", "text")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def decode(self, data: bytes) -> str:
        return self._decoder.decode(data)


def progress_of(line: str) -> Progress:
    """Return what one line says: `42 %`, `12/345` or `12 of 345`; unknown when it says two things, or none."""
    shares = {float(text.replace(",", ".")) / 100 for text in _PERCENT.findall(line)}
    counts = {(float(done), float(total)) for done, total in _OF.findall(line)}
    if len(shares) > 1 or len(counts) > 1:
        return UNKNOWN
    share = next(iter(shares), None)
    done, total = next(iter(counts), (None, None))
    if share is not None and share > 1:
        return UNKNOWN
    if done is None or total is None:
        return Progress(share)
    if not total or done > total or (share is not None and abs(done / total - share) > 0.015):
        return UNKNOWN
    return Progress(done / total, done, total)


def _shown(text: str) -> str:
    """Return a line as a terminal would show it in the end: what stands behind its last carriage return."""
    parts = [part for part in text.split("\r") if part.strip()]
    if not parts:
        return ""
    newest = parts[-1] if len(parts[-1]) <= LINE else "…" + parts[-1][1 - LINE :]
    return plain.text(newest, LINE).replace("\n", " ").rstrip()
