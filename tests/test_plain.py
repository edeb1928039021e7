"""Text from elsewhere: what is left of it is bounded, and no sign in it does anything."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import plain

HARMFUL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("a\r\nb\rc\x0bd\u2028e\x85f", "a\nb\nc\nd\ne\nf"),
        ("\x1b[1;31mred\x1b[0m and \x1b]8;;http://x\x07link\x1b]8;;\x07", "red and link"),
        ("\x1b]0;no end of it", "\\x1b]0;no end of it"),
        ("a\x00b\x07c\x7f", "a\\x00b\\x07c\\x7f"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("naïve – 日本語 👩\u200d💻\tx", "naïve – 日本語 👩\u200d💻\tx"),
    ],
)
def test_control_characters_are_written_out_and_colours_left_out(raw: str, shown: str) -> None:
    assert plain.text(raw, 100) == shown


def test_what_is_cut_says_so_and_keeps_its_bound() -> None:
    assert plain.text("x" * 100, 100) == "x" * 100
    assert plain.text("x" * 101, 100) == "x" * 73 + " … (cut, of 101 characters)"
    assert plain.text("x" * 2**20, 100).endswith(" … (cut, of 1048576 characters)")


def test_a_line_is_one_line() -> None:
    assert plain.line(" \r\n a\n\n\tb \n", 100) == "a b"


@given(st.text(st.characters(), max_size=300) | st.text(alphabet="\x1b[]m\x07\r\n0;\ud800a", max_size=300))
def test_no_text_keeps_a_sign_that_does_anything(raw: str) -> None:
    for limit in (1, 40, 1_000):
        for shown in (plain.text(raw, limit), plain.line(raw, limit)):
            assert len(shown) <= limit and not HARMFUL.search(shown)
            shown.encode()
    assert "\n" not in plain.line(raw, 1_000)
