"""One way to say "these series": Prometheus's instant selector, with `*` allowed in the name.

`system_cpu_*{instance="web-1",cpu!~"1[0-9]"}`. Regular expressions are anchored and run in linear time (RE2).
The same rules stand in `static/js/selector.js`; `tests/cases/selectors.json` holds both to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, Protocol, cast

import msgspec
import re2

from dashboard.errors import InvalidParameter, SelectorSyntaxError
from dashboard.model import Series, escape_label, unescape_label, unknown_escape

MAX_LENGTH = 2_000
"""Longest selector in characters."""

MAX_SELECTORS = 200
"""Selectors of one question or stream at most."""

MAX_TESTS = 1_000_000
"""Times that the selectors of one question are held against a series at most."""

_SHORT = 200  # characters of a selector that is remembered at most

Operator = Literal["=", "!=", "=~", "!~"]

_NAME = re.compile(r"[a-zA-Z_:*][a-zA-Z0-9_:*]*")
_MATCHER = re.compile(
    r"""\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')\s*(,|(?=\}))"""
)


class _Pattern(Protocol):
    def fullmatch(self, text: str) -> object | None: ...


class Matcher(msgspec.Struct, frozen=True):
    """One `label op "value"`; a label that is absent has the empty value."""

    label: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{escape_label(self.value)}"'


class Selector:
    """A parsed selector; equal when written alike, whatever the order of its matchers."""

    __slots__ = ("_name", "_tests", "matchers", "name", "text")

    def __init__(self, name: str, matchers: tuple[Matcher, ...]) -> None:
        self.name = name
        self.matchers = tuple(sorted(matchers, key=str))
        inner = ",".join(map(str, self.matchers))
        self.text = f"{name}{{{inner}}}" if inner else name
        self._name = name.split("*") if "*" in name else None
        self._tests = tuple(
            (matcher, _compile(self.text, matcher.value) if matcher.operator.endswith("~") else None)
            for matcher in self.matchers
        )

    def __str__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selector) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Selector.parse({self.text!r})"

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Read a selector; raise SelectorSyntaxError with the position of the fault."""
        # One with a regular expression is read anew: what that is compiled to may be large.
        return _remembered(text) if len(text) <= _SHORT and "~" not in text else cls._read(text)

    @classmethod
    def _read(cls, text: str) -> Selector:
        if len(text) > MAX_LENGTH:
            raise SelectorSyntaxError(text, MAX_LENGTH, f"longer than {MAX_LENGTH} characters")
        text = text.strip()
        match = _NAME.match(text)
        name, at = (match.group(), match.end()) if match else ("", 0)
        matchers: list[Matcher] = []
        if text.startswith("{", at):
            matchers, at = _parse_matchers(text, at + 1)
        if at != len(text):
            raise SelectorSyntaxError(
                text, at, "expected '{' or the end after the name" if name else "expected a name or '{'"
            )
        if not name and not matchers:
            raise SelectorSyntaxError(text, at, "expected a name, such as system_cpu_*, or a matcher")
        return cls(name, tuple(matchers))

    @property
    def exact(self) -> bool:
        """Whether it is looked for under one name only; any other is held against every series."""
        return bool(self.name) and self._name is None

    @property
    def plain(self) -> bool:
        """Whether it has no pattern: one name, and labels with the values that they are to have."""
        return self.exact and all(matcher.operator == "=" for matcher in self.matchers)

    def matches(self, series: Series) -> bool:
        """Tell whether a series, with its full labels, is among those selected."""
        if self._name is not None:
            if not _globbed(self._name, series.name):
                return False
        elif self.name and self.name != series.name:
            return False
        return all(_holds(matcher, pattern, series) for matcher, pattern in self._tests)


@lru_cache(1024)
def _remembered(text: str) -> Selector:
    """Read a selector, or know it: all pages of a board ask for the same ones, a dozen and more each time."""
    return Selector._read(text)


class Selectors:
    """Several selectors as one, which chooses what any of them does; none choose nothing."""

    def __init__(self, selectors: Iterable[Selector]) -> None:
        self._exact: dict[str, list[Selector]] = {}
        self._open: list[Selector] = []
        for selector in selectors:
            (self._exact.setdefault(selector.name, []) if selector.exact else self._open).append(selector)

    def match(self, series: Series) -> bool:
        """Tell whether a series, with its full labels, is among those selected."""
        for selector in self._exact.get(series.name, ()):
            if selector.matches(series):
                return True
        return any(selector.matches(series) for selector in self._open)


def parse_all(texts: Sequence[str], series: int) -> list[Selector]:
    """Read the selectors of a question about so many series.

    Raises SelectorSyntaxError, or InvalidParameter when they are so many that to answer would be felt by everyone.
    """
    if len(texts) > MAX_SELECTORS:
        raise InvalidParameter("match", f"{len(texts)} selectors; at most {MAX_SELECTORS}")
    selectors = [Selector.parse(text) for text in texts]
    count = sum(not selector.exact for selector in selectors)
    if count * series > MAX_TESTS:
        raise InvalidParameter(
            "match",
            f"{count} selectors without one name, to be held against {series} series each; "
            f"at most {MAX_TESTS // series}: name the series, or ask in parts",
        )
    return selectors


def _parse_matchers(text: str, start: int) -> tuple[list[Matcher], int]:
    matchers: list[Matcher] = []
    at = start
    while True:
        blank = re.compile(r"\s*").match(text, at)
        at = blank.end() if blank else at
        if text.startswith("}", at):
            return matchers, at + 1
        match = _MATCHER.match(text, at)
        if match is None:
            raise SelectorSyntaxError(text, at, 'expected label="value" (or != =~ !~) and then , or }')
        operator, value = cast("Operator", match.group(2)), match.group(3)[1:-1]
        # In an expression `\d` and the like need not be doubled: RE2 reads them.
        unknown = None if operator.endswith("~") else unknown_escape(value, "\\\"n'")
        if unknown is not None:
            raise SelectorSyntaxError(text, match.start(3) + 1 + unknown[0], unknown[1])
        matchers.append(Matcher(match.group(1), operator, unescape_label(value)))
        at = match.end()


def _holds(matcher: Matcher, pattern: _Pattern | None, series: Series) -> bool:
    value = series.name if matcher.label == "__name__" else series.label(matcher.label)
    if pattern is not None:
        return (pattern.fullmatch(value) is not None) == (matcher.operator == "=~")
    return (value == matcher.value) == (matcher.operator == "=")


def _globbed(parts: list[str], name: str) -> bool:
    """Tell whether a name is made of these parts, in their order, with anything between two of them."""
    first, *middle, last = parts
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for part in middle:
        at = name.find(part, at, end) + len(part)
        if at < len(part):
            return False
    return True


def _compile(text: str, pattern: str) -> _Pattern:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return cast("_Pattern", re2.compile(pattern, options))
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise SelectorSyntaxError(
            text, max(text.find(escape_label(pattern)), 0), f"regular expression: {reason}"
        ) from error
