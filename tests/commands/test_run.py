"""`dashboard run`: the command is as if alone, the dashboard is told how it goes, and neither can harm the other."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from dashboard.reporter import LAST_WORDS
from tests.commands.running import DEADLINE, NOBODY, command, run, start, tasks, until
from tests.serving import Server, running_server


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    """A server for all tests of this file that leave it running."""
    with running_server(config='instance = "web-1"') as running:
        yield running


def test_input_output_errors_and_exit_code_are_the_commands_own(shared: Server) -> None:
    ended = run("run", "--", "sh", "-c", "cat; printf err >&2; exit 7", url=shared.url, given=b"\x00\xff raw\r\n")
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, b"\x00\xff raw\r\n", b"err")


def test_much_output_passes_unchanged_and_in_order(shared: Server) -> None:
    script = "import sys; [sys.stdout.buffer.write(b'%d ' % n) for n in range(400_000)]"
    ended = run("run", sys.executable, "-c", script, url=NOBODY)
    assert ended.stdout == b"".join(b"%d " % n for n in range(400_000))


def test_options_behind_the_command_are_the_commands(shared: Server) -> None:
    assert run("run", "echo", "--name", "x", "-n", url=shared.url).stdout == b"--name x -n\n"


def test_streams_that_are_one_stay_in_order(shared: Server) -> None:
    line, environ = command("run", "--", "sh", "-c", "for n in 1 2 3; do echo o$n; echo e$n >&2; done", url=shared.url)
    ended = subprocess.run(
        line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=DEADLINE, check=True
    )
    assert ended.stdout.split() == [b"o1", b"e1", b"o2", b"e2", b"o3", b"e3"]


def test_the_end_of_a_command_is_on_the_dashboard(shared: Server) -> None:
    script = "echo begin; echo 12/48; echo oh no >&2; exit 3"
    run("run", "--name", "fails", "--title", "A test", "--", "sh", "-c", script, url=shared.url)
    task = tasks(shared)["fails"]
    assert (task["state"], task["exit_code"], task["title"], task["source"]) == ("failed", 3, "A test", "web-1/sh")
    assert (task["message"], sorted(task["output"])) == ("oh no", ["12/48", "begin", "oh no"])
    assert (task["progress"], task["done"], task["total"]) == (0.25, 12.0, 48.0)
    assert task["ended_at"] >= task["started_at"]


def test_progress_is_on_the_dashboard_while_the_command_runs(shared: Server) -> None:
    script = "printf ' 10%%\\r 40 %%'; read x; echo; echo done"
    process = start("run", "--name", "runs", "--", "sh", "-c", script, url=shared.url, stdin=subprocess.PIPE)
    task = until(lambda: (found := tasks(shared).get("runs")) and found.get("progress") and found)
    assert (task["state"], task["progress"], task["output"]) == ("running", 0.4, [" 40 %"])
    assert process.communicate(b"\n", DEADLINE) == (b" 10%\r 40 %\ndone\n", b"") and process.returncode == 0
    task = tasks(shared)["runs"]
    assert (task["state"], task["exit_code"], task["message"]) == ("completed", 0, "done")


def test_what_tells_no_progress_has_none(shared: Server) -> None:
    run("run", "--name", "silent", "--", "true", url=shared.url)
    task = tasks(shared)["silent"]
    assert task["state"] == "completed" and "progress" not in task and "output" not in task


def test_two_runs_of_one_command_are_two_tasks(shared: Server) -> None:
    run("run", "uname", url=shared.url)
    run("run", "uname", url=shared.url)
    assert len([name for name in tasks(shared) if name.startswith("uname-")]) == 2


def test_a_command_that_is_killed_ends_with_128_and_the_signal(shared: Server) -> None:
    ended = run("run", "--name", "killed", "--", "sh", "-c", "echo begin; kill -9 $$", url=shared.url)
    assert ended.returncode == 128 + signal.SIGKILL
    task = tasks(shared)["killed"]
    assert (task["state"], task["exit_code"], task["message"]) == ("failed", 137, "ended by SIGKILL")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_the_commands_to_decide_upon(shared: Server, number: signal.Signals) -> None:
    script = f"trap 'echo caught; exit 9' {number.name[3:]}; echo ready; while :; do sleep 0.05; done"
    process = start("run", "--", "sh", "-c", script, url=shared.url)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, out, err) == (9, b"caught\n", b"")


def test_a_command_that_ignores_a_signal_goes_on(shared: Server) -> None:
    process = start(
        "run", "--", "sh", "-c", "trap '' TERM; echo ready; read x; exit 5", url=shared.url, stdin=subprocess.PIPE
    )
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(b"\n", DEADLINE)
    assert process.returncode == 5


@pytest.mark.parametrize(("name", "code"), [("no-such-command", 127), ("/etc/passwd", 126)])
def test_a_command_that_cannot_run_is_told_as_shells_do(shared: Server, name: str, code: int) -> None:
    ended = run("run", "--name", f"not-{code}", "--", name, url=shared.url)
    assert ended.returncode == code and ended.stderr.startswith(f"dashboard: {name}: ".encode())
    assert tasks(shared)[f"not-{code}"]["state"] == "failed"


def test_a_command_that_leaves_another_behind_is_not_waited_for(shared: Server) -> None:
    process = start("run", "--", "sh", "-c", "sleep 60 & echo $!", url=shared.url)
    out, _ = process.communicate(timeout=DEADLINE)
    os.kill(int(out), signal.SIGKILL)
    assert process.returncode == 0


def test_a_reader_that_goes_ends_the_command_as_it_would_without_us(shared: Server) -> None:
    process = start("run", "--", "sh", "-c", "yes; echo $? >&2", url=shared.url)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == b"y\n"
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b"141\n"
    assert process.wait(DEADLINE) == 0


def test_a_server_that_is_away_costs_one_line_at_the_end() -> None:
    began = time.monotonic()
    ended = run("run", "--", "sh", "-c", "echo out; exit 4", url=NOBODY)
    assert (ended.returncode, ended.stdout) == (4, b"out\n")
    (line,) = ended.stderr.splitlines()
    assert NOBODY.encode() in line and b"dashboard serve" in line and b"DASHBOARD_URL" in line
    assert time.monotonic() - began < LAST_WORDS, "it does not tell the end again and again to who was never there"


def test_an_address_that_is_none_does_not_keep_the_command_from_running() -> None:
    ended = run("run", "--", "echo", "out", url="nonsense")
    assert (ended.returncode, ended.stdout) == (0, b"out\n") and ended.stderr.count(b"\n") == 1


def test_a_name_that_is_refused_is_told(shared: Server) -> None:
    ended = run("run", "--name", "x" * 300, "--", "true", url=shared.url)
    assert ended.returncode == 0 and b"1 to 200 printable characters" in ended.stderr


def test_a_server_that_dies_in_between_learns_the_rest_when_it_is_back() -> None:
    script = "echo 1/3; read x; echo 2/3; read x; exit 6"
    with running_server() as server:
        process = start(
            *("run", "--name", "long", "--interval", "0.5", "--", "sh", "-c", script),
            url=server.url,
            stdin=subprocess.PIPE,
        )
        assert process.stdin is not None
        until(lambda: "long" in tasks(server))
        server.kill()
        process.stdin.write(b"\n")
        process.stdin.flush()
        server.start()
        task = until(lambda: (found := tasks(server).get("long")) and found.get("done") == 2 and found)
        assert task["state"] == "running" and task["output"] == ["1/3", "2/3"]
        out, err = process.communicate(b"\n", DEADLINE)
        assert (process.returncode, out, err) == (6, b"1/3\n2/3\n", b"")
        after = tasks(server)["long"]
        assert (after["state"], after["exit_code"], after["started_at"]) == ("failed", 6, task["started_at"])


def test_a_server_that_hangs_holds_the_command_back_for_seconds_at_most() -> None:
    with running_server() as server:
        server.stop()
        began = time.monotonic()
        ended = run("run", "--", "sh", "-c", "echo out; exit 2", url=server.url)
        assert (ended.returncode, ended.stdout) == (2, b"out\n") and b"not on the dashboard" in ended.stderr
        assert time.monotonic() - began < LAST_WORDS + 8  # in which the program starts, and a busy machine stands still
        server.cont()


def test_a_run_that_is_killed_is_lost_after_three_intervals() -> None:
    with running_server() as server:
        process = start("run", "--name", "gone", "--interval", "0.3", "--", "sleep", "60", url=server.url)
        until(lambda: "gone" in tasks(server))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert until(lambda: tasks(server)["gone"]["state"] != "running" and tasks(server)["gone"])["state"] == "lost"


class Terminal:
    """A terminal with a program in it, in a session of its own."""

    def __init__(self, *arguments: str, url: str) -> None:
        line, environ = command(*arguments, url=url)
        self.pid, self.fd = pty.fork()
        if not self.pid:
            for key in (signal.SIGINT, signal.SIGQUIT):  # as after a login, whatever began the tests in the background
                signal.signal(key, signal.SIG_DFL)
            os.execve(line[0], line, environ)
        self.seen = b""

    def until(self, text: bytes) -> None:
        """Read until the terminal shows a text."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, self.seen
            self.seen += os.read(self.fd, 4096)

    def type(self, keys: bytes) -> None:
        os.write(self.fd, keys)

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_on_a_terminal_the_command_has_a_terminal_of_the_same_size(shared: Server) -> None:
    script = (
        "import os, sys; print(*[os.isatty(n) for n in (0, 1, 2)], *os.get_terminal_size(1), flush=True);"
        "name = input('name? '); print('hello', name)"
    )
    terminal = Terminal(
        "run", "--", "sh", "-c", 'stty cols 91 rows 33; exec "$@"', "sh", sys.executable, "-c", script, url=shared.url
    )
    terminal.until(b"True True True")
    terminal.until(b"name? ")
    terminal.type(b"anna\r")
    terminal.until(b"hello anna\r\n")
    assert b"\r\r\n" not in terminal.seen and terminal.end() == 0


def test_on_a_terminal_a_new_size_reaches_the_command(shared: Server) -> None:
    script = (
        # Blocked and waited for, so that none comes between two waits and wakes nobody.
        "import os, signal; told = {signal.SIGWINCH, signal.SIGINT}; signal.pthread_sigmask(signal.SIG_BLOCK, told);"
        "print('ready', flush=True)\n"
        "while signal.sigwait(told) == signal.SIGWINCH: print('size', *os.get_terminal_size(1), flush=True)\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL); signal.pthread_sigmask(signal.SIG_UNBLOCK, told)\n"
        "signal.raise_signal(signal.SIGINT)"
    )
    terminal = Terminal("run", "--", sys.executable, "-c", script, url=shared.url)
    terminal.until(b"ready")
    termios.tcsetwinsize(terminal.fd, (33, 91))
    terminal.until(b"size 91 33")
    terminal.type(b"\x03")
    assert terminal.end() == 128 + signal.SIGINT


def test_on_a_terminal_an_interrupt_reaches_the_command_once(shared: Server) -> None:
    script = (
        "import signal, sys; count = []; signal.signal(signal.SIGINT, lambda *_: count.append(1));"
        "print('ready', flush=True); sys.stdin.readline(); print('interrupts', len(count))"
    )
    terminal = Terminal("run", "--", sys.executable, "-c", script, url=shared.url)
    terminal.until(b"ready")
    terminal.type(b"\x03")
    terminal.until(b"^C")
    terminal.type(b"\r")
    terminal.until(b"interrupts 1")
    assert terminal.end() == 0
