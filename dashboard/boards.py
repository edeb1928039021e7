"""Boards: what a page shows, as TOML says it.

A board is a `[[board]]` with a `[[board.panel]]` for each chart, which is `<board>.<panel>` in addresses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from dashboard.config import top_level
from dashboard.errors import SelectorSyntaxError
from dashboard.events import Level
from dashboard.selector import Selector
from dashboard.settings_file import Faults, SettingsFile
from dashboard.table import read_table, shown
from dashboard.toml_lines import KeyPath
from dashboard.toml_text import toml_value

Kind = Literal["line", "area", "bar", "stat", "gauge", "heat", "table", "processes", "log", "tasks", "text"]
Severity = Literal["info", "warning", "critical"]

WITH_SERIES: frozenset[str] = frozenset(get_args(Kind)) - {"processes", "log", "tasks", "text"}
"""Kinds of panels that draw series; the others have none."""

OVERVIEW = "overview"
"""Name of the board that is built in, unless the settings have one of that name."""

_LATER = ("alerts",)
_LEAST: Level = "debug"
_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_LEGEND = re.compile(r"(?:[^{}]|\{[a-zA-Z_][a-zA-Z0-9_]*\})*")
_DURATION = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s)?")
_SECONDS = (86_400, 3_600, 60, 1)
_SHORTEST, _LONGEST = 10, 366 * 86_400


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """A value above which a panel shows a state, in the panel's unit."""

    above: Annotated[float, Meta(description="The state holds while the value is above this.")]
    severity: Annotated[Severity, Meta(description="Which state: info, warning or critical.")]


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One chart of a board. `series` are selectors in their canonical text."""

    id: Annotated[
        str,
        Meta(
            description="Name in addresses, unique on its board (default: made of the title; one of the two is needed)."
        ),
    ] = ""
    title: Annotated[str, Meta(max_length=200, description="Heading of the panel.")] = ""
    kind: Annotated[Kind, Meta(description="How it is drawn.")]
    series: Annotated[tuple[str, ...], Meta(description="Selectors of what it shows.")] = ()
    legend: Annotated[
        str, Meta(max_length=200, description="Name of each line, with labels in braces (default: labels that differ).")
    ] = ""
    width: Annotated[int, Meta(ge=1, le=12, description="Columns of the twelve.")] = 6
    height: Annotated[int, Meta(ge=1, le=100, description="Steps of 8 px (default: as its kind needs).")] | None = None
    unit: Annotated[str, Meta(max_length=24, description="Unit of the values (default: that of the metric).")] = ""
    min: Annotated[float, Meta(description="Lower end of the axis (default: from the values).")] | None = None
    max: Annotated[float, Meta(description="Upper end of the axis (default: from the values).")] | None = None
    stack: Annotated[bool, Meta(description="Add the series up, one upon the other.")] = False
    thresholds: Annotated[tuple[Threshold, ...], Meta(description="Values above which it shows a state.")] = ()
    text: Annotated[str, Meta(max_length=10_000, description="What a panel of kind `text` says.")] = ""
    level: Annotated[Level, Meta(description="The least level of the lines in a panel of kind `log`.")] = _LEAST
    logger: Annotated[
        str,
        Meta(max_length=200, description="Only lines of this logger, or of those below it, in a panel of kind `log`."),
    ] = ""
    contains: Annotated[
        str, Meta(max_length=200, description="Only lines with this text in them, in a panel of kind `log`.")
    ] = ""
    optional: Annotated[bool, Meta(description="Leave the panel out while nothing matches its series.")] = False

    def to_toml(self) -> str:
        """Write the panel as it stands below a `[[board]]`; what is default is left out."""
        return "\n".join(["[[board.panel]]", *_pairs(_said(self))]) + "\n"


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """A page of panels; `range` is the seconds that its charts show."""

    name: str
    title: str
    range: float
    panels: tuple[Panel, ...]

    @property
    def charts(self) -> tuple[str, ...]:
        """Return the chart ids, `<board>.<panel>`, in the order of the page."""
        return tuple(f"{self.name}.{panel.id}" for panel in self.panels)

    def to_toml(self) -> str:
        """Write the board so that it can be pasted into a settings file; what is default is left out."""
        lines = ["[[board]]", *_pairs({"name": self.name, "title": self.title, "range": duration_text(self.range)})]
        return "\n".join(["\n".join(lines) + "\n", *(panel.to_toml() for panel in self.panels)])


class BoardTable(msgspec.Struct, frozen=True, kw_only=True):
    """A `[[board]]` as it stands in the file."""

    name: Annotated[str, Meta(description="Name in the address `/boards/<name>`: small letters, digits, - and _.")]
    title: Annotated[
        str, Meta(max_length=200, description="What the pages' bar and the tab call it (default: the name).")
    ] = ""
    range: Annotated[str, Meta(description='How much time its charts show, such as "15m" or "1h30m".')] = "15m"
    panel: Annotated[tuple[Panel, ...], Meta(description="Its panels, each a `[[board.panel]]`.")] = ()


def load_boards(file: SettingsFile | None) -> tuple[Board, ...]:
    """Return the boards of a settings file, and before them the built-in overview unless one has that name.

    Raises ConfigFileError at the first fault.
    """
    own = read_boards(file) if file is not None else ()
    if any(board.name == OVERVIEW for board in own):
        return tuple(sorted(own, key=lambda board: board.name != OVERVIEW))
    return (*read_boards(SettingsFile.read(Path(__file__).with_name("overview.toml"))), *own)


def read_boards(file: SettingsFile) -> tuple[Board, ...]:
    """Return the boards that a file says, in its order; raise ConfigFileError at the first fault."""
    tables = file.data.get("board", [])
    if not isinstance(tables, list):
        raise file.error(("board",), "is a list: write [[board]], in double brackets")
    boards: dict[str, Board] = {}
    faults = Faults()
    for index, table in enumerate(tables):
        keys = ("board", index)
        with faults.gathered():
            board = _board(file, keys, table)
            if board.name in boards:
                raise file.error((*keys, "name"), f"{shown(board.name)} is the name of another board")
            boards[board.name] = board
    faults.raise_first()
    return tuple(boards.values())


def slug(title: str) -> str:
    """Make an id of a title: small ASCII letters and digits with hyphens between; empty if it has none."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:64].strip("-")


def parse_duration(text: str) -> float | None:
    """Return the seconds of a text such as `15m` or `1h30m`; None when it is none."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    return float(sum(int(part) * size for part, size in zip(match.groups("0"), _SECONDS, strict=True)))


def duration_text(seconds: float) -> str:
    """Write whole seconds as `parse_duration` reads them."""
    rest, parts = int(seconds), []
    for size, letter in zip(_SECONDS, "dhms", strict=True):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{letter}")
    return "".join(parts) or "0s"


def _refuse_later_kinds(file: SettingsFile, keys: KeyPath, table: object) -> None:
    """Refuse panels of kinds that are known but not there yet in a clearer sentence than a typing error gets."""
    panels = table.get("panel") if isinstance(table, dict) else None
    for index, panel in enumerate(panels if isinstance(panels, list) else []):
        kind = panel.get("kind") if isinstance(panel, dict) else None
        if kind in _LATER:
            message = f"there are no {kind} panels yet; a panel is one of {', '.join(get_args(Kind))}"
            raise file.error((*keys, "panel", index, "kind"), message)


def _board(file: SettingsFile, keys: KeyPath, given: object) -> Board:
    faults = Faults()
    values = given if isinstance(given, dict) else {}
    with faults.gathered():
        _refuse_later_kinds(file, keys, given)
    with faults.gathered():
        table = read_table(file, keys, given, BoardTable, top_level())
    _gather_texts(file, keys, values, {"name": _no_slug, "range": _no_range}, faults)
    panels: dict[str, Panel] = {}
    listed = values.get("panel")
    for index, one in enumerate(listed if isinstance(listed, list) else []):
        place = (*keys, "panel", index)
        _gather_texts(file, place, one, {"id": _no_id, "legend": _no_legend}, faults)
        with faults.gathered():
            panel = _panel(file, place, read_table(file, place, one, Panel))
            if panel.id in panels:
                made = "" if panel.id == one.get("id") else ", made of its title,"
                raise file.error((*place, "id"), f"{shown(panel.id)}{made} is another panel's: give this one its own")
            panels[panel.id] = panel
    faults.raise_first()
    seconds = parse_duration(table.range) or 0.0
    return Board(name=table.name, title=table.title or table.name, range=seconds, panels=tuple(panels.values()))


def _gather_texts(
    file: SettingsFile, keys: KeyPath, table: object, rules: Mapping[str, Callable[[str], str | None]], faults: Faults
) -> None:
    """Hold texts of a table against their rules, whatever else may be wrong with it."""
    for key, rule in rules.items():
        text = table.get(key) if isinstance(table, dict) else None
        message = rule(text) if isinstance(text, str) else None
        if message is not None:
            with faults.gathered():
                raise file.error((*keys, key), message)


def _no_range(text: str) -> str | None:
    seconds = parse_duration(text)
    if seconds is not None and _SHORTEST <= seconds <= _LONGEST:
        return None
    return f'must be a time from 10s to 366d such as "15m" or "1h30m", not {shown(text)}'


def _no_legend(text: str) -> str | None:
    if _LEGEND.fullmatch(text):
        return None
    return f'must name labels in braces, such as "{{cpu}}", not {shown(text)}'


def _panel(file: SettingsFile, keys: KeyPath, panel: Panel) -> Panel:
    """Check what types cannot tell; return the panel with its id and with selectors in canonical form."""
    faults = Faults()
    for key, message in _faults(panel):
        with faults.gathered():
            raise file.error((*keys, key), message)
    series = []
    for index, text in enumerate(panel.series):
        with faults.gathered():
            series.append(_selector(file, (*keys, "series", index), text))
    faults.raise_first()
    return msgspec.structs.replace(panel, id=panel.id or slug(panel.title), series=tuple(series))


def _faults(panel: Panel) -> Iterator[tuple[str, str]]:
    """Yield the key and the message of each fault of a panel that its types do not tell."""
    if not (panel.id or slug(panel.title)):
        none = f", and the title {shown(panel.title)} makes none" if panel.title else ""
        yield "id", f"is missing: a panel needs one, or a title to make it of{none}"
    if panel.kind in WITH_SERIES and not panel.series:
        yield "series", f'is missing: a {panel.kind} panel needs selectors, such as ["system_load_1m"]'
    for key, fits, kinds in (
        ("series", panel.kind in WITH_SERIES, "that draw series"),
        ("text", panel.kind == "text", "text"),
        ("level", panel.kind == "log", "log"),
        ("logger", panel.kind == "log", "log"),
        ("contains", panel.kind == "log", "log"),
    ):
        if getattr(panel, key) not in ((), "", _LEAST) and not fits:
            yield key, f"is only for panels {kinds}, not for kind {panel.kind}"
    if panel.kind == "text" and not panel.text.strip():
        yield "text", "is missing: what should the panel say?"
    if panel.min is not None and panel.max is not None and panel.min >= panel.max:
        yield "max", f"must be above min, which is {shown(panel.min)}"


def _selector(file: SettingsFile, keys: KeyPath, text: str) -> str:
    try:
        return Selector.parse(text).text
    except SelectorSyntaxError as error:
        raise file.error(keys, str(error)) from None


def _no_slug(text: str) -> str | None:
    """Return what is wrong with a text as a name in addresses; None if nothing is."""
    if _SLUG.fullmatch(text) and len(text) <= 64:
        return None
    like = slug(text) or "web-1"
    return f"must be at most 64 small letters, digits, - and _, such as {like}, not {shown(text)}"


def _no_id(text: str) -> str | None:
    return _no_slug(text) if text else None


def _said(panel: Panel) -> dict[str, object]:
    """Return a panel's values that are no defaults, in the order of its keys."""
    fields = msgspec.structs.fields(Panel)
    values = {field.name: getattr(panel, field.name) for field in fields}
    return {field.name: values[field.name] for field in fields if values[field.name] != field.default}


def _pairs(values: Mapping[str, object]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in values.items()]


def _value(value: object) -> str:
    """Write a value; a list that makes a long line takes a line for each item."""
    plain = msgspec.to_builtins(value)
    line = toml_value(plain)
    if not isinstance(plain, list) or len(line) <= 90:
        return line
    return "[\n" + "".join(f"  {toml_value(item)},\n" for item in plain) + "]"
