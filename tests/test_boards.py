"""Boards: what is taken, what is refused and how, and that a copy is the same board."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.boards import (
    WITH_SERIES,
    Board,
    BoardTable,
    Kind,
    Panel,
    Severity,
    Threshold,
    load_boards,
    read_boards,
    slug,
)
from dashboard.errors import ConfigFileError
from dashboard.events import Level
from dashboard.settings_file import SettingsFile
from dashboard.table import help_text

FILE = Path("/etc/dashboard.toml")
DOCS = Path(__file__).parents[1] / "docs" / "boards.md"
BOARD = '[[board]]\nname = "web"\n'
PANEL = BOARD + '[[board.panel]]\ntitle = "Load"\nkind = "line"\nseries = ["system_load_1m"]\n'


def read(text: str) -> tuple[Board, ...]:
    return read_boards(SettingsFile.parse(FILE, text.encode()))


def test_a_board_takes_defaults_for_all_but_its_name() -> None:
    assert read(BOARD) == (Board(name="web", title="web", range=900.0, panels=()),)


def test_a_panel_gets_its_id_of_its_title_and_its_selectors_in_canonical_form() -> None:
    text = BOARD + "[[board.panel]]\ntitle = 'CPU – per core'\nkind = 'heat'\nseries = [' a{z=\"1\", b!=\"2\"} ']\n"
    (board,) = read(text)
    assert board.charts == ("web.cpu-per-core",)
    assert board.panels[0].series == ('a{b!="2",z="1"}',)


def test_the_built_in_overview_comes_first_and_is_sound() -> None:
    overview, own = load_boards(SettingsFile.parse(FILE, PANEL.encode()))
    assert (overview.name, own.name) == ("overview", "web")
    assert overview == load_boards(None)[0]
    assert len(set(overview.charts)) == len(overview.panels) > 10


def test_a_board_named_overview_takes_the_place_of_the_built_in_one() -> None:
    text = PANEL + '[[board]]\nname = "overview"\ntitle = "Mine"\n'
    assert [board.title for board in load_boards(SettingsFile.parse(FILE, text.encode()))] == ["Mine", "web"]


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        ("board = 1", 1, "board", "write [[board]], in double brackets"),
        ('[board]\nname = "a"', 1, "board", "write [[board]], in double brackets"),
        ("board = [1]", 1, "board", "must be a table, not 1"),
        ('\n[[board]]\ntitle = "a"', 2, "board.name", "is missing: it must be a text"),
        ('[[board]]\nname = "Web Server"', 2, "board.name", "such as web-server"),
        ('[[board]]\nname = "../x"', 2, "board.name", "at most 64 small letters, digits, - and _"),
        (BOARD + BOARD, 4, "board.name", '"web" is the name of another board'),
        (BOARD + "titel = 'x'", 3, "board.titel", "nearest valid one is title"),
        (BOARD + "range = '15'", 3, "board.range", 'such as "15m" or "1h30m", not "15"'),
        (BOARD + "range = ''", 3, "board.range", "a time from 10s to 366d"),
        (BOARD + "range = '1s'", 3, "board.range", "a time from 10s to 366d"),
        (BOARD + "range = '9999d'", 3, "board.range", "a time from 10s to 366d"),
        (BOARD + "range = 900", 3, "board.range", "must be a text, not 900"),
        (BOARD + "[board.panel]\nkind = 'line'", 3, "board.panel", "write [[board.panel]], in double brackets"),
        (PANEL + "range = '5m'", 7, "board.panel.range", "belongs to [[board]], above the tables inside it"),
        (PANEL + "port = 80", 7, "board.panel.port", "belongs to the top of the file"),
        (PANEL + "widht = 3", 7, "board.panel.widht", "nearest valid one is width"),
        (PANEL + "width = 13", 7, "board.panel.width", "must be a whole number from 1 to 12, not 13"),
        (PANEL + "width = 0", 7, "board.panel.width", "must be a whole number from 1 to 12, not 0"),
        (PANEL + "min = 1\nmax = 1", 8, "board.panel.max", "must be above min, which is 1.0"),
        (PANEL + "max = inf", 7, "board.panel.max", "must be a number, not inf"),
        (PANEL + "id = 'a b'", 7, "board.panel.id", "such as a-b"),
        (PANEL + "legend = '{cpu'", 7, "board.panel.legend", 'must name labels in braces, such as "{cpu}"'),
        (PANEL + "text = 'x'", 7, "board.panel.text", "is only for panels text, not for kind line"),
        (PANEL + "stack = 1", 7, "board.panel.stack", "must be true or false, not 1"),
        (
            PANEL + "\nthresholds = [\n{above = 1}]",
            9,
            "board.panel.thresholds.severity",
            "one of info, warning, critical",
        ),
        (
            PANEL + "[[board.panel.thresholds]]\nabove = 1\nseverity = 'bad'",
            9,
            "board.panel.thresholds.severity",
            '"bad"',
        ),
        (PANEL + PANEL.removeprefix(BOARD), 7, "board.panel.id", '"load", made of its title, is another panel\'s'),
        (
            BOARD + "[[board.panel]]\nkind = 'alerts'",
            4,
            "board.panel.kind",
            "there are no alerts panels yet; a panel is one of line",
        ),
        (PANEL + "level = 'error'", 7, "board.panel.level", "is only for panels log, not for kind line"),
        (PANEL + "logger = 'shop'", 7, "board.panel.logger", "is only for panels log, not for kind line"),
        (PANEL + "contains = 'x'", 7, "board.panel.contains", "is only for panels log, not for kind line"),
        (
            BOARD + "[[board.panel]]\nkind = 'log'\nlevel = 'loud'",
            5,
            "board.panel.level",
            "one of debug, info, warning",
        ),
        (
            BOARD + "[[board.panel]]\nkind = 'tasks'\ntitle = 'a'\nseries = ['a']",
            6,
            "board.panel.series",
            "is only for panels that draw series, not for kind tasks",
        ),
        (BOARD + "[[board.panel]]\nkind = 'pie'", 4, "board.panel.kind", "must be one of line, area, bar, stat"),
        (BOARD + "[[board.panel]]\ntitle = 'a'", 3, "board.panel.kind", "is missing: it must be one of line, area"),
        (
            BOARD + "[[board.panel]]\nkind = 'text'\ntext='x'",
            3,
            "board.panel.id",
            "is missing: a panel needs one, or a title to make it of",
        ),
        (BOARD + "[[board.panel]]\nkind = 'text'\ntitle = '負荷'", 3, "board.panel.id", 'the title "負荷" makes none'),
        (BOARD + "[[board.panel]]\nkind = 'text'\ntitle = 'a'", 3, "board.panel.text", "is missing"),
        (
            BOARD + "[[board.panel]]\nkind = 'line'\ntitle = 'a'",
            3,
            "board.panel.series",
            "a line panel needs selectors",
        ),
        (
            BOARD + "[[board.panel]]\nkind = 'processes'\ntitle = 'a'\nseries = ['a']",
            6,
            "board.panel.series",
            "is only for panels that draw series, not for kind processes",
        ),
        (
            BOARD + "[[board.panel]]\nkind = 'line'\ntitle = 'a'\nseries = [\n  'a',\n  'b{',\n]",
            8,
            "board.panel.series",
            "not a selector, at character 3",
        ),
    ],
)
def test_a_faulty_board_is_told_with_line_and_key(text: str, line: int, key: str, message: str) -> None:
    with pytest.raises(ConfigFileError) as raised:
        read(text)
    assert (raised.value.line, raised.value.key) == (line, key)
    assert message in raised.value.message
    assert "\n" not in str(raised.value)


BAD_LINES = [
    'name = "Shop!"',
    "title = 5",
    'range = "soon"',
    "colour = 1",
    "",
    "[[board.panel]]",
    'id = "A"',
    'kind = "pie"',
    "width = 99",
    'legend = "{"',
    "",
    "[[board.panel]]",
    'title = "b"',
    'kind = "line"',
    'series = ["a", "b c", 5]',
    "min = 2",
    "max = 1",
]
"""A board with a fault in nearly every line."""

GOOD_LINES = {
    0: 'name = "shop"',
    1: 'title = "Shop"',
    2: 'range = "15m"',
    3: "",
    6: 'id = "a"',
    7: 'kind = "text"\ntext = "x"',
    8: "width = 6",
    9: 'legend = ""',
    14: 'series = ["a"]',
    16: "max = 3",
}
"""What to write instead, by the place in `BAD_LINES`."""


def test_of_several_faults_the_one_that_stands_first_is_told() -> None:
    lines, told = list(BAD_LINES), []
    for place, good in GOOD_LINES.items():
        with pytest.raises(ConfigFileError) as raised:
            read("[[board]]\n" + "\n".join(lines))
        told.append(raised.value.line)
        before = sum(line.count("\n") for line in lines[:place])
        assert raised.value.line == 2 + place + before, str(raised.value)
        lines[place] = good
    assert len(read("[[board]]\n" + "\n".join(lines))[0].panels) == 2


@pytest.mark.parametrize("text", ["panel = 5", "panel = {id = 1}", 'panel = ["a"]', "panel = [[]]"])
def test_panels_that_are_no_tables_are_a_fault(text: str) -> None:
    with pytest.raises(ConfigFileError) as raised:
        read(f'[[board]]\nname = "a"\n{text}')
    assert (raised.value.line, raised.value.key) == (3, "board.panel")


slugs = st.from_regex(r"[a-z0-9]{1,5}([-_][a-z0-9]{1,5}){0,2}", fullmatch=True)
texts = st.text(max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)
selectors = st.sampled_from(["a", "system_*", 'a{b="c\\"\\\\d"}', 'a{b!~"x|y",c="ü"}'])


@st.composite
def panels(draw: st.DrawFn, id: str) -> Panel:
    """Make a panel as it is after reading."""
    kind: Kind = draw(st.sampled_from(get_args(Kind)))
    low, high = sorted((draw(finite), draw(finite)))
    severities = st.sampled_from(get_args(Severity))
    return Panel(
        id=id,
        title=draw(texts),
        kind=kind,
        series=tuple(draw(st.lists(selectors, min_size=1, max_size=4))) if kind in WITH_SERIES else (),
        legend=draw(st.sampled_from(["", "{cpu}", "core {cpu} of {host}", 'ü\n"\\'])),
        width=draw(st.integers(1, 12)),
        height=draw(st.none() | st.integers(1, 100)),
        unit=draw(st.text(max_size=5)),
        min=draw(st.sampled_from([None, low])),
        max=draw(st.sampled_from([None, high])) if low < high else None,
        stack=draw(st.booleans()),
        thresholds=tuple(draw(st.lists(st.builds(Threshold, above=finite, severity=severities), max_size=3))),
        text=draw(st.text(min_size=1).filter(str.strip)) if kind == "text" else "",
        level=draw(st.sampled_from(get_args(Level))) if kind == "log" else "debug",
        logger=draw(texts) if kind == "log" else "",
        contains=draw(texts) if kind == "log" else "",
        optional=draw(st.booleans()),
    )


@st.composite
def boards_of_any_kind(draw: st.DrawFn) -> Board:
    """Make a board as it is after reading."""
    return Board(
        name=draw(slugs),
        title=draw(st.text(min_size=1, max_size=20)),
        range=float(draw(st.integers(10, 366 * 86_400))),
        panels=tuple(draw(panels(id)) for id in draw(st.lists(slugs, max_size=4, unique=True))),
    )


@given(boards_of_any_kind())
def test_the_copy_of_a_board_is_the_same_board(board: Board) -> None:
    assert read(board.to_toml()) == (board,)


def test_the_copy_of_the_overview_is_the_same_board_and_says_no_defaults() -> None:
    (overview,) = load_boards(None)
    text = overview.to_toml()
    assert read(text) == (overview,)
    assert "width = 6" not in text and "false" not in text


@given(st.text())
def test_a_slug_is_empty_or_a_valid_id(title: str) -> None:
    made = slug(title)
    assert made == "" or read(f'{PANEL}id = "{made}"')[0].panels[0].id == made


@pytest.mark.parametrize("table", [BoardTable, Panel, Threshold])
def test_each_key_is_documented(table: type[msgspec.Struct]) -> None:
    rows = DOCS.read_text("utf-8").splitlines()
    for field in msgspec.structs.fields(table):
        row = [row for row in rows if row.startswith(f"| `{field.name}` |") and help_text(field.type) in row]
        assert row, f"{field.name} of {table.__name__} has no row in docs/boards.md with: {help_text(field.type)}"


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_kind_is_documented(kind: str) -> None:
    assert f"| `{kind}` |" in DOCS.read_text("utf-8")
