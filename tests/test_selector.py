"""Selectors: the cases that the page's own parser runs too, and what only the server must withstand."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import SelectorSyntaxError
from dashboard.model import Series
from dashboard.selector import MAX_LENGTH, Selector

CASES = json.loads((Path(__file__).parent / "cases" / "selectors.json").read_text("utf-8"))


def parsed(text: str) -> Selector | SelectorSyntaxError:
    """Read a selector, or return what is wrong with it."""
    try:
        return Selector.parse(text)
    except SelectorSyntaxError as error:
        return error


@pytest.mark.parametrize(
    ("selector", "series", "matches"),
    [(case["selector"], case["series"], case["matches"]) for case in CASES if "selector" in case],
)
def test_a_selector_chooses_as_the_shared_cases_say(selector: str, series: str, matches: bool) -> None:
    assert Selector.parse(selector).matches(Series.parse(series)) is matches


@pytest.mark.parametrize("text", [case["bad"] for case in CASES if "bad" in case])
def test_what_is_no_selector_is_refused_with_a_position_inside(text: str) -> None:
    with pytest.raises(SelectorSyntaxError) as caught:
        Selector.parse(text)
    assert 0 <= caught.value.position <= len(text)
    assert (caught.value.status, caught.value.code) == (400, "invalid_selector")


def test_a_broken_expression_is_named_with_its_reason() -> None:
    with pytest.raises(SelectorSyntaxError, match=r"regular expression: missing \]"):
        Selector.parse('up{a=~"x["}')


@pytest.mark.parametrize("text", ['up{a="b\\x"}', "up{a!='b\\d'}", 'up{c="\\n",a="\\\\\\t"}'])
def test_an_escape_that_there_is_not_is_refused_and_those_there_are_named(text: str) -> None:
    with pytest.raises(SelectorSyntaxError) as caught:
        Selector.parse(text)
    assert text[caught.value.position :][:2] == caught.value.reason[:2]
    assert 'is no escape: there are \\\\ \\" and \\n' in str(caught.value)


def test_a_backslash_before_a_quote_in_the_other_quotes_is_read_once() -> None:
    assert Selector.parse(r"""up{a="\'",b='\\',c='\'',d="\\'"}""").matches(
        Series("up", (("a", "'"), ("b", "\\"), ("c", "'"), ("d", "\\'")))
    )


def test_order_of_matchers_blanks_and_quotes_make_no_other_selector() -> None:
    one, other = Selector.parse("""up{b='2' , a="1",}"""), Selector.parse('up{a="1",b="2"}')
    assert one == other and hash(one) == hash(other) and str(one) == 'up{a="1",b="2"}'
    assert one != Selector.parse('up{a="1"}') and one != "up"


@given(st.text(alphabet="up{}=\"'\\~!,*ab1 \n", max_size=24))
def test_any_text_is_a_selector_that_reads_back_or_a_syntax_error(text: str) -> None:
    read = parsed(text)
    if isinstance(read, SelectorSyntaxError):
        assert 0 <= read.position <= len(text)
    else:
        assert Selector.parse(str(read)) == read
        read.matches(Series("up", (("a", "b"),)))


@given(st.from_regex(r"[a-z_:*]{1,12}", fullmatch=True), st.from_regex(r"[a-z_:]{1,12}", fullmatch=True))
def test_a_star_stands_for_any_run_of_characters(glob: str, name: str) -> None:
    expected = re.fullmatch(glob.replace("*", ".*"), name) is not None
    assert Selector.parse(glob).matches(Series(name)) is expected


@given(st.text(max_size=30))
def test_an_equal_matcher_takes_every_value_literally(value: str) -> None:
    own = Series("up", (("a", value),))
    assert Selector.parse(str(own)).matches(own)


def test_a_hostile_expression_takes_linear_time() -> None:
    """The standard library's engine takes minutes for this one, and holds every thread meanwhile."""
    selector = Selector.parse('up{a=~"(a+)+b"}')
    began = time.process_time()
    assert not selector.matches(Series("up", (("a", "a" * 50_000),)))
    assert time.process_time() - began < 1.0


def test_a_hostile_glob_takes_linear_time() -> None:
    selector = Selector.parse("*a" * 200 + "b")
    began = time.process_time()
    assert not selector.matches(Series("a" * 4_000))
    assert time.process_time() - began < 1.0


def test_an_expression_that_would_take_much_memory_is_refused() -> None:
    with pytest.raises(SelectorSyntaxError):
        Selector.parse('up{a=~"((((a{100}){100}){100}){100}){100}"}')


def test_a_selector_too_long_is_refused() -> None:
    with pytest.raises(SelectorSyntaxError, match=f"longer than {MAX_LENGTH}"):
        Selector.parse("a" * (MAX_LENGTH + 1))
    assert Selector.parse("a" * MAX_LENGTH).name == "a" * MAX_LENGTH
