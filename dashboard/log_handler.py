"""A `logging.Handler` that shows a program's lines on the dashboard. Needs nothing but the standard library.

::

    logging.getLogger().addHandler(DashboardHandler(source="shop"))

Lines are sent by a thread, several at once. The program never waits for it and never sees it fail: when the server is
away lines wait in a queue of bounded length, and when that is full further ones are left out, counted, and told of.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import queue
import threading
import time
import urllib.error
import urllib.request
import uuid

MAX_MESSAGE = 8_192
"""Characters of a line at most; the server takes no more."""

_AT_ONCE = 200  # lines of one request
_GATHERING = 0.5  # seconds in which lines gather to share a request
_LONGEST_PAUSE = 30.0
_TIMEOUT = 5.0
_WORTH_A_RETRY = (408, 429)

Line = dict[str, object]


class DashboardHandler(logging.Handler):
    """Sends records to a server; `close`, which Python's end calls, sends what is left, for two seconds at most."""

    def __init__(
        self,
        url: str | None = None,
        *,
        source: str | None = None,
        instance: str | None = None,
        capacity: int = 2_000,
        level: int | str = logging.NOTSET,
    ) -> None:
        """Send to the server at `url` (default: `DASHBOARD_URL`, else http://127.0.0.1:8000).

        `source` names the program; `instance` the machine, when it is not the one that the server sees. `capacity`
        lines wait at most.
        """
        super().__init__(level)
        self._url = (url or os.environ.get("DASHBOARD_URL") or "http://127.0.0.1:8000").rstrip("/") + "/api/v1/logs"
        self._names = {name: value for name, value in (("source", source), ("instance", instance)) if value}
        self._capacity = capacity
        self._forget()

    def _forget(self) -> None:
        """Begin with an empty queue and no thread: at first, and in a process that was forked off."""
        self._pid = os.getpid()
        self._lines: queue.SimpleQueue[Line | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._left_out = self._told = 0  # each written by one thread only: by whoever logs, and by the one that sends

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record; never waits."""
        try:
            if self._pid != os.getpid():
                self._forget()
            thread = self._thread
            if thread is threading.current_thread():
                return  # what sending logs would have to be sent again, for ever
            if thread is None:
                self._thread = threading.Thread(target=self._run, name="dashboard-log", daemon=True)
                self._thread.start()
            if self._lines.qsize() >= self._capacity:
                self._left_out += 1
            else:
                self._lines.put(self._line(record))
        except Exception:  # whatever is wrong with a record, it is not the program's to suffer
            self.handleError(record)

    def close(self) -> None:
        """Send what is left, for two seconds at most."""
        thread = self._thread
        if thread is not None and self._pid == os.getpid() and not self._closing.is_set():
            self._closing.set()
            self._lines.put(None)
            thread.join(2.0)
        super().close()

    def _line(self, record: logging.LogRecord) -> Line:
        return {
            "message": _encodable(text_of(record)[:MAX_MESSAGE]),
            "level": word_of(record.levelno),
            "logger": _encodable(record.name[:100]),
            "timestamp": record.created,
            **self._names,
        }

    def _run(self) -> None:
        lines: list[Line] = []
        key, pause = "", 0.0
        while not self._closing.is_set():
            if not lines:
                lines, key = self._gather(), uuid.uuid4().hex
            if self._send(lines, key):
                lines, pause = [], 0.0
            else:
                pause = min(max(1.0, 2 * pause), _LONGEST_PAUSE)
                self._closing.wait(pause)
        while lines or not self._lines.empty():
            if not lines:
                lines, key = self._taken(), uuid.uuid4().hex
            if not self._send(lines, key):
                return
            lines = []

    def _gather(self) -> list[Line]:
        """Wait for a line, and a little for those that follow it."""
        first = self._lines.get()
        if first is not None:
            self._closing.wait(_GATHERING)
        return [*([first] if first is not None else []), *self._taken()]

    def _taken(self) -> list[Line]:
        lines: list[Line] = []
        while len(lines) < _AT_ONCE and not self._lines.empty():
            line = self._lines.get()
            if line is not None:
                lines.append(line)
        left_out = self._left_out - self._told
        if left_out:
            self._told += left_out
            message = f"{left_out} lines were left out here: they came faster than the dashboard took them"
            lines.append({"message": message, "level": "warning", "timestamp": time.time(), **self._names})
        return lines

    def _send(self, lines: list[Line], key: str) -> bool:
        """Return whether these lines are done with: taken, or refused for good.

        By the key the server knows lines that it took before, and whose answer came too late or not at all.
        """
        if not lines:
            return True
        request = urllib.request.Request(
            self._url,
            json.dumps(lines).encode(),
            {"Content-Type": "application/json", "Idempotency-Key": key},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return 400 <= error.code < 500 and error.code not in _WORTH_A_RETRY
        except (OSError, ValueError, http.client.HTTPException):
            return False
        return True


def word_of(levelno: int) -> str:
    """Return the word for a level: the one that it reaches."""
    for bound, word in ((50, "critical"), (40, "error"), (30, "warning"), (20, "info")):
        if levelno >= bound:
            return word
    return "debug"


def text_of(record: logging.LogRecord) -> str:
    """Return a record's message, with its traceback if it has one."""
    return logging.Formatter("%(message)s").format(record)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
