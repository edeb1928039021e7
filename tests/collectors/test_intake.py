"""What a collector gives is checked before it goes on, so that it can spoil nothing but its own samples."""

from __future__ import annotations

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
    intake.take(Sample("a", 1.0, {label: "x"}))
    outcome = intake.outcome(0.0)
    assert outcome.samples == {"a": 1.0}
    assert outcome.error is not None and "no label can be called" in outcome.error


ODD: list[tuple[Any, str]] = [
    (Sample("a", 10**400, {"i": "2"}), 'a{i="2"}: its value is too large'),
    (Sample("a", "x"), "a: values are numbers and labels are text: could not convert string to float: 'x'"),  # type: ignore[arg-type]
    (Sample("a", 1, {"i": 5}), "a: values are numbers and labels are text: argument of type 'int'"),  # type: ignore[dict-item]
    (Sample([], 1), "[]: values are numbers and labels are text: unhashable"),  # type: ignore[arg-type]
    (Sample("b", 1), "gives 'b', which is not among its families"),
    (Sample("a", 1, {"i": "x" * 5_000}), "a: a series has at most 4,096 characters"),
    (Sample("a", 1, {"i": "\x1b" * 4_000}), "a: a series has at most 4,096 characters"),
    (5, "collect() gives Sample(name, value, labels), not int"),
    (ProcessRow(7, None, "u", 0.0, 1, 1, "running"), "process 7: descriptor 'isprintable'"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("odd", "said"), ODD, ids=[said for _, said in ODD])
def test_what_does_not_suit_is_refused_by_name_and_costs_nothing_beside_it(odd: Any, said: str) -> None:
    class Mixed(Odd):
        def collect(self) -> Collected:
            yield Sample("a", 1)
            yield odd
            yield Sample("a", float("nan"), {"i": "3"})
            yield odd
            yield Sample("a", 4, {"i": "4"})

    job = Job(Mixed(), 0.0, 0.0)
    job.run(HandClock())
    assert job.outcome is not None and job.outcome.error is not None
    assert job.outcome.samples == {"a": 1.0, 'a{i="4"}': 4.0} and job.outcome.rows == ()
    assert job.outcome.error.startswith(said) and job.outcome.error.endswith("; 1 more of what it gives is refused")


def test_bytes_that_are_no_text_are_replaced_as_json_could_not_carry_them() -> None:
    intake = Intake(Odd())
    intake.take(Sample("a", 1.0, {"mountpoint": "/mnt/\udcff"}))
    (key,) = intake.outcome(0.0).samples
    assert msgspec.json.encode(key) and Series.parse(key).label("mountpoint") == "/mnt/?"


def test_a_process_that_json_could_not_carry_is_refused_here() -> None:
    row = ProcessRow(pid=7, name="\udcff", user="u", cpu_ratio=0.0, resident_bytes=1, threads=1, state="running")
    intake = Intake(Odd())
    intake.take(row)
    outcome = intake.outcome(0.0)
    assert outcome.rows == () and (outcome.error or "").startswith("process 7: ")


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
    await later.run_async(HandClock())
    for job in (now, later):
        assert job.outcome is not None
        assert job.outcome.error == f"collect() must return or yield samples; it returned {kind}"
