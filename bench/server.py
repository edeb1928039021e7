"""The program under measurement: `python -m dashboard serve` in a process and a folder of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
STOP_SECONDS = 10.0
LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")


ITSELF = "dashboard"
Found = TypeVar("Found")


class CollectorStatus(msgspec.Struct):
    """One collector, as `GET /api/v1/status` lists it."""

    name: str


class Status(msgspec.Struct):
    """The part of `GET /api/v1/status` that is needed here."""

    collectors: list[CollectorStatus]


class Server(msgspec.Struct, frozen=True):
    """A server that runs: its process id and its address."""

    pid: int
    url: str

    def get(self, path: str) -> str:
        """Return the body of a page or an answer."""
        with urlopen(self.url + path, timeout=START_SECONDS) as response:
            return str(response.read().decode())

    def collectors(self) -> list[str]:
        """Return the names of the collectors of the machine: all but the one of the program about itself."""
        status = msgspec.json.decode(self.get("/api/v1/status"), type=Status)
        return [each.name for each in status.collectors if each.name != ITSELF]

    def stream(self, types: list[str], series: list[str]) -> str:
        """Return the address of a stream with a filter."""
        return f"{self.url}/api/v1/events?" + urlencode(
            [("types", ",".join(types)), *(("match", each) for each in series)]
        )


@contextmanager
def serving(folder: Path, settings: str = "", core: int = -1, port: int = 0) -> Iterator[Server]:
    """Serve with the given settings file out of `folder`; pinned to a core unless that is -1; ended on leaving."""
    config, log = folder / "dashboard.toml", folder / "server.log"
    config.write_text(settings)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DASHBOARD_")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "dashboard", "serve", "--config", str(config), "--port", str(port)]
    with started([*command, "--data-dir", str(folder / "data")], log, environment, core) as process:
        found = until(lambda: LISTENING.search(log.read_text()), process, log)
        yield Server(process.pid, found.group(1))


@contextmanager
def started(
    command: list[str], log: Path, environment: dict[str, str], core: int = -1
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a session of its own with its output in `log`; end it on leaving, in bounded time."""
    pin = (lambda: os.sched_setaffinity(0, {core})) if core >= 0 else None
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=pin,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it left behind: its group is its own


def until(ready: Callable[[], Found | None], process: subprocess.Popen[bytes], log: Path) -> Found:
    """Wait until `ready` gives something; raise RuntimeError with the log when the process ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while (found := ready()) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.02)
    return found
