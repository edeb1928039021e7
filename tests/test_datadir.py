"""The folder of what survives a restart: whose it is, the instance's name, on a disk that may fail."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.datadir import DataDir, default_folder
from dashboard.errors import StorageError

ROOT = Path(__file__).parents[1]


def test_the_instance_keeps_its_first_name_when_the_host_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "first")
    assert DataDir(tmp_path / "new" / "folder").instance() == "first"
    monkeypatch.setattr(socket, "gethostname", lambda: "second")
    assert DataDir(tmp_path / "new" / "folder").instance() == "first"


def test_the_mark_of_an_earlier_version_is_read_until_it_is_dropped(tmp_path: Path) -> None:
    folder = DataDir(tmp_path)
    assert folder.old_id_mark() == 0
    (tmp_path / "id-mark").write_text("1700000000000\n")
    assert folder.old_id_mark() == 1_700_000_000_000
    folder.drop_old_id_mark()
    folder.drop_old_id_mark()
    assert folder.old_id_mark() == 0


@pytest.mark.parametrize("text", [b"", b"abc", b"-5", b"1e9", b"\xff\xfe", b"9" * 400, b"12 34"])
def test_a_damaged_mark_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "id-mark").write_bytes(text)
    assert DataDir(tmp_path).old_id_mark() == 0


def test_nothing_half_written_is_ever_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill in the middle of a write leaves the new text under another name."""
    (tmp_path / ".instance.new").write_text("hal")
    monkeypatch.setattr(socket, "gethostname", lambda: "whole")
    assert DataDir(tmp_path).instance() == "whole"
    assert not (tmp_path / ".instance.new").exists()


def test_a_folder_that_takes_no_writes_costs_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    folder = DataDir(tmp_path / "file" / "below")
    with caplog.at_level(logging.WARNING, "dashboard"):
        assert folder.instance() == socket.gethostname()
    for _ in range(3):
        with pytest.raises(OSError, match="Not a directory"):
            folder.claim()
    (record,) = caplog.records
    assert f"nothing is stored, for data_dir is {folder.path}, which cannot be written" in record.getMessage()
    (tmp_path / "file").unlink()
    folder.claim()
    assert folder.instance() == (tmp_path / "file" / "below" / "instance").read_text().strip()
    folder.release()


def test_a_folder_is_one_process_own_until_it_is_released_or_ends(tmp_path: Path) -> None:
    """Another opening of the folder, be it in the same process, is what the lock tells apart."""
    first, second = DataDir(tmp_path), DataDir(tmp_path)
    first.claim()
    first.claim()
    with pytest.raises(StorageError, match=r"in use by another dashboard.*--data-dir"):
        second.claim()
    first.release()
    second.claim()
    with pytest.raises(StorageError):
        first.claim()
    second.release()

    script = "import sys; from pathlib import Path; from dashboard.datadir import DataDir;"
    script += "DataDir(Path(sys.argv[1])).claim(); print('mine', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as other:
        assert other.stdout is not None and other.stdout.readline() == b"mine\n"
        with pytest.raises(StorageError):
            first.claim()
        other.kill()
    first.claim()
    first.release()


def test_a_folder_that_was_deleted_is_made_and_claimed_anew(tmp_path: Path) -> None:
    first, second = DataDir(tmp_path / "data"), DataDir(tmp_path / "data")
    first.claim()
    (tmp_path / "data").rmdir()
    first.claim()
    with pytest.raises(StorageError):
        second.claim()
    first.release()


def test_the_default_folder_follows_the_systems_custom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "dashboard"
    monkeypatch.setenv("HOME", str(tmp_path))
    for none in ("", "relative/path", "~/data"):
        monkeypatch.setenv("XDG_DATA_HOME", none)
        assert default_folder() == tmp_path / ".local/share/dashboard"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert default_folder() == tmp_path / ".local/share/dashboard"


def test_a_sign_of_life_is_left_by_whoever_has_the_folder_and_read_by_the_next(tmp_path: Path) -> None:
    folder = DataDir(tmp_path / "new")
    assert folder.last_alive() is None
    folder.sign_alive(1_700_000_000.5)
    assert folder.last_alive() is None, "it is not this process's yet"
    folder.claim()
    folder.sign_alive(1_700_000_000.5)
    folder.sign_alive(1_700_000_001.5)
    assert DataDir(tmp_path / "new").last_alive() == 1_700_000_001.5
    folder.release()
    folder.sign_alive(1_700_000_002.5)
    assert folder.last_alive() == 1_700_000_001.5


def test_a_disk_that_takes_no_sign_of_life_costs_nothing(tmp_path: Path) -> None:
    folder = DataDir(tmp_path / "new")
    folder.claim()
    (tmp_path / "new").rename(tmp_path / "gone")
    folder.sign_alive(1_700_000_000.5)
    assert folder.last_alive() is None
    folder.release()


def test_no_clock_that_was_never_set_takes_the_last_sign_of_life_back(tmp_path: Path) -> None:
    """Within a run it may be set back, and once it is believed it may be any time."""
    for signs, last in (([1.7e9, 1.7e9], 1.7e9), ([100.0, 200.0], 1.7e9), ([100.0, 1.9e9, 1.8e9], 1.8e9)):
        folder = DataDir(tmp_path)
        folder.claim()
        for sign in signs:
            folder.sign_alive(sign)
        folder.release()
        assert folder.last_alive() == last
    folder = DataDir(tmp_path)
    folder.claim()
    folder.sign_alive(100.0, steady=True)
    folder.release()
    assert folder.last_alive() == 100
