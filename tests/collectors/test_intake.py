"""What a collector gives is checked before it goes on, so that it can spoil nothing but its own samples."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from dashboard.collectors import Collected, CollectorError, Family, ProcessRow, Sample
from dashboard.collectors.lane import Intake
from dashboard.model import Series


class Odd:
    """A collector of one family; its samples are handed in by the tests."""

    name = "odd"
    interval = None
    families: Sequence[Family] = (Family("a", "gauge", "", "Help."),)

    def collect(self) -> Collected:
        return []


@pytest.mark.parametrize("label", ["a-b", "", "1a", "a b", "ä", "__name__", 'a"'])
def test_a_label_that_no_series_can_have_is_refused_here(label: str) -> None:
    intake = Intake(Odd())
    intake.take(Sample("a", 1.0))
    with pytest.raises(CollectorError, match="no label can be called"):
        intake.take(Sample("a", 1.0, {label: "x"}))
    assert intake.outcome(0.0).samples == {"a": 1.0}


def test_bytes_that_are_no_text_are_replaced_as_json_could_not_carry_them() -> None:
    intake = Intake(Odd())
    intake.take(Sample("a", 1.0, {"mountpoint": "/mnt/\udcff"}))
    (key,) = intake.outcome(0.0).samples
    assert msgspec.json.encode(key) and Series.parse(key).label("mountpoint") == "/mnt/?"


def test_a_process_that_json_could_not_carry_is_refused_here() -> None:
    row = ProcessRow(pid=7, name="\udcff", user="u", cpu_ratio=0.0, resident_bytes=1, threads=1, state="running")
    intake = Intake(Odd())
    with pytest.raises(CollectorError, match="process 7"):
        intake.take(row)
    assert intake.outcome(0.0).rows == ()
