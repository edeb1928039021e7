"""N viewers of one stream, in a client process of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

import msgspec

CLIENT = Path(__file__).with_name("client.py")
STOP_SECONDS = 60.0


class Quantiles(msgspec.Struct, frozen=True):
    """Milliseconds that half of the deliveries, 99 of 100, and all of them took at most."""

    p50: float = float("nan")
    p99: float = float("nan")
    max: float = float("nan")


class Received(msgspec.Struct, frozen=True):
    """What all viewers together were sent in a window, and what they should have been.

    `first_ms` counts from the first viewer's receipt of the event, `stamp_ms` from the event's own `timestamp`.
    `due`, `lost` and `misplaced` (streams with a wrong order) are judged over the whole life of each stream.
    """

    viewers: int
    closed: int
    seconds: float
    reads: int
    bytes: int
    events: int
    event_bytes: int
    first_ms: Quantiles
    stamp_ms: Quantiles
    due: int
    lost: int
    misplaced: int
    gaps: int
    compared_with: str


class Viewers:
    """The client process; `pid` is there so that its own cost can be measured."""

    def __init__(self, process: subprocess.Popen[bytes], control: IO[bytes], answers: IO[bytes]) -> None:
        self._process, self._control, self._answers = process, control, answers
        self.pid = process.pid

    def received(self, start: float, end: float) -> Received:
        """Close the streams and return what came between two monotonic times."""
        self._control.write(f"{start} {end}\n".encode())
        self._control.flush()
        return msgspec.json.decode(self._answers.readline(), type=Received)


@contextmanager
def watching(url: str, count: int, core: int = -1, kind: Literal["log", "plain"] = "log") -> Iterator[Viewers]:
    """Open `count` streams and enter when each was answered, of a `log` by its `hello`; they close on leaving."""
    command = [sys.executable, "-S", "-E", str(CLIENT), url, str(count), str(core), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            if not process.stdout.readline():
                raise RuntimeError(f"the viewers of {url} could not connect")
            yield Viewers(process, process.stdin, process.stdout)
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
