"""The nouns: a series has one canonical text, and roles say who may enter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import SeriesSyntaxError
from dashboard.model import Role, Sample, Series, escape_label, series_text, unescape_label

NAMES = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,12}", fullmatch=True)
LABELS = st.dictionaries(st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True), st.text(max_size=20), max_size=5)


def parsed(text: str) -> Series | SeriesSyntaxError:
    """Read a series, or return what is wrong with it."""
    try:
        return Series.parse(text)
    except SeriesSyntaxError as error:
        return error


@given(NAMES, LABELS)
def test_what_a_series_writes_it_reads_back(name: str, labels: dict[str, str]) -> None:
    series = Series(name, tuple(sorted(labels.items())))
    stated = tuple(pair for pair in series.labels if pair[1])
    assert Series.parse(str(series)) == Series(name, stated)


@given(st.text(max_size=40))
def test_escaping_leaves_no_quote_or_line_feed_bare_and_can_be_undone(text: str) -> None:
    escaped = escape_label(text)
    assert "\n" not in escaped
    assert '"' not in escaped.replace("\\\\", "").replace('\\"', "")
    assert unescape_label(escaped) == text


@given(st.text(max_size=60))
def test_any_text_is_a_series_or_a_syntax_error_with_a_position_inside(text: str) -> None:
    read = parsed(text)
    if isinstance(read, SeriesSyntaxError):
        assert 0 <= read.position <= len(text)
        assert read.status == 400
    else:
        assert Series.parse(str(read)) == read


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("up", "up"),
        ("up{}", "up"),
        ("up{ }", "up"),
        ('up{b="2",a="1"}', 'up{a="1",b="2"}'),
        ('up{ a = "1" , }', 'up{a="1"}'),
        (r'up{path="C:\\x",quote="\"",line="a\nb"}', r'up{line="a\nb",path="C:\\x",quote="\""}'),
        ('a:b{x="ä{}=,"}', 'a:b{x="ä{}=,"}'),
        ('up{a="",b="1",c=""}', 'up{b="1"}'),
        ('up{a=""}', "up"),
    ],
)
def test_every_spelling_has_one_canonical_form(text: str, canonical: str) -> None:
    assert str(Series.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("1up", 0),
        ("up ", 2),
        ("up{", 3),
        ("up{ ", 4),
        ("up{a}", 3),
        ('up{a="1"', 3),
        ('up{a="1"}x', 9),
        ('up{a="1",a="2"}', 9),
        ('up{a="1" b="2"}', 3),
        ('up{a="x\ny"}', 3),
        ("up{a='1'}", 3),
        ('u\u0660{a="1"}', 1),
        (r'up{a="C:\x"}', 8),
        (r'up{b="\\",a="\\\'"}', 15),
    ],
)
def test_a_syntax_error_says_where(text: str, position: int) -> None:
    with pytest.raises(SeriesSyntaxError) as caught:
        Series.parse(text)
    assert caught.value.position == position
    assert f"character {position + 1} " in str(caught.value)


def test_a_text_of_a_million_characters_is_refused_with_a_short_message() -> None:
    with pytest.raises(SeriesSyntaxError) as caught:
        Series.parse('up{a="' + "x" * 1_000_000)
    assert len(str(caught.value)) < 500


def test_merging_keeps_a_series_own_labels() -> None:
    merged = Series.parse('up{instance="own"}').merged({"instance": "host", "zone": "b"})
    assert str(merged) == 'up{instance="own",zone="b"}'


def test_a_label_that_is_absent_is_empty() -> None:
    series = Series.parse('up{a="1"}')
    assert (series.label("a"), series.label("b")) == ("1", "")


def test_a_samples_key_has_its_labels_sorted() -> None:
    assert Sample("up", 1.0, {"b": "2", "a": 'x"'}).key == 'up{a="x\\"",b="2"}'
    assert series_text("up", ()) == "up"


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.ANYONE, {"anyone"}),
        (Role.VIEWER, {"anyone", "viewer"}),
        (Role.OPERATOR, {"anyone", "viewer", "operator", "writer"}),
        (Role.ADMIN, {"anyone", "viewer", "operator", "admin", "writer"}),
        (Role.WRITER, {"anyone", "writer"}),
    ],
)
def test_each_role_enters_where_it_may_and_nowhere_else(role: Role, may: set[str]) -> None:
    assert {needed.value for needed in Role if role.allows(needed)} == may
