"""A command is added by adding a file, and costs the others nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import dashboard.commands
from dashboard.cli import commands


def test_a_file_in_the_folder_is_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "say_hello.py").write_text(
        "import click\n@click.command\ndef command():\n    '''Greet.'''\n    click.echo('hello')\n"
    )
    monkeypatch.setattr(dashboard.commands, "__path__", [*dashboard.commands.__path__, str(tmp_path)])
    monkeypatch.setitem(sys.modules, "dashboard.commands.say_hello", None)
    del sys.modules["dashboard.commands.say_hello"]
    assert CliRunner().invoke(commands, ["say-hello"]).output == "hello\n"
    assert "say-hello     Greet." in CliRunner().invoke(commands, ["--help"]).output


def test_every_command_says_what_it_is_for() -> None:
    for name in ("backup", "check-config", "notify", "restore", "run", "serve"):
        ended = CliRunner().invoke(commands, [name, "--help"])
        assert ended.exit_code == 0 and f"Usage: dashboard {name}" in ended.output.replace("commands", "dashboard", 1)


def test_a_command_that_is_none_is_named() -> None:
    ended = CliRunner().invoke(commands, ["sevre"])
    assert ended.exit_code == 2 and "'sevre'" in ended.output


@pytest.mark.parametrize("command", ["run", "notify"])
def test_commands_that_only_talk_to_a_server_load_nothing_of_it(command: str) -> None:
    code = (
        f"import sys; from click.testing import CliRunner; from dashboard.cli import commands\n"
        f"CliRunner().invoke(commands, [{command!r}, '--url', 'http://127.0.0.1:9', 'true'])\n"
        "print(sorted({'quart', 'hypercorn', 'psutil', 're2'} & sys.modules.keys()))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
