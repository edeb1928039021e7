"""Sizes of what the dashboard keeps on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dashboard.collectors import CollectorError
from dashboard.collectors.storage import FREE, SIZE, create
from dashboard.config import Settings


def values(folder: Path) -> dict[str, float]:
    return {sample.key: sample.value for sample in create(Settings(data_dir=folder)).collect()}


def test_a_database_counts_with_what_is_not_yet_merged_into_it(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"x" * 4096)
    (tmp_path / "state.db-wal").write_bytes(b"x" * 1000)
    (tmp_path / "state.db-shm").write_bytes(b"x" * 999)
    (tmp_path / "history.db").write_bytes(b"x" * 10)
    found = values(tmp_path)
    assert found[f'{SIZE.name}{{database="state"}}'] == 5096
    assert found[f'{SIZE.name}{{database="history"}}'] == 10
    assert found[FREE.name] <= os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize


def test_what_is_not_there_is_not_told(tmp_path: Path) -> None:
    assert values(tmp_path).keys() == {FREE.name}
    assert values(tmp_path / "none") == {}


@pytest.mark.parametrize("below", ["", "data"])
def test_a_folder_that_is_none_is_told_in_words(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / below
    with pytest.raises(CollectorError) as raised:
        values(folder)
    assert str(raised.value) == f"nothing is stored, for data_dir is {folder}, which cannot be used (Not a directory)"
