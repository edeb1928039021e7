"""The page that tells how to add something: each of its commands does what it says, pasted into a shell as it is."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import get_args

import httpx
import pytest

from dashboard.boards import Kind, load_boards
from dashboard.config import load
from dashboard.settings_file import SettingsFile
from tests.needs import need
from tests.serving import Server, running_server

DEADLINE = 20.0


def commands(server: Server) -> list[str]:
    """Return the texts that the page's buttons copy."""
    page = httpx.get(f"{server.url}/add", timeout=DEADLINE)
    found = re.findall(r'<div class="snippet"><pre><code>(.*?)</code>', page.text, re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>", "", text)) for text in found]


def paste(command: str, folder: Path) -> str:
    """Run a command as a shell does that it is pasted into, wherever that is; twice, for people do that.

    Return what it said at last.
    """
    for _ in range(2):
        ended = subprocess.run(
            ["sh", "-eu"], cwd=folder, input=command, capture_output=True, text=True, timeout=DEADLINE, check=False
        )
        assert ended.returncode == 0 and ("curl -X POST" in command or not ended.stderr), ended
    return ended.stdout


def until(found: Callable[[], bool], server: Server) -> None:
    deadline = time.monotonic() + DEADLINE
    while not found():
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.05)


def latest(server: Server, name: str) -> list[float]:
    answer = httpx.get(f"{server.url}/api/v1/latest", params={"match": name}, timeout=DEADLINE)
    return [entry["value"] for entry in answer.json()["result"]]


@pytest.mark.parametrize(
    "config",
    [
        pytest.param("", marks=pytest.mark.long),
        "# mine\n[[collector]]\nname = 'cpu'\ninterval = 2",
        "collectors_dir = 'my own; \"collectors\"'\n[[board]]\nname = 'mine'\n",
    ],
    ids=["nothing set", "tables and no line end", "a folder set"],
)
def test_each_way_is_a_command_that_does_what_it_says(tmp_path: Path, config: str) -> None:
    need("curl")
    with running_server(config=config) as server:
        metric, collector, board = commands(server)
        assert all(server.url in command for command in (metric, collector, board))
        file = Path(shlex.split(board.splitlines()[0])[3])
        assert file.read_text() == config

        assert '"accepted":1' in paste(metric, tmp_path)
        until(lambda: latest(server, "orders_waiting") == [7.0], server)

        assert paste(board, tmp_path) == f"It is there: {server.url}/boards/shop\n"
        assert httpx.get(f"{server.url}/boards/shop", timeout=DEADLINE).status_code == 200

        assert "Start the dashboard again" in paste(collector, tmp_path)
        read = SettingsFile.read(file)
        folder = load(read, {}).settings.collectors_dir
        assert folder is not None and [one.name for one in folder.iterdir()] == ["temporary.py"]
        assert [one.name for one in load_boards(read)][-1] == "shop"
        assert config in file.read_text() and not file.with_name(file.name + ".new").exists()
        assert server.terminate() == 0
        server.start()
        until(lambda: len(latest(server, "temporary_files")) == 1, server)
        assert re.search(r'"temporary_files\{[^}]*\}.*"value":[0-9]', paste(collector, tmp_path))
        assert "not taken" not in server.log() and "collector temporary: failed" not in server.log()


def test_all_kinds_of_panels_are_named_and_a_board_that_does_not_come_is_told(tmp_path: Path) -> None:
    """A fault further up in the file keeps every board of it from being shown."""
    need("curl")
    with running_server() as server:
        board = commands(server)[2].replace("1 2 3 4 5", "1")
        assert f"# {' '.join(get_args(Kind))}\n" in board
        Path(shlex.split(board.splitlines()[0])[3]).write_text("[[board]\n")
        ended = subprocess.run(["sh"], cwd=tmp_path, input=board, capture_output=True, text=True, timeout=DEADLINE)
        assert (ended.returncode, ended.stdout) == (22, "") and "404" in ended.stderr, ended


def test_without_a_settings_file_the_commands_name_the_one_that_would_be_taken(tmp_path: Path) -> None:
    (tmp_path / "it's here").mkdir()
    with running_server(cwd=tmp_path / "it's here", named=False) as server:
        _, collector, board = commands(server)
        paste(collector, tmp_path)
        paste(board, tmp_path)
        file = tmp_path / "it's here" / "dashboard.toml"
        assert file.read_text().startswith('collectors_dir = "collectors"\n') and "[[board]]" in file.read_text()
        until(lambda: httpx.get(f"{server.url}/boards/shop", timeout=DEADLINE).status_code == 200, server)
        assert server.terminate() == 0
        server.start()
        until(lambda: len(latest(server, "temporary_files")) == 1, server)
