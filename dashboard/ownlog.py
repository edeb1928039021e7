"""The program's own log lines as events, for the page that shows everyone's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self, cast

from dashboard import plain
from dashboard.events import Level, Log
from dashboard.log_handler import MAX_MESSAGE, text_of, word_of
from dashboard.model import Clock

MOST = 50
"""Lines of a second at most; then one tells how many were left out."""

_UNSTORABLE = "dashboard.storing"
"""The logger that says why nothing can be stored: as an event such a line would be one more that is not."""


class OwnLog(logging.Handler):
    """Publishes log records of any thread in the event loop's, from entering it to leaving."""

    def __init__(self, publish: Callable[[Log], None], clock: Clock, instance: str) -> None:
        super().__init__()
        self._publish, self._clock, self._instance = publish, clock, instance
        self._loop: asyncio.AbstractEventLoop | None = None
        self._publishing = False
        self._second, self._count, self._left_out = clock.monotonic(), 0, 0

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self)
        self._loop = None
        self.close()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record to the event loop, or count it among those that are too many."""
        loop = self._loop
        if loop is None or record.name == _UNSTORABLE or (self._publishing and _is_thread_of(loop)):
            return
        now = self._clock.monotonic()
        if now - self._second >= 1:
            self._second, self._count = now, 0
        self._count += 1
        try:
            if self._count <= MOST:
                loop.call_soon_threadsafe(self._take, self._event(record))
                return
            if not self._left_out:
                loop.call_soon_threadsafe(loop.call_later, 1.0, self._tell_of_left_out)
            self._left_out += 1
        except RuntimeError:
            self._loop = None  # it is closed
        except Exception:  # a record that cannot be formatted is no reason for whoever made it to fail
            self.handleError(record)

    def _event(self, record: logging.LogRecord) -> Log:
        return self._line(
            record.created, word_of(record.levelno), plain.text(text_of(record), MAX_MESSAGE), record.name
        )

    def _line(self, timestamp: float, level: str, message: str, logger: str) -> Log:
        return Log(
            timestamp=timestamp,
            source=f"{self._instance}/dashboard",
            resource={"instance": self._instance},
            level=cast("Level", level),
            message=message,
            logger=logger,
        )

    def _take(self, event: Log) -> None:
        self._publishing = True
        try:
            self._publish(event)
        finally:
            self._publishing = False

    def _tell_of_left_out(self) -> None:
        self.acquire()
        count, self._left_out = self._left_out, 0
        self.release()
        message = f"{count} lines were left out here: at most {MOST} a second are shown"
        self._take(self._line(self._clock.wall(), "warning", message, "dashboard"))


def _is_thread_of(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
