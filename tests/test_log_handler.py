"""A program's handler: its lines reach the dashboard, and nothing that befalls them reaches the program."""

from __future__ import annotations

import asyncio
import http.server
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from dashboard.log_handler import _TIMEOUT, MAX_MESSAGE, DashboardHandler
from tests.commands.running import NOBODY, until
from tests.serving import Server, running_server

PATIENT = """
import logging, os, threading
from dashboard.log_handler import DashboardHandler

join = threading.Thread.join
threading.Thread.join = lambda thread, timeout=None: join(thread, timeout and 20)
logging.getLogger().addHandler(DashboardHandler())
"""
"""A program that logs; of its last two seconds there are twenty, for a busy machine may take longer than that."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    """A server for all tests of this file that leave it running."""
    with running_server(config='instance = "web-1"') as running:
        yield running


@contextmanager
def logging_to(handler: DashboardHandler) -> Iterator[logging.Logger]:
    """Give a logger with this handler; it is closed afterwards."""
    log = logging.getLogger("test.handler")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    log.addHandler(handler)
    try:
        yield log
    finally:
        log.removeHandler(handler)
        handler.close()


@contextmanager
def patient() -> Iterator[None]:
    """Have threads be waited for longer than for two seconds, as a busy machine may need."""
    join = threading.Thread.join
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "join", lambda thread, timeout=None: join(thread, timeout and 20))
        yield


def lines(server: Server, text: str) -> list[dict[str, Any]]:
    """Return the lines that have a text, the oldest first."""
    found = httpx.get(f"{server.url}/api/v1/logs", params={"text": text, "limit": 1000}, timeout=20).json()["result"]
    return list(reversed(found))


def test_records_are_lines_on_the_dashboard_with_all_that_is_known_of_them(shared: Server) -> None:
    with logging_to(DashboardHandler(shared.url, source="shop", instance="web-2")) as log:
        log.warning("payment took %.1f s", 4.1)
        try:
            raise ValueError("no card")
        except ValueError:
            log.exception("payment failed")
    first, second = until(lambda: len(found := lines(shared, "payment")) == 2 and found)
    assert (first["message"], first["level"], first["logger"]) == ("payment took 4.1 s", "warning", "test.handler")
    assert (first["source"], first["resource"]) == ("web-2/shop", {"instance": "web-2"})
    assert abs(first["timestamp"] - time.time()) < 60
    assert second["message"].startswith("payment failed\nTraceback") and "no card" in second["message"]


def test_a_program_that_ends_at_once_has_sent_its_lines(shared: Server, tmp_path: Path) -> None:
    script = f"{PATIENT}logging.error('last words')"
    environ = {**os.environ, "DASHBOARD_URL": shared.url}
    subprocess.run([sys.executable, "-c", script], env=environ, cwd=tmp_path, check=True, timeout=60)
    assert until(lambda: lines(shared, "last words"))


def test_the_handler_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / "dashboard/log_handler.py"
    (tmp_path / "log_handler.py").write_text(source.read_text("utf-8"), "utf-8")
    script = "import log_handler; log_handler.DashboardHandler()"
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = ['.']; {script}"], cwd=tmp_path, check=True
    )


def test_a_forked_process_sends_its_own_lines(shared: Server, tmp_path: Path) -> None:
    script = PATIENT + (
        "logging.error('of the forked: parent')\n"
        "if not os.fork():\n    logging.error('of the forked: child')\n    logging.shutdown()\n    os._exit(0)\n"
        "os.wait()"
    )
    environ = {**os.environ, "DASHBOARD_URL": shared.url}
    subprocess.run([sys.executable, "-c", script], env=environ, cwd=tmp_path, check=True, timeout=60)
    found = until(lambda: len(found := lines(shared, "of the forked")) == 2 and found)
    assert {line["message"][15:] for line in found} == {"parent", "child"}


@pytest.mark.parametrize("nobody", ["away", "silent", "nonsense"])
def test_a_server_that_does_not_answer_costs_the_program_nothing(
    nobody: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float | None] = []
    join = threading.Thread.join

    def noted(thread: threading.Thread, timeout: float | None = None) -> None:
        if thread.name == "dashboard-log":
            waited.append(timeout)
        join(thread, timeout)

    monkeypatch.setattr(threading.Thread, "join", noted)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = {"away": NOBODY, "silent": f"http://127.0.0.1:{silent.getsockname()[1]}", "nonsense": "no:\nsense"}[
            nobody
        ]
        began = time.monotonic()
        with logging_to(DashboardHandler(url, capacity=100)) as log:
            for number in range(5_000):
                log.info("line %d of %r", number, "\udcff")
            assert time.monotonic() - began < _TIMEOUT, "one answer was waited for"
            assert waited == []
        assert waited == [2.0]
    assert capfd.readouterr() == ("", "")


def test_a_record_that_cannot_be_formatted_does_not_raise(shared: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go to the handler itself, for half a character in a captured log could not be reported on."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    handler = DashboardHandler(shared.url)
    for text, arguments in (("%d of %d", (1,)), ("formatted well \udcff", ())):
        handler.handle(logging.LogRecord("test.handler", logging.INFO, __file__, 1, text, arguments, None))
    handler.close()
    assert [line["message"] for line in until(lambda: lines(shared, "formatted well"))] == ["formatted well \\udcff"]


async def test_lines_wait_for_a_server_that_comes_back_and_what_was_left_out_is_told() -> None:
    """They are told of with each request: a program that is held up between two lines has begun with the first."""

    def all_told() -> bool:
        left_out = sum(int(line["message"].split()[0]) for line in lines(server, "left out here"))
        return left_out > 0 and left_out + len(lines(server, "kept or counted")) == 200

    async with running_server() as server:
        server.kill()
        with logging_to(DashboardHandler(server.url, capacity=50)) as log:
            for number in range(200):
                log.info("kept or counted %d", number)
            await asyncio.to_thread(server.start)
            await asyncio.to_thread(until, all_told)
            assert lines(server, "kept or counted")[0]["message"] == "kept or counted 0"


class Deaf(http.server.BaseHTTPRequestHandler):
    """Passes lines on to the server and answers, but for the first time, when it hangs up."""

    target = ""
    keys: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        key = self.headers["Idempotency-Key"]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        status = httpx.post(self.target + self.path, content=body, headers=headers, timeout=20).status_code
        self.keys.append(key)
        if len(self.keys) > 1:
            self.send_response(status)
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Be silent."""


def test_lines_whose_answer_was_lost_are_on_the_dashboard_once(shared: Server) -> None:
    Deaf.target = shared.url
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Deaf) as relay:
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        with logging_to(DashboardHandler(f"http://127.0.0.1:{relay.server_address[1]}")) as log:
            log.info("the first of one answer")
            until(lambda: len(Deaf.keys) == 2)
            log.info("the second of one answer")
            until(lambda: len(Deaf.keys) == 3)
        relay.shutdown()
    assert Deaf.keys[0] == Deaf.keys[1] != Deaf.keys[2]
    assert [line["message"][4:9] for line in lines(shared, "of one answer")] == ["first", "secon"]


def test_lines_that_are_too_much_at_once_are_sent_in_parts(shared: Server) -> None:
    with logging_to(DashboardHandler(shared.url)) as log:
        for number in range(200):
            log.info("%03d of a large request %s", number, "é" * MAX_MESSAGE)
        found = until(lambda: len(found := lines(shared, "of a large request")) == 200 and found)
    assert [int(line["message"][:3]) for line in found] == list(range(200))


class Stranger(Deaf):
    """Passes lines on to the server, at first as to one of a name that it does not know."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {"Content-Type": "application/json"} | ({} if self.keys else {"Host": "elsewhere.example"})
        answer = httpx.post(self.target + self.path, content=body, headers=headers, timeout=20)
        self.keys.append(str(answer.status_code))
        self.send_response(answer.status_code)
        self.end_headers()
        self.wfile.write(answer.content)


def test_lines_that_are_refused_are_counted_and_told_of_by_the_next_request_and_on_stderr(
    shared: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    Stranger.target, Stranger.keys = shared.url, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as relay:
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        with logging_to(DashboardHandler(f"http://127.0.0.1:{relay.server_address[1]}", source="refused")) as log:
            log.info("to a stranger")
            until(lambda: len(Stranger.keys) == 1)
            log.info("to a friend")
            told = until(lambda: lines(shared, "are missing here"))
        relay.shutdown()
    assert Stranger.keys == ["421", "200"]
    assert [(line["source"], line["level"]) for line in told] == [("web-1/refused", "warning")]
    assert told[0]["message"].startswith(
        "1 lines are missing here: the dashboard refused them (this server does not an"
    )
    assert lines(shared, "to a friend") and not lines(shared, "to a stranger")
    assert capfd.readouterr().err.count("log lines are refused by") == 1


@pytest.mark.parametrize("beside", [True, False])
def test_what_is_rejected_of_a_request_is_told_of_also_at_the_end(shared: Server, beside: bool) -> None:
    """The machine's clock may be an hour ahead: whatever has its time is rejected."""
    handler = DashboardHandler(shared.url, source=f"ahead {beside}")
    ahead = logging.LogRecord("test.handler", logging.INFO, __file__, 1, "an hour ahead", (), None)
    ahead.created += 3600
    handler.handle(ahead)
    if beside:
        handler.handle(logging.LogRecord("test.handler", logging.INFO, __file__, 1, "on time", (), None))
    with patient():
        handler.close()
    (told,) = [line for line in lines(shared, "lines are missing here") if line["source"] == f"web-1/ahead {beside}"]
    assert told["message"].startswith("1 lines are missing here: the dashboard refused them (timestamp: ")
    assert not lines(shared, "an hour ahead")
