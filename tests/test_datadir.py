"""What survives a restart: the instance's name and the mark of ids, on a disk that may fail."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest

from dashboard.datadir import DataDir, default_folder


def test_the_instance_keeps_its_first_name_when_the_host_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "first")
    assert DataDir(tmp_path / "new" / "folder").instance() == "first"
    monkeypatch.setattr(socket, "gethostname", lambda: "second")
    assert DataDir(tmp_path / "new" / "folder").instance() == "first"


def test_the_mark_is_the_one_that_was_written_last(tmp_path: Path) -> None:
    folder = DataDir(tmp_path)
    assert folder.id_mark() == 0
    for mark in (5, 1_700_000_000_000):
        folder.set_id_mark(mark)
        assert DataDir(tmp_path).id_mark() == mark


@pytest.mark.parametrize("text", [b"", b"abc", b"-5", b"1e9", b"\xff\xfe", b"9" * 400, b"12 34"])
def test_a_damaged_mark_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "id-mark").write_bytes(text)
    assert DataDir(tmp_path).id_mark() == 0


def test_nothing_half_written_is_ever_read(tmp_path: Path) -> None:
    """A kill in the middle of a write leaves the new text under another name."""
    DataDir(tmp_path).set_id_mark(7)
    (tmp_path / ".id-mark.new").write_text("99")
    assert DataDir(tmp_path).id_mark() == 7


def test_a_folder_that_takes_no_writes_costs_one_line_until_it_takes_them_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    folder = DataDir(tmp_path / "file" / "below")
    with caplog.at_level(logging.WARNING, "dashboard"):
        assert folder.instance() == socket.gethostname()
        folder.set_id_mark(1)
        folder.set_id_mark(2)
        assert len(caplog.records) == 1 and "data_dir" in caplog.text
        (tmp_path / "file").unlink()
        folder.set_id_mark(3)
        assert folder.id_mark() == 3
        (tmp_path / "file" / "below" / "id-mark").unlink()
        (tmp_path / "file" / "below" / "id-mark").mkdir()
        folder.set_id_mark(4)
    assert len(caplog.records) == 2


def test_the_default_folder_follows_the_systems_custom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "dashboard"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".local/share/dashboard"
