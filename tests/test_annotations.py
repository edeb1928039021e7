"""Annotations: stored for good, found by the time that they touch, deleted when someone says so."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from dashboard.annotations import Annotations
from dashboard.errors import StorageError
from tests.archives import disk
from tests.clocks import START, HandClock


def texts(book: Annotations, start: float, end: float, limit: int = 100) -> list[str]:
    return [one.text for one in book.between(start, end, limit)]


def test_marks_are_found_by_the_time_that_they_touch_also_by_the_next_run(tmp_path: Path) -> None:
    with closing(disk(tmp_path, HandClock())) as owned:
        book = Annotations(owned.state)
        deploy = book.add(start=START, text="deploy ☂ 1.2", tags=["shop", "eu"], author="ann")
        book.add(start=START - 100, end=START - 50, text="maintenance", author="local")
        assert book.between(START, START) == [deploy]
        assert (deploy.id, deploy.end, deploy.tags, deploy.author) == (1, None, ("shop", "eu"), "ann")
    with closing(disk(tmp_path, HandClock())) as owned:
        book = Annotations(owned.state)
        assert texts(book, START - 60, START + 1) == ["maintenance", "deploy ☂ 1.2"]
        assert texts(book, START - 60, START + 1, limit=1) == ["deploy ☂ 1.2"]
        assert texts(book, START - 49, START - 1) == []
        assert book.between(START, START) == [deploy]


def test_one_is_deleted_once_and_its_number_is_not_given_again(tmp_path: Path) -> None:
    with closing(disk(tmp_path, HandClock())) as owned:
        book = Annotations(owned.state)
        first = book.add(start=START, text="one", author="local")
        assert book.remove(first.id) and not book.remove(first.id)
        assert book.add(start=START, text="two", author="local").id > first.id
        assert texts(book, START, START) == ["two"]


def test_they_are_bounded_by_their_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.annotations.MOST", 3)
    with closing(disk(tmp_path, HandClock())) as owned:
        book = Annotations(owned.state)
        for number in range(5):
            book.add(start=START - number, text=str(number), author="local")
        assert texts(book, 0, START) == ["4", "3", "2"]


def test_what_the_disk_does_not_take_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with closing(disk(tmp_path / "file", HandClock())) as owned:
        book = Annotations(owned.state)
        with pytest.raises(StorageError, match="make the folder writable"):
            book.add(start=START, text="one", author="local")
        with pytest.raises(StorageError):
            book.between(0, START)
