"""What a collector gives is checked before it goes on, so that it can spoil nothing but its own samples."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from dashboard.collectors import Collected, CollectorError, Family, ProcessRow, Sample
from dashboard.collectors.lane import MAX_ERROR, Intake, Job
from dashboard.model import Series
from tests.clocks import HandClock


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


def test_control_characters_of_labels_and_processes_are_written_out() -> None:
    intake = Intake(Odd())
    intake.take(Sample("a", 1.0, {"x": "\x1b[1m\u202e\u2028", "y": "ä\n"}))
    row = ProcessRow(
        pid=7,
        name="\x1b]0;x\x07",
        user="u",
        cpu_ratio=0.0,
        resident_bytes=1,
        threads=1,
        state="running",
        command="\u202e",
    )
    intake.take(row)
    outcome = intake.outcome(0.0)
    assert list(outcome.samples) == ['a{x="\\\\x1b[1m\\\\u202e\\\\u2028",y="ä\\n"}']
    assert [(row.name, row.command) for row in outcome.rows] == [("\\x1b]0;x\\x07", "\\u202e")]


CUT = " … (cut, of 100000 characters)"


class Wordless(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CollectorError("x" * 100_000), "x" * (MAX_ERROR - len(CUT)) + CUT),
        (ValueError("x" * 100_000), "ValueError: " + "x" * (MAX_ERROR - len(CUT)) + CUT),
        (ValueError("\x1b[1mred\udcff"), "ValueError: red\\udcff"),
        (Wordless(), "Wordless: it has no text"),
    ],
)
def test_what_a_collector_raised_is_told_in_a_bounded_text_that_json_can_carry(error: Exception, said: str) -> None:
    intake = Intake(Odd())
    intake.fail(error)
    told = intake.outcome(0.0).error or ""
    assert told.startswith(said) and len(told) <= MAX_ERROR + len("ValueError: ")


@pytest.mark.parametrize(("returned", "kind"), [(42, "int"), (None, "None"), (Sample("a", 1.0), "Sample")])
async def test_a_collect_that_returns_no_samples_is_told_what_it_must_return(returned: object, kind: str) -> None:
    class Wrong(Odd):
        def collect(self) -> Any:
            return returned

    class WrongLater(Odd):
        async def collect(self) -> Any:
            return returned

    now, later = Job(Wrong(), 0.0, 0.0), Job(WrongLater(), 0.0, 0.0)
    now.run(HandClock())
    await later.run_async(HandClock(), asyncio.timeout(None))
    for job in (now, later):
        assert job.outcome is not None
        assert job.outcome.error == f"collect() must return or yield samples; it returned {kind}"
