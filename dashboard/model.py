"""The nouns that every floor shares: frozen values, no input or output.

Units are those of the name: seconds, bytes, ratios from 0 to 1. Times are Unix seconds as floats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from dashboard.errors import SeriesSyntaxError

Labels = tuple[tuple[str, str], ...]
"""Label pairs sorted by name."""

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_BLANK = re.compile(r"\s*")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\.)*)"\s*(,|(?=\}))')
_ESCAPE = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
_UNESCAPE = {"\\": "\\", '"': '"', "n": "\n", "'": "'"}
_ESCAPED = re.compile(r"\\(.)")


class Clock(Protocol):
    """Where time comes from, so that a test can say what time it is."""

    def wall(self) -> float:
        """Unix seconds; may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment, those of the machine's sleep among them; never jumps."""
        ...


class Role(StrEnum):
    """What a principal may do. `writer` stands beside the others: it sends samples and sees nothing."""

    ANYONE = "anyone"
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    WRITER = "writer"

    def allows(self, needed: Role) -> bool:
        """Tell whether a principal of this role may enter where `needed` is asked for."""
        return needed in _ALLOWED[self]


_ALLOWED = {
    Role.ANYONE: {Role.ANYONE},
    Role.VIEWER: {Role.ANYONE, Role.VIEWER},
    Role.OPERATOR: {Role.ANYONE, Role.VIEWER, Role.OPERATOR, Role.WRITER},
    Role.ADMIN: set(Role),
    Role.WRITER: {Role.ANYONE, Role.WRITER},
}


LOCAL = "local"
"""The principal of everyone, where no sign-in is set up."""


class Principal(msgspec.Struct, frozen=True):
    """Who makes a request."""

    name: str
    role: Role


class Family(msgspec.Struct, frozen=True):
    """What all series of one name have in common.

    `unit` is a word as in the name (`bytes`, `seconds`, `ratio`, `celsius`, …) or empty.
    """

    name: str
    type: Literal["gauge", "counter", "histogram"]
    unit: str
    help: str

    @property
    def sample_names(self) -> tuple[str, ...]:
        """The names that its samples may have: of a histogram its buckets, count and sum."""
        if self.type == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_count", f"{self.name}_sum")
        return (self.name,)


class Sample(msgspec.Struct, frozen=True):
    """One value of one series at the time of its collection; labels are its own, without `instance`."""

    name: str
    value: float
    labels: Mapping[str, str] = {}

    @property
    def key(self) -> str:
        """`name{own labels}`, as it stands in a `metrics` event."""
        return series_text(self.name, self.labels.items())


class ProcessRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One process at the time of its collection; `cpu_ratio` 1.0 is one core fully used.

    What nearly all have in common is not said of each: one thread, and that it sleeps.
    """

    pid: int
    name: str
    user: str
    cpu_ratio: float
    resident_bytes: int
    threads: int = 1
    state: str = "sleeping"
    command: str | None = None


class Program(msgspec.Struct, frozen=True):
    """What all processes of one name take together at the time of their collection; units as of ProcessRow."""

    name: str
    cpu_ratio: float
    resident_bytes: int
    processes: int


class Series(msgspec.Struct, frozen=True):
    """The identity of a line on a chart: a name and its full set of labels."""

    name: str
    labels: Labels = ()

    def __str__(self) -> str:
        return series_text(self.name, self.labels)

    def label(self, name: str) -> str:
        """Return a label's value; empty when it is absent, as Prometheus has it."""
        for key, value in self.labels:
            if key == name:
                return value
        return ""

    def merged(self, resource: Mapping[str, str]) -> Series:
        """Return this series with the labels of `resource` added; its own win."""
        return Series(self.name, tuple(sorted({**resource, **dict(self.labels)}.items())))

    @classmethod
    def parse(cls, text: str) -> Series:
        """Read `name{label="value",…}`; raise SeriesSyntaxError with the position of the fault.

        A label with the empty value is none, as Prometheus has it: with it and without it is one series.
        """
        match = NAME.match(text)
        if match is None:
            raise SeriesSyntaxError(text, 0, "a name begins with a letter, '_' or ':'")
        name, rest = match.group(), match.end()
        if rest == len(text):
            return cls(name)
        if text[rest] != "{":
            raise SeriesSyntaxError(text, rest, "expected '{' or the end after the name")
        labels, end = parse_labels(text, rest + 1)
        if end != len(text):
            raise SeriesSyntaxError(text, end, "expected the end after '}'")
        return cls(name, tuple(sorted((key, value) for key, value in labels.items() if value)))


class Batch(msgspec.Struct, frozen=True):
    """One collection of one source, as it enters the gate.

    `source` is `<instance>/<collector or program>`, `timestamp` Unix seconds, `interval` the seconds until the
    next is due (None: not declared), `resource` the labels common to all, `samples` values by
    `name{own labels}`, `rows` the top processes, `programs` all of them by name; without those, `rows` are all.
    """

    source: str
    timestamp: float
    interval: float | None
    resource: dict[str, str]
    samples: dict[str, float]
    rows: tuple[ProcessRow, ...] = ()
    programs: tuple[Program, ...] = ()


def series_text(name: str, labels: Iterable[tuple[str, str]]) -> str:
    """Write a series in its one canonical form: sorted labels, Prometheus's escaping; an empty label is none."""
    inner = ",".join(f'{key}="{escape_label(value)}"' for key, value in sorted(labels) if value != "")
    return f"{name}{{{inner}}}" if inner else name


def escape_label(value: str) -> str:
    """Escape backslash, quote and line feed as Prometheus's text format does."""
    if '"' not in value and "\\" not in value and "\n" not in value:
        return value
    return "".join(_ESCAPE.get(char, char) for char in value)


def unescape_label(value: str) -> str:
    """Undo `escape_label`, and `\\'` of a selector; an unknown escape stays as it is, for `unknown_escape` to find."""
    return _ESCAPED.sub(lambda match: _UNESCAPE.get(match[1], match[0]), value) if "\\" in value else value


def unknown_escape(value: str, known: str = '\\"n') -> tuple[int, str] | None:
    """Return the place of the first `\\` that stands before none of the `known`, and what to say of it."""
    for match in _ESCAPED.finditer(value):
        if match[1] not in known:
            return match.start(), f'{match[0]} is no escape: there are \\\\ \\" and \\n, so a backslash is written \\\\'
    return None


def parse_labels(text: str, start: int) -> tuple[dict[str, str], int]:
    """Read `label="value",…}` from `start`; return the labels and the position after `}`."""
    labels: dict[str, str] = {}
    at = _skip_blank(text, start)
    while not text.startswith("}", at):
        match = _LABEL.match(text, at)
        if match is None:
            raise SeriesSyntaxError(text, at, 'expected label="value"')
        if match.group(1) in labels:
            raise SeriesSyntaxError(text, at, f"label {match.group(1)!r} stands twice")
        if (unknown := unknown_escape(match.group(2))) is not None:
            raise SeriesSyntaxError(text, match.start(2) + unknown[0], unknown[1])
        labels[match.group(1)] = unescape_label(match.group(2))
        at = _skip_blank(text, match.end())
    return labels, at + 1


def _skip_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at
