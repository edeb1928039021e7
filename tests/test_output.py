"""What is made of a command's output: its last lines as a terminal shows them, and no progress that it did not tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.output import LINE, LINES, UNKNOWN, Output, Progress, progress_of


@pytest.mark.parametrize(
    ("line", "progress"),
    [
        ("42 %", Progress(0.42)),
        ("42%", Progress(0.42)),
        ("Progress: [ 42.5%] [####....]", Progress(0.425)),
        ("7,5 %", Progress(0.075)),
        ("100%", Progress(1.0)),
        ("tests/test_a.py .......  [ 42%]", Progress(0.42)),
        ("12/345", Progress(12 / 345, 12, 345)),
        ("[12/345] Building CXX object a.o", Progress(12 / 345, 12, 345)),
        ("Step 3 of 4: pull", Progress(0.75, 3, 4)),
        (" 42%|####      | 42/100 [00:01<00:02, 30.5it/s]", Progress(0.42, 42, 100)),
        ("     32,768  42%  1.20MB/s    0:00:01 (xfr#5, to-chk=169/396)", Progress(0.42)),
        ("Receiving objects:  42% (420/1000), 1.2 MiB | 1 MiB/s", Progress(0.42, 420, 1000)),
    ],
)
def test_progress_is_read_where_a_line_tells_it(line: str, progress: Progress) -> None:
    assert progress_of(line) == progress


@pytest.mark.parametrize(
    "line",
    [
        "",
        "done",
        "2024/01/02 03:04:05 begin",
        "01/02/2024",
        "/usr/lib/42/43",
        "http://example.com/1/2",
        "cpu 12% memory 42%",
        "1/2 and 3/4",
        "140 %",
        "5/4",
        "0/0",
        "10% 90/100",
        "-5%",
        "a42%",
        "42%d",
        "version 1.2/3",
        "192.168.0.1/24",
        "9" * 400 + "/1",
    ],
)
def test_what_is_ambiguous_or_no_progress_stays_unknown(line: str) -> None:
    assert progress_of(line) == UNKNOWN


def fed(*pieces: bytes) -> Output:
    output = Output()
    for piece in pieces:
        output.feed(1, piece)
    return output


def test_lines_are_those_that_a_terminal_shows() -> None:
    output = fed(b"begin\r\n\x1b[31mred\x1b[0m\n\n 10%\r 20%\r 30%\r", b" 40%", "ü".encode()[:1])
    assert output.lines() == ["begin", "red", " 40%"]
    output.feed(1, "ü".encode()[1:])
    assert output.lines()[-1] == " 40%ü"


def test_a_newer_line_that_tells_nothing_does_not_undo_the_progress_but_twenty_do() -> None:
    output = fed(b"12/345\nlinking\n")
    assert output.progress().done == 12
    output.feed(1, b"line\n" * LINES)
    assert output.progress() == UNKNOWN


def test_two_streams_are_not_mixed_within_a_line() -> None:
    output = Output()
    output.feed(1, b"half of ")
    output.feed(2, b"warning\n")
    output.feed(1, b"a line")
    assert output.lines() == ["warning", "half of a line"]


def test_a_flood_without_an_end_of_line_costs_little_and_shows_its_end() -> None:
    output = fed(*[b"\x00x" * 40_000] * 20, b"." * 100_000 + b" 42 %")
    assert output.lines()[0].endswith(". 42 %") and len(output.lines()[0]) <= LINE
    output.feed(1, b"y" * 10**6 + b"\nlast\n")
    assert output.lines()[-1] == "last"


@given(
    st.lists(st.tuples(st.integers(1, 2), st.binary(max_size=60) | st.sampled_from([b"\r", b"\n", b"5%", b"\x1b["])))
)
def test_no_output_does_harm(pieces: list[tuple[int, bytes]]) -> None:
    output = Output()
    for stream, piece in pieces:
        output.feed(stream, piece)
    assert len(output.lines()) <= LINES and all(len(line) <= LINE and "\n" not in line for line in output.lines())
    progress = output.progress()
    assert progress.progress is None or 0 <= progress.progress <= 1
