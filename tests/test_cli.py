"""The command line: what it prints, what it refuses, and that it always ends in one line and a number."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from dashboard import __version__
from dashboard.boards import load_boards
from dashboard.cli import commands
from tests.serving import running_server


def run(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a shell would, with nothing of this environment but the way to the project."""
    return subprocess.run(
        [sys.executable, "-m", "dashboard", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "HOME": str(cwd), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refusal(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of stderr that a start which was refused ends in."""
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("dashboard: ")
    return line


def test_version(tmp_path: Path) -> None:
    ended = run("--version", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, f"dashboard {__version__}\n")


@pytest.mark.parametrize("command", [("check-config", "my.toml"), ("serve", "--config", "my.toml")])
def test_a_setting_for_a_collector_that_is_none_is_refused(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "my.toml").write_text('[[collector]]\nname = "dashboard"\n[[collector]]\nname = "loadavrg"\n')
    said = refusal(run(*command, cwd=tmp_path))
    assert said.endswith('my.toml:4: collector.name: there is no collector "loadavrg"; the nearest is "loadavg"'), said


def test_check_config_prints_settings_with_their_sources_and_every_chart(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(
        'port = 0\n[[collector]]\nname = "cpu"\n[[board]]\nname = "web"\n'
        '[[board.panel]]\ntitle = "Load now"\nkind = "stat"\nseries = ["system_load_1m"]\n'
    )
    ended = run("check-config", "my.toml", cwd=tmp_path, DASHBOARD_INTERVAL="2")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "port = 0  # my.toml:1" in ended.stdout
    assert "interval = 2.0  # DASHBOARD_INTERVAL" in ended.stdout
    assert 'host = "127.0.0.1"  # default' in ended.stdout
    assert "#   web.load-now  stat  system_load_1m" in ended.stdout
    assert all(f"#   {chart}  " in ended.stdout for chart in load_boards(None)[0].charts)


def test_what_check_config_prints_is_a_settings_file_that_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('[[collector]]\nname = "cpu"\ninterval = 2\n[[collector]]\nname = "loadavg"\n')
    first = run("check-config", "one.toml", cwd=tmp_path).stdout
    (tmp_path / "two.toml").write_text(first)
    second = run("check-config", "two.toml", cwd=tmp_path)
    assert second.returncode == 0
    assert tomllib.loads(second.stdout) == tomllib.loads(first)


@pytest.mark.parametrize("command", [("check-config", "bad.toml"), ("serve", "--config", "bad.toml")])
def test_a_faulty_file_ends_with_file_line_key_and_nearest_key(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "bad.toml").write_text("\n\nprot = 1\n")
    line = refusal(run(*command, cwd=tmp_path))
    assert line == "dashboard: bad.toml:3: prot: unknown key; the nearest valid one is port"


def test_a_faulty_board_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "dashboard.toml").write_text("[[board]]\nname = 'x'\n[[board.panel]]\nkind = 'pie'\n")
    assert "dashboard.toml:4: board.panel.kind: must be one of line" in refusal(run("serve", cwd=tmp_path))


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    assert "none.toml: cannot be read" in refusal(run("serve", "--config", "none.toml", cwd=tmp_path))
    assert "none.toml: cannot be read" in refusal(run("serve", cwd=tmp_path, DASHBOARD_CONFIG="none.toml"))


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    line = refusal(run("serve", cwd=tmp_path, DASHBOARD_PORT="eighty"))
    assert line == 'dashboard: DASHBOARD_PORT: must be a whole number from 0 to 65535, not "eighty"'


def test_a_bad_flag_is_named(tmp_path: Path) -> None:
    assert "--port: must be a whole number from 0 to 65535" in refusal(run("serve", "--port", "65536", cwd=tmp_path))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_beyond_loopback_needs_insecure(tmp_path: Path, host: str) -> None:
    line = refusal(run("serve", "--host", host, cwd=tmp_path))
    assert host in line and "--insecure" in line and "DASHBOARD_INSECURE=1" in line


def test_a_user_without_a_home_is_told_to_name_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    (tmp_path / "my.toml").touch()
    ended = CliRunner().invoke(commands, ["check-config", str(tmp_path / "my.toml")])
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr == ("dashboard: data_dir: this user has no home folder; name one with DASHBOARD_DATA_DIR\n")


BOTH = [("check-config", "my.toml"), ("serve", "--config", "my.toml")]


@pytest.mark.parametrize("command", BOTH, ids=["check-config", "serve"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('\nhost = "0.0.0.0"', "my.toml:2: host: 0.0.0.0 can be reached from other machines"),
        ('\nhost = "nosuch.invalid"', "my.toml:2: host: nosuch.invalid cannot be resolved ("),
        ('host = "nosuch.invalid"\ninsecure = true', "my.toml:1: host: nosuch.invalid cannot be resolved ("),
        ('host = "192.0.2.1"\ninsecure = true', "host: 192.0.2.1 is no address of this machine"),
        ('certfile = "none.pem"\nkeyfile = "none.pem"', "my.toml:1: certfile: "),
        ('certfile = "none.pem"\n[[board]]\nname = "A"', "my.toml:1: certfile: "),
        ('[[board]]\nname = "A"\n[[collector]]\nname = "none"', "my.toml:2: board.name: "),
        ('[[collector]]\nname = "none"\n[[board]]\nname = "A"', "my.toml:2: collector.name: "),
    ],
)
def test_what_keeps_the_program_from_starting_is_found_by_the_check(
    tmp_path: Path, command: tuple[str, ...], text: str, said: str
) -> None:
    (tmp_path / "my.toml").write_text(text)
    ended = run(*command, cwd=tmp_path)
    *warnings, line = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout) == (2, "")
    loud = command[0] == "serve" and "192.0.2.1" in text  # whoever has it serve there hears of it even so
    said_aloud = "dashboard: warning: no sign-in on 192.0.2.1: everyone who reaches port 8000 is an admin"
    assert warnings == [said_aloud] * loud
    assert line.startswith(f"dashboard: {said}"), line


def test_a_host_that_cannot_be_resolved_is_told_by_its_flag(tmp_path: Path) -> None:
    line = refusal(run("serve", "--host", "nosuch.invalid", cwd=tmp_path))
    assert line.startswith("dashboard: --host: nosuch.invalid cannot be resolved (")


@pytest.mark.parametrize("folder", ["nowhere", "my.toml"])
def test_check_config_fails_for_a_folder_of_collectors_that_serve_cannot_read(tmp_path: Path, folder: str) -> None:
    (tmp_path / "my.toml").write_text(f'\ncollectors_dir = "{folder}"')
    line = refusal(run("check-config", "my.toml", cwd=tmp_path))
    assert line.startswith(f"dashboard: my.toml:2: collectors_dir: {folder}: cannot be read: ")
    by_variable = refusal(run("check-config", os.devnull, cwd=tmp_path, DASHBOARD_COLLECTORS_DIR=folder))
    assert by_variable.startswith(f"dashboard: DASHBOARD_COLLECTORS_DIR: {folder}: cannot be read: ")


def test_check_config_only_warns_of_a_port_that_is_taken_for_it_may_be_by_this_very_program(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (tmp_path / "my.toml").write_text(f"port = {taken.getsockname()[1]}")
        ended = run("check-config", "my.toml", cwd=tmp_path)
    assert ended.returncode == 0 and ended.stdout
    assert ended.stderr.startswith("dashboard: warning: port ") and "is taken" in ended.stderr


@pytest.mark.parametrize("command", [("check-config", "my.toml"), ("serve", "--config", "my.toml")])
@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("interval = 3600", "my.toml:1: interval", "must be at most window (900 s), not 3600"),
        ("window = 60\ninterval = 61", "my.toml:2: interval", "must be at most window (60 s), not 61"),
        (
            'window = 60\n[[collector]]\nname = "cpu"\n[[collector]]\nname = "disks"\ninterval = 90',
            "my.toml:6: collector.interval",
            "must be at most window (60 s), not 90",
        ),
    ],
)
def test_settings_that_cannot_work_together_are_refused_with_both_names(
    tmp_path: Path, command: tuple[str, ...], text: str, place: str, message: str
) -> None:
    (tmp_path / "my.toml").write_text(text)
    assert refusal(run(*command, cwd=tmp_path)).startswith(f"dashboard: {place}: {message}")


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("window = 60\ninterval = 31", "my.toml:2: interval: 31 s are over half of window (60 s)"),
        ("heartbeat_interval = 5\nlog_age = 1", "my.toml:2: log_age: 1 s are less than heartbeat_interval (5 s)"),
        (
            "stall_timeout = 20\nheartbeat_interval = 11",
            "my.toml:2: heartbeat_interval: 11 s are over half of stall_timeout (20 s)",
        ),
        ("stall_timeout = 8", "heartbeat_interval, by default: 5 s are over half of stall_timeout (8 s)"),
    ],
)
def test_settings_that_hardly_work_together_are_warned_of_with_both_names(
    tmp_path: Path, text: str, warning: str
) -> None:
    (tmp_path / "my.toml").write_text(text)
    ended = run("check-config", "my.toml", cwd=tmp_path, DASHBOARD_PORT="0")  # someone may be on the usual one
    assert ended.returncode == 0
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"dashboard: warning: {warning}")
    with running_server(config=text) as server:
        server.wait_for_log(rf"dashboard: warning: \S*{re.escape(warning.removeprefix('my.toml'))}")


def test_a_collector_that_is_off_and_the_longest_interval_that_is_kept_twice_are_no_clash(tmp_path: Path) -> None:
    off = '[[collector]]\nname = "cpu"\ninterval = 3600\nenabled = false\n'
    (tmp_path / "my.toml").write_text("port = 0\nwindow = 60\ninterval = 30\nlog_age = 5\n" + off)
    ended = run("check-config", "my.toml", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("way", ["file", "environment", "flag"])
def test_a_port_that_is_taken_is_told_with_its_setting(tmp_path: Path, way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        if way == "file":
            (tmp_path / "dashboard.toml").write_text(f"port = {port}")
        flags = ("--port", port) if way == "flag" else ()
        environ = {"DASHBOARD_PORT": port} if way == "environment" else {}
        line = refusal(run("serve", *flags, cwd=tmp_path, **environ))
    assert port in line and "port" in line.replace(port, "") and "taken" in line


def test_asking_for_help_loads_nothing_of_the_server(tmp_path: Path) -> None:
    code = "import sys, dashboard.cli; print(sorted({'quart', 'hypercorn', 'psutil'} & sys.modules.keys()))"
    environ = {"PYTHONPATH": str(Path(__file__).parents[1])}
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"
