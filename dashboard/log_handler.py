"""A `logging.Handler` that shows a program's lines on the dashboard. Needs nothing but the standard library.

::

    logging.getLogger().addHandler(DashboardHandler(source="shop"))

Lines are sent by a thread, several at once. The program never waits for it and never sees it fail: when the server is
away lines wait in a queue of bounded length, and when that is full further ones are left out, counted, and told of. So
are lines that the server refuses; the first time for each reason it is said on stderr, too.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import queue
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

MAX_MESSAGE = 8_192
"""Characters of a line at most; the server takes no more."""

_AT_ONCE = 200  # lines of one request
_GATHERING = 0.5  # seconds in which lines gather to share a request
_LONGEST_PAUSE = 30.0
_TIMEOUT = 5.0
_WORTH_A_RETRY = (408, 429)
_TOO_LARGE = 413
_MAX_REASON = 500

Line = dict[str, object]


class _Batch(NamedTuple):
    """What one request sends: lines, with how many of the program's would be lost with each; and the request's key."""

    items: list[tuple[Line, int]]
    key: str


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
        self._refused, self._why = 0, ""
        self._complained: set[str] = set()

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
        batches: list[_Batch] = []  # several, when one was too large
        pause = 0.0
        while not self._closing.is_set():
            first, *rest = batches or [self._gather()]
            left = self._send(first)
            batches = [*left, *rest]
            pause = min(max(1.0, 2 * pause), _LONGEST_PAUSE) if first in left else 0.0
            self._closing.wait(pause)
        while batches or not self._lines.empty():
            first, *rest = batches or [self._taken()]
            left = self._send(first)
            if first in left:
                return
            batches = [*left, *rest]
        if self._refused:
            self._send(self._taken())

    def _gather(self) -> _Batch:
        """Wait for a line, and a little for those that follow it."""
        first = self._lines.get()
        if first is not None:
            self._closing.wait(_GATHERING)
        return self._taken(first)

    def _taken(self, first: Line | None = None) -> _Batch:
        items = [(first, 1)] if first is not None else []
        while len(items) < _AT_ONCE and not self._lines.empty():
            line = self._lines.get()
            if line is not None:
                items.append((line, 1))
        left_out = self._left_out - self._told
        if left_out:
            self._told += left_out
            message = f"{left_out} lines were left out here: they came faster than the dashboard took them"
            items.append(({"message": message, "level": "warning", "timestamp": time.time(), **self._names}, left_out))
        if self._refused:
            # Without a time, which may be what the others were refused for.
            message = f"{self._refused} lines are missing here: the dashboard refused them ({self._why})"
            items.append(({"message": message, "level": "warning", **self._names}, self._refused))
            self._refused = 0
        return _Batch(items, uuid.uuid4().hex)

    def _send(self, batch: _Batch) -> list[_Batch]:
        """Return what is still to be sent: all of it again, its halves if it was too large, else nothing.

        By the key the server knows lines that it took before, and whose answer came too late or not at all.
        """
        items, key = batch
        if not items:
            return []
        request = urllib.request.Request(
            self._url,
            json.dumps([line for line, _ in items]).encode(),
            {"Content-Type": "application/json", "Idempotency-Key": key},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
                self._count(items, answer.read())
        except urllib.error.HTTPError as error:
            if not 400 <= error.code < 500 or error.code in _WORTH_A_RETRY:
                error.close()
                return [batch]
            if error.code == _TOO_LARGE and len(items) > 1:
                error.close()
                middle = len(items) // 2
                return [_Batch(items[:middle], f"{key}0"), _Batch(items[middle:], f"{key}1")]
            self._count(items, _read(error), f"{error.code} {error.reason}")
        except (OSError, ValueError, http.client.HTTPException):
            return [batch]
        return []

    def _count(self, items: Sequence[tuple[Line, int]], answer: bytes, refused: str = "") -> None:
        """Count the lines that an answer says were not taken: all, for they were `refused`, or some."""
        said = _parsed(answer)
        rejected = said.get("rejected")
        faults = [
            one for one in (rejected if isinstance(rejected, list) else [said.get("error")]) if isinstance(one, dict)
        ]
        every = range(len(items))
        lost = every if refused else [int(one["index"]) for one in faults if one.get("index") in every]
        if not lost:
            return
        self._refused += sum(items[index][1] for index in lost)
        self._why = str(faults[0].get("message", refused))[:_MAX_REASON] if faults else refused
        kind = str(faults[0].get("code", refused)) if faults else refused
        if kind not in self._complained and sys.stderr is not None:
            self._complained.add(kind)  # and not again: it may be so for each of many
            with contextlib.suppress(OSError, ValueError):
                print(f"dashboard: log lines are refused by {self._url}: {self._why}", file=sys.stderr)


def _read(answer: urllib.error.HTTPError) -> bytes:
    with answer, contextlib.suppress(OSError, http.client.HTTPException):
        return bytes(answer.read())
    return b""


def _parsed(answer: bytes) -> dict[str, Any]:
    """Return what an answer says; nothing, when it is not the dashboard's."""
    with contextlib.suppress(ValueError):
        said = json.loads(answer)
        if isinstance(said, dict):
            return said
    return {}


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
