"""The real server process, for tests, `make check` and pictures.

::

    async with running_server(config='interval = 0.5') as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            ...
        assert server.terminate() == 0
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

LISTENING = re.compile(r"listening on (https?://\S+)")
TRACEBACK = "Traceback (most recent call last)"


class Server:
    """One server process: its address, its log, and the signals that tests send it."""

    def __init__(self, command: list[str | Path], env: Mapping[str, str], cwd: Path) -> None:
        self._command, self._env, self._cwd = command, env, cwd
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._held: socket.socket | None = None
        self.url = ""
        """Where it listens, without a slash at the end."""
        self.started_at = 0.0
        """`time.monotonic()` just before the process was made."""

    @property
    def process(self) -> subprocess.Popen[str]:
        """The running or ended process. Raises AssertionError before the first start."""
        assert self._process is not None, "the server was not started"
        return self._process

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def port(self) -> int:
        """The port that it chose at its first start, and keeps at later ones."""
        return int(self.url.rpartition(":")[2])

    def start(self, timeout: float = 20.0) -> None:
        """Start it, or start it again on the same port after its end; return when it listens."""
        port = str(self.port) if self.url else "0"
        seen = len(self._lines)
        self.started_at = time.monotonic()
        self._process = subprocess.Popen(
            [*self._command, "--port", port],
            env=dict(self._env),
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        found = self.wait_for_log(LISTENING, timeout, since=seen)
        self.free_port()
        self.url = found.group(1).replace("//0.0.0.0:", "//127.0.0.1:").rstrip("/")

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def log(self) -> str:
        """All that it wrote so far, both streams as one."""
        with self._news:
            return "".join(self._lines)

    def wait_for_log(self, pattern: str | re.Pattern[str], timeout: float = 20.0, since: int = 0) -> re.Match[str]:
        """Return the first match in the log from line `since` on.

        Raises AssertionError with the log when the process ends or `timeout` seconds pass without one.
        """
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                text = "".join(self._lines[since:])
                if match := re.search(pattern, text):
                    return match
                left = deadline - time.monotonic()
                ended = self._reader is not None and not self._reader.is_alive()
                if ended or left <= 0:
                    why = f"ended with {self.process.wait()}" if ended else f"said nothing of the kind in {timeout} s"
                    raise AssertionError(f"waiting for {pattern!r}: the server {why}; its log:\n{text}")
                self._news.wait(min(left, 0.25))

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        self.process.send_signal(number)

    def stop(self) -> None:
        """Freeze it (SIGSTOP): it accepts connections by the kernel and does nothing."""
        self.send(signal.SIGSTOP)

    def cont(self) -> None:
        """Let it go on after `stop`."""
        self.send(signal.SIGCONT)

    def kill(self) -> int:
        """End it without warning (SIGKILL) and return its exit code, -9."""
        self.send(signal.SIGKILL)
        return self.wait()

    def terminate(self, timeout: float = 20.0) -> int:
        """Ask it to end (SIGTERM) and return its exit code. Raises TimeoutExpired when it does not."""
        self.send(signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout: float = 20.0) -> int:
        """Wait for its end and return its exit code. Raises TimeoutExpired."""
        code = self.process.wait(timeout)
        self._hold_port()
        if self._reader is not None:
            self._reader.join(timeout)
        return code

    def _hold_port(self) -> None:
        """Keep the port of a server that has ended for its next start: tests beside this one are given free ports, too.

        It is bound, not listened to: who connects is refused, and a server may bind it as well, so this is for Linux.
        """
        if self._held is not None or not self.url or sys.platform != "linux":
            return
        held = socket.socket()
        try:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(("127.0.0.1", self.port))
        except OSError:  # its next start tells what is wrong
            held.close()
        else:
            self._held = held

    def free_port(self) -> None:
        """Hold the port no longer."""
        if self._held is not None:
            self._held.close()
            self._held = None


class RunningServer:
    """A `Server` as a context, sync or async; the process is always gone afterwards.

    At the end of a block that raised nothing, a server that still runs must end by SIGTERM within 20 s, and, unless
    `tracebacks` says otherwise, must have logged none.
    """

    def __init__(self, server: Server, folder: TemporaryDirectory[str], tracebacks: bool) -> None:
        self._server, self._folder, self._tracebacks = server, folder, tracebacks

    def __enter__(self) -> Server:
        try:
            self._server.start()
        except BaseException:
            self._clean()
            raise
        return self._server

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._end_well()
        finally:
            self._clean()

    async def __aenter__(self) -> Server:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def _end_well(self) -> None:
        server = self._server
        if server.process.poll() is None:
            server.cont()
            server.terminate()
        log = server.log()
        assert self._tracebacks or TRACEBACK not in log, f"the server logged a traceback:\n{log}"

    def _clean(self) -> None:
        process = self._server._process
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            self._server.wait()
        self._server.free_port()
        self._folder.cleanup()


def running_server(
    *args: str | Path,
    env: Mapping[str, str] | None = None,
    config: str = "",
    data_dir: Path | None = None,
    cwd: Path | None = None,
    named: bool = True,
    python: str | Path = sys.executable,
    tracebacks: bool = False,
) -> RunningServer:
    """Run `python -m dashboard serve ARGS` on a free port of loopback, with `with` or `async with`.

    `config` is the text of its settings file, `env` is added to an environment without `DASHBOARD_…`; its working
    folder is an empty one unless `cwd` says otherwise, and so is its data folder unless `data_dir` names one. With
    `named` being false it is told of no settings file.
    """
    folder = TemporaryDirectory(prefix="dashboard-test-", ignore_cleanup_errors=True)
    home = Path(folder.name)
    (home / "settings.toml").write_text(config, encoding="utf-8")
    (home / "work").mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DASHBOARD_")}
    environment |= {"PYTHONUNBUFFERED": "1", "DASHBOARD_DATA_DIR": str(data_dir or home / "data"), **(env or {})}
    config_flag = ["--config", home / "settings.toml"] if named else []
    command = [python, "-m", "dashboard", "serve", *config_flag, *args]
    return RunningServer(Server(command, environment, cwd or home / "work"), folder, tracebacks)


def changed_copy(folder: Path) -> dict[str, str]:
    """Copy the program into `folder` as its developers have it: scripts that were changed since they were joined.

    Return what the environment of a server needs to run that copy.
    """
    root = Path(__file__).parent.parent
    for part in ("dashboard", "templates", "static"):
        shutil.copytree(root / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "static/js/main.js").open("a", encoding="utf-8") as script:
        script.write("// changed\n")
    return {"PYTHONPATH": str(folder)}
