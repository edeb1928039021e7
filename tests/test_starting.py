"""The ways in which people and platforms start it: `make run`, and the Procfile's line, which says who may enter."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parent.parent
DEADLINE = 30.0
LOUD = r"^dashboard: warning: no sign-in on 0\.0\.0\.0: everyone who reaches port \d+ is an admin$"


def environment(folder: Path, **further: str) -> dict[str, str]:
    """Return that of a platform: this Python is the one found first, and nothing is set but what is needed."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "HOME": str(folder),
        **further,
    }


@contextmanager
def started(command: str, folder: Path, **further: str) -> Iterator[subprocess.Popen[str]]:
    """Run a line as a shell does, from the root of the project; it is gone after the block, or after `DEADLINE`."""
    process = subprocess.Popen(
        ["sh", "-c", command],
        cwd=ROOT,
        env=environment(folder, **further),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )

    def end() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(DEADLINE, end)
    timer.start()
    try:
        with process:
            yield process
            end()
    finally:
        timer.cancel()
        end()


def until_listening(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return where it listens, and all that it said before."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"listening on (http://\S+)", line):
            return found[1], said
        said += line
    raise AssertionError(f"it ended with {process.wait()}:\n{said}")


def line_of(name: str) -> str:
    """Return the command of a process of the Procfile."""
    processes = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text("utf-8").splitlines())
    assert list(processes) == [name]
    return processes[name]


def test_the_procfiles_line_is_refused_until_it_is_told_that_everyone_may_enter(tmp_path: Path) -> None:
    with started(line_of("web"), tmp_path, PORT="0") as process:
        said, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 2
    assert said.startswith("dashboard: --host: 0.0.0.0 ") and "DASHBOARD_INSECURE=1" in said


def test_the_procfiles_line_serves_on_the_port_of_the_platform_and_says_aloud_who_may_enter(tmp_path: Path) -> None:
    with started(line_of("web"), tmp_path, PORT="0", DASHBOARD_INSECURE="1") as process:
        url, said = until_listening(process)
        assert re.search(LOUD, said, re.MULTILINE), said
        assert url.startswith("http://0.0.0.0:") and not url.endswith(":0")
        assert httpx.get(f"{url.replace('0.0.0.0', '127.0.0.1')}/healthz", timeout=DEADLINE).text == "ok\n"
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(DEADLINE) in (0, -signal.SIGTERM)


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """What the first `make run` leaves: an environment that is set up, with this very Python in it."""
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (folder / ".serves").touch()
    return folder


def test_make_run_serves_on_loopback_at_the_port_that_is_asked_for(tmp_path: Path, venv: Path) -> None:
    (tmp_path / "settings.toml").touch()
    settings = str(tmp_path / "settings.toml")
    with started(f"exec make run PORT=0 VENV='{venv}'", tmp_path, DASHBOARD_CONFIG=settings) as process:
        url, said = until_listening(process)
        assert said == "" and url.startswith("http://127.0.0.1:")
        assert "<title>" in httpx.get(url, timeout=DEADLINE).text
        os.killpg(process.pid, signal.SIGINT)
        process.wait(DEADLINE)


def test_make_run_sets_up_first_what_is_not_there_and_takes_the_usual_port(tmp_path: Path) -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "run", f"VENV={tmp_path}/venv", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    steps = [f"{sys.executable} -m venv {tmp_path}/venv", "pip install", "--editable .", "-m dashboard serve"]
    places = [planned.index(step) for step in steps]
    assert places == sorted(places)
    assert planned.rstrip().endswith(f"exec {tmp_path}/venv/bin/python -m dashboard serve")
