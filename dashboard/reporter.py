"""Tells a server how a task is, from a thread: the latest alone, again and again until it is heard."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from dashboard.errors import ConfigError, RequestRefused, ServerError

State = dict[str, object]
"""A task as the server takes it, whole each time, so that none of them depends on an earlier one."""

SHORTEST = 1.0
"""Seconds between two tellings at least."""

LAST_WORDS = 10.0
"""Seconds that the end of a task is told for, when the server has been heard of before."""


class Sends(Protocol):
    """What a reporter needs of a client."""

    def send(self, method: str, path: str, body: object) -> None:
        """Send one item; raise ServerError when it was not taken."""
        ...


class Reporter:
    """Reports one task. Nothing here ever waits for the server but `finish`, and that not for long."""

    def __init__(self, connect: Callable[[], Sends], path: str, state: Callable[[], State], interval: float) -> None:
        """`state` is called in the reporter's thread, every `interval` seconds or more often; so is `connect`, once."""
        self._connect, self._path, self._state, self._interval = connect, path, state, interval
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        self._heard = False
        self.fault: ConfigError | ServerError | None = None
        """Why the newest telling was not heard; None when it was."""

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def finish(self) -> None:
        """Tell the last state, which `state` gives from now on; return when it was heard or there is no hope."""
        self._ending.set()
        self._thread.join(LAST_WORDS + 1)

    def _run(self) -> None:
        try:
            client = self._connect()
        except ConfigError as error:
            self.fault = error
            return
        told: State | None = None
        told_at = -self._interval
        pause = step = min(SHORTEST, self._interval)
        while not self._ending.wait(pause if told is not None or self.fault else 0):
            state = self._state()
            if state == told and time.monotonic() - told_at < self._interval - step / 2:
                continue
            told_at = time.monotonic()
            told = state if self._tell(client, state) else None
            pause = step if told is not None else min(2 * pause, self._interval)
        self._tell_the_end(client)

    def _tell_the_end(self, client: Sends) -> None:
        deadline, pause = time.monotonic() + LAST_WORDS, 0.1
        while not self._tell(client, self._state()):
            # Who never heard of the task will not miss its end; and a refusal stays one.
            if not self._heard or isinstance(self.fault, RequestRefused) or time.monotonic() + pause > deadline:
                return
            time.sleep(pause)
            pause = min(2 * pause, 1.0)

    def _tell(self, client: Sends, state: State) -> bool:
        try:
            client.send("PUT", self._path, state)
        except ServerError as error:
            self.fault = error
            return False
        self.fault, self._heard = None, True
        return True
