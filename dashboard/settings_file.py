"""A settings file: its TOML, and where in it each key stands."""

from __future__ import annotations

import errno
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard.errors import ConfigError, ConfigFileError
from dashboard.toml_lines import KeyPath, dotted, lines_of_keys

DEFAULT_FILE = Path("dashboard.toml")
"""Settings file that is taken from the working folder when none is named."""

_SAID_TWICE = ("Cannot overwrite a value", "Cannot declare", "Cannot mutate", "Duplicate inline table key")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_KEY = re.compile(r"[ \t]*\[{0,2}[ \t]*([A-Za-z0-9_.\-]+)[ \t]*[=\]]")
_DIGITS = re.compile(r"[0-9](?:_?[0-9]){4300}")
_LARGEST = 2**63  # of the whole numbers that TOML has
_UNQUOTED = re.compile(
    r"[ \t]*[A-Za-z0-9_.\-]+[ \t]*=[ \t]*([A-Za-z/~.:][^\"'\[{#]*|[0-9]+\.[0-9]+\.[0-9.]+[^#]*)(?:#.*)?$"
)


_TOO_LARGE = "the number is too large for any setting"


class Faults:
    """Faults that do not keep one another from being found: the one that stands first in the file is told."""

    def __init__(self) -> None:
        self._found: list[ConfigError] = []

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Take note of a fault that is raised within."""
        try:
            yield
        except ConfigError as error:
            self._found.append(error)

    def raise_first(self) -> None:
        """Raise the first of them, if there is any."""
        if self._found:
            raise min(self._found, key=_line)


def _line(error: ConfigError) -> int:
    return (error.line or 0) if isinstance(error, ConfigFileError) else 0


class SettingsFile:
    """What a settings file holds. `data` is its TOML as plain values."""

    def __init__(self, path: Path, data: dict[str, object], lines: dict[KeyPath, int]) -> None:
        self.path = path
        self.data = data
        self._lines = lines

    @classmethod
    def read(cls, path: Path) -> SettingsFile:
        """Read and parse a file; raise ConfigFileError when it cannot be read or is not TOML."""
        try:
            raw = read_regular(path)
        except OSError as error:
            raise ConfigFileError(path, None, "", f"cannot be read: {error.strerror or error}") from None
        return cls.parse(path, raw)

    @classmethod
    def parse(cls, path: Path, raw: bytes) -> SettingsFile:
        """Parse the bytes of `path`; raise ConfigFileError with the line when they are not TOML in UTF-8."""
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise ConfigFileError(path, line, "", "is not UTF-8: save the file in that encoding") from None
        try:
            file = cls(path, tomllib.loads(text), lines_of_keys(text))
            too_large = next(_too_large((), file.data), None)
        except tomllib.TOMLDecodeError as error:
            raise _syntax_error(path, text, str(error)) from None
        except RecursionError:
            raise ConfigFileError(path, None, "", "is nested too deeply") from None
        except ValueError:  # Python makes no number of more digits than these
            found = _DIGITS.search(text)
            row = text.count("\n", 0, found.start()) + 1 if found else None
            raise ConfigFileError(path, row, "", _TOO_LARGE) from None
        if too_large is not None:
            raise file.error(too_large, _TOO_LARGE)
        return file

    def line(self, keys: KeyPath) -> int | None:
        """Return the line of the value at `keys`, or of the nearest table around it."""
        while keys:
            if keys in self._lines:
                return self._lines[keys]
            keys = keys[:-1]
        return None

    def error(self, keys: KeyPath, message: str) -> ConfigFileError:
        """Return the fault at `keys`, ready to raise."""
        return ConfigFileError(self.path, self.line(keys), dotted(keys), message)


def read_regular(path: Path) -> bytes:
    """Return what a file holds; raises OSError, at once also for what would be waited at for ever, such as a pipe."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(file)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(found.st_mode) and not os.path.samestat(found, os.stat(os.devnull)):
            raise OSError(errno.EINVAL, "it is a pipe or a device, not a regular file")
        with open(file, "rb", closefd=False) as opened:
            return opened.read()
    finally:
        os.close(file)


def _too_large(keys: KeyPath, value: object) -> Iterator[KeyPath]:
    """Yield the way to each whole number that is beyond TOML's own."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _too_large((*keys, key), part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _too_large((*keys, index), part)
    elif isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        yield keys


def _syntax_error(path: Path, text: str, message: str) -> ConfigFileError:
    """Tell tomllib's fault with the key of its line, and mend the commonest: a text without quotes."""
    place = _PLACE.search(message)
    reason = message[: place.start()] if place else message
    twice = reason.startswith(_SAID_TWICE)
    reason = "is there twice" if twice else f"not TOML: {reason[:1].lower()}{reason[1:]}"
    rows = text.rstrip("\n").split("\n")
    if place is None or place.group(1) is None:
        line, where = len(rows), "at the end of the file"
    else:
        line, where = int(place.group(1)), f"at column {place.group(2)}"
    row = rows[min(line, len(rows)) - 1]
    key = _KEY.match(row)
    unquoted = _UNQUOTED.match(row)
    if twice:
        return ConfigFileError(path, line, key.group(1) if key else "", reason)
    hint = f'; a text stands in quotes: "{unquoted.group(1).strip()}"' if unquoted else ""
    return ConfigFileError(path, line, key.group(1) if key else "", f"{reason} {where}{hint}")


def chosen(named: Path | None) -> SettingsFile | None:
    """Read the file that was named, or the one in the working folder if there is one; raise ConfigError."""
    path = named or (DEFAULT_FILE if _is_there(DEFAULT_FILE) else None)
    return SettingsFile.read(path) if path is not None else None


def _is_there(file: Path) -> bool:
    """Tell whether there is a file; also when it is not to be had, for whoever reads it is told why."""
    try:
        file.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
