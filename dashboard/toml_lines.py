"""The line of every key in a TOML text, which the standard library's parser does not tell.

The text is read a second time, after `tomllib` has accepted it, so that nothing here looks for faults.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left

KeyPath = tuple[str | int, ...]
"""Way to a value: names of keys, and positions in arrays from 0."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?!")' r"|'''.*?'''(?!')" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]+")
_DOT = re.compile(r"[ \t]*\.[ \t]*")


def lines_of_keys(text: str) -> dict[KeyPath, int]:
    """Return the line, counted from 1, on which each key, table and array element of a valid TOML text begins."""
    return _Reading(text).document()


def dotted(keys: KeyPath) -> str:
    """Write a way as in TOML, without the positions in arrays."""
    return ".".join(key for key in keys if isinstance(key, str))


class _Reading:
    """One pass over a text; `at` is the position of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._newest: dict[KeyPath, int] = {}

    def document(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip()
        return self.lines

    def _header(self) -> KeyPath:
        """Read `[table]` or `[[table]]`; return where the pairs that follow belong."""
        start = self.at
        double = self.text.startswith("[[", start)
        self.at += 2 if double else 1
        self._skip()
        parts = self._key()
        self._skip()
        self.at += 2 if double else 1
        path: KeyPath = ()
        for part in parts[:-1]:
            path = self._inside((*path, part), start)
        path = (*path, parts[-1])
        self._mark(path, start)
        if double:
            self._newest[path] = self._newest.get(path, -1) + 1
            path = (*path, self._newest[path])
            self._mark(path, start)
        return path

    def _inside(self, path: KeyPath, start: int) -> KeyPath:
        """Follow a name that may stand for an array of tables, whose newest element it then means."""
        self._mark(path, start)
        return (*path, self._newest[path]) if path in self._newest else path

    def _pair(self, table: KeyPath) -> None:
        start = self.at
        path = table
        for part in self._key():
            path = (*path, part)
            self._mark(path, start)
        self._skip()
        self.at += 1  # the equals sign
        self._skip()
        self._value(path)

    def _key(self) -> list[str]:
        parts = [self._name()]
        while dot := _DOT.match(self.text, self.at):
            self.at = dot.end()
            parts.append(self._name())
        return parts

    def _name(self) -> str:
        start = self.at
        if bare := _BARE_KEY.match(self.text, start):
            self.at = bare.end()
            return bare.group()
        self._string()
        return str(tomllib.loads(f"key = {self.text[start : self.at]}")["key"])

    def _value(self, path: KeyPath) -> None:
        first = self.text[self.at]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        elif first in "\"'":
            self._string()
        elif bare := _BARE_VALUE.match(self.text, self.at):
            self.at = bare.end()

    def _array(self, path: KeyPath) -> None:
        index = 0
        while self._next_item("]"):
            element = (*path, index)
            self._mark(element, self.at)
            self._value(element)
            index += 1

    def _inline_table(self, path: KeyPath) -> None:
        while self._next_item("}"):
            self._pair(path)

    def _next_item(self, end: str) -> bool:
        """Step over the opening bracket or a comma; tell whether an item follows before `end`."""
        self._skip()
        if self.text[self.at] in "[{,":
            self.at += 1
            self._skip()
            if self.text[self.at] != end:
                return True
        self.at += 1
        return False

    def _string(self) -> None:
        match = _STRING.match(self.text, self.at)
        assert match is not None, "tomllib has accepted the text"
        self.at = match.end()

    def _skip(self) -> None:
        match = _BLANK.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def _mark(self, path: KeyPath, position: int) -> None:
        self.lines.setdefault(path, bisect_left(self._breaks, position) + 1)
