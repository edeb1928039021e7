"""The line of every key, on texts whose layout is known because they were made piece by piece."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.toml_lines import KeyPath, lines_of_keys

Piece = str | KeyPath
"""A bit of text, or the mark that what follows it is the value at a path."""


def paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the way to everything inside a parsed text."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


names = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.text(st.sampled_from("aß .#=[]{}'\"\\\t"), max_size=5),
)
scalars = st.sampled_from(
    [
        "1",
        "-0.5e3",
        "inf",
        "true",
        "1979-05-27 07:32:00",
        "1979-05-27",
        '""',
        "''",
        '"a # [b] \\" = {"',
        "'c:\\ # ]'",
        '"""\n one\n"two" ""\\\n  \\""\\" three"""',
        '""""quoted""""',
        "'''\nkey = [\n''x'''",
        "''''it''''",
    ]
)
gaps = st.sampled_from(["", " ", "\n", "  # [no] = 'table'\n", "\n\n\t"])


def written(name: str) -> str:
    """Write a key as TOML wants it."""
    if name and all(char.isascii() and (char.isalnum() or char in "_-") for char in name):
        return name
    if "'" not in name and "\t" not in name:
        return f"'{name}'"
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'


@st.composite
def values(draw: st.DrawFn, path: KeyPath, depth: int = 0) -> list[Piece]:
    """Make a value at `path`: a scalar, an array over several lines, an inline table on one."""
    form = draw(st.sampled_from(["scalar", "array", "inline"] if depth < 3 else ["scalar"]))
    if form == "scalar":
        return [draw(scalars)]
    pieces: list[Piece] = []
    if form == "array":
        for index in range(draw(st.integers(0, 3))):
            inner = (*path, index)
            pieces += [draw(gaps), inner, *draw(values(inner, depth + 1)), draw(gaps), ","]
        if pieces and draw(st.booleans()):
            pieces.pop()
        return ["[", *pieces, draw(gaps), "]"]
    for number, name in enumerate(draw(st.lists(names, max_size=3, unique=True))):
        pieces += [
            ", " if number else "",
            (*path, name),
            f"{written(name)} = ",
            *draw(values((*path, name), depth + 1)),
        ]
    return ["{", *pieces, "}"]


@st.composite
def pairs(draw: st.DrawFn, path: KeyPath, taken: set[str]) -> list[Piece]:
    """Make the pairs of one table, some with dotted keys."""
    pieces: list[Piece] = []
    for name in draw(st.lists(names, max_size=3, unique=True)):
        if name in taken:
            continue
        taken.add(name)
        way: KeyPath = (*path, name)
        pieces += [draw(gaps.filter(lambda gap: gap != " ")), way]
        text = written(name)
        if draw(st.booleans()):
            way = (*way, draw(names))
            pieces.append(way)
            text += f" . {written(str(way[-1]))}"
        pieces += [f"{text}\t=", *draw(values(way)), "\n"]
    return pieces


@st.composite
def documents(draw: st.DrawFn) -> list[Piece]:
    """Make a text of plain pairs, tables, and arrays of tables with arrays of tables inside."""
    taken: set[str] = set()
    pieces = draw(pairs((), taken))
    for name in draw(st.lists(names, max_size=3, unique=True)):
        if name in taken:
            continue
        taken.add(name)
        if draw(st.booleans()):
            pieces += [(name,), f"[ {written(name)} ]  # here\n", *draw(pairs((name,), set()))]
            continue
        for index in range(draw(st.integers(1, 3))):
            outer = (name, index)
            pieces += [draw(gaps), (name,), outer, f"[[{written(name)}]]\n", *draw(pairs(outer, {"in", "sub"}))]
            for inner in range(draw(st.integers(0, 2))):
                way = (*outer, "in", inner)
                pieces += [way[:-1], way, f"[[{written(name)} . in]]\n", *draw(pairs(way, set()))]
            if draw(st.booleans()):
                pieces += [(*outer, "sub"), f"[{written(name)}.sub]\n", *draw(pairs((*outer, "sub"), set()))]
    return pieces


def laid_out(pieces: list[Piece]) -> tuple[str, dict[KeyPath, int]]:
    """Return the text of the pieces, and the line of the first mark of each path."""
    text = ""
    lines: dict[KeyPath, int] = {}
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
        else:
            lines.setdefault(piece, text.count("\n") + 1)
    return text, lines


@given(documents())
def test_every_key_has_the_line_on_which_it_was_written(pieces: list[Piece]) -> None:
    text, lines = laid_out(pieces)
    assert lines_of_keys(text) == lines
    assert lines_of_keys(text.replace("\n", "\r\n")) == lines  # line ends of Windows


@given(documents())
def test_the_keys_found_are_those_that_the_standard_library_finds(pieces: list[Piece]) -> None:
    text, _ = laid_out(pieces)
    assert set(lines_of_keys(text)) == set(paths(tomllib.loads(text)))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", {}),
        ("# only a comment", {}),
        ("a = 1", {("a",): 1}),
        ("\n\na.b.c = 1\n", {("a",): 3, ("a", "b"): 3, ("a", "b", "c"): 3}),
        ("[a.b]\nc = 1", {("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 2}),
        ("[a.b]\n[a]\nc = 1", {("a",): 1, ("a", "b"): 1, ("a", "c"): 3}),
        ("a = [\n  1,\n  # two\n  2,\n]\nb = 3", {("a",): 1, ("a", 0): 2, ("a", 1): 4, ("b",): 6}),
        ('[[a]]\n"x.y" = 1\n[[a]]\n', {("a",): 1, ("a", 0): 1, ("a", 0, "x.y"): 2, ("a", 1): 3}),
    ],
)
def test_small_texts(text: str, lines: dict[KeyPath, int]) -> None:
    assert lines_of_keys(text) == lines
