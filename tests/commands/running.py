"""Commands of the program, run as a shell runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.serving import Server

DEADLINE = 20.0
NOBODY = "http://127.0.0.1:9"
"""An address where nothing listens."""


def command(*arguments: str, url: str) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment of a command of the program."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("DASHBOARD_")}
    environ |= {"DASHBOARD_URL": url, "PYTHONPATH": str(Path(__file__).parents[2])}
    return [sys.executable, "-m", "dashboard", *arguments], environ


def start(*arguments: str, url: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own; its streams are pipes."""
    line, environ = command(*arguments, url=url)
    return subprocess.Popen(
        line,
        env=environ,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A shell ignores SIGINT in its background, nohup SIGHUP; and what is ignored no shell can trap.
        preexec_fn=_take_interrupts,
    )


def _take_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def run(*arguments: str, url: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end."""
    line, environ = command(*arguments, url=url)
    return subprocess.run(
        line, env=environ, input=given, capture_output=True, timeout=DEADLINE, check=False, start_new_session=True
    )


def tasks(server: Server) -> dict[str, dict[str, Any]]:
    """Return the latest of every task by its name."""
    found = httpx.get(f"{server.url}/api/v1/tasks", timeout=DEADLINE).json()["result"]
    return {task["task"]: task for task in found}


def until(found: Callable[[], Any]) -> Any:
    """Ask again and again until the answer is not empty; return it."""
    deadline = time.monotonic() + DEADLINE
    while not (answer := found()):
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)
    return answer
