"""Reading tables of settings strictly: every fault names its key, its place and what would be right.

A table comes from a TOML file or from JSON in the environment; what differs is only how a fault is told.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from dashboard.errors import ConfigError
from dashboard.settings_file import Faults
from dashboard.toml_lines import KeyPath, dotted
from dashboard.toml_text import toml_value

T = TypeVar("T", bound=msgspec.Struct)


class Origin(Protocol):
    """Where a table was read, which is what its faults are told with."""

    def error(self, keys: KeyPath, message: str) -> ConfigError:
        """Return the fault at `keys`, ready to raise."""
        ...


def read_table(
    origin: Origin, keys: KeyPath, table: object, kind: type[T], elsewhere: Mapping[str, str] | None = None
) -> T:
    """Make a `kind` of `table`, which stands at `keys`; raise ConfigError, the first fault of all.

    `elsewhere` tells where keys belong that are valid further up, for TOML takes a line below a `[[table]]` as its.
    """
    if not isinstance(table, dict):
        raise origin.error(keys, f"must be a table, not {shown(table)}")
    outer = elsewhere or {}
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    inner = {**outer, **dict.fromkeys(fields, f"[[{dotted(keys)}]], above the tables inside it")}
    values: dict[str, object] = {}
    faults = Faults()
    for name, value in table.items():
        with faults.gathered():
            if name not in fields:
                raise origin.error((*keys, name), unknown_key(name, fields, outer))
            values[fields[name].name] = read_value(origin, (*keys, name), value, fields[name].type, inner)
    for name, field in fields.items():
        with faults.gathered():
            if field.required and name not in table:
                raise origin.error((*keys, name), f"is missing: it must be {expected(field.type)}")
    faults.raise_first()
    return kind(**values)


def read_value(
    origin: Origin, keys: KeyPath, value: object, kind: object, elsewhere: Mapping[str, str] | None = None
) -> object:
    """Convert one value to the annotated type `kind`; lists item by item, so that a fault names its item."""
    item = item_type(kind)
    if item is not None:
        if not isinstance(value, list | tuple):
            raise origin.error(keys, f"must be {expected(kind)}, not {shown(value)}{_brackets(keys, value, item)}")
        faults, parts = Faults(), []
        for index, part in enumerate(value):
            with faults.gathered():
                parts.append(read_value(origin, (*keys, index), part, item, elsewhere))
        faults.raise_first()
        return tuple(parts)
    struct = item_struct(kind)
    if struct is not None:
        return read_table(origin, keys, value, struct, elsewhere)
    try:
        if isinstance(value, float) and not math.isfinite(value):
            raise msgspec.ValidationError
        return msgspec.convert(value, kind, dec_hook=_path)
    except msgspec.ValidationError:
        choices = typing.get_args(_unwrapped(kind)[0])
        like = f"; the nearest is {nearest(value, choices)}" if isinstance(value, str) and _are_texts(choices) else ""
        raise origin.error(keys, f"must be {expected(kind)}, not {shown(value)}{like}") from None


def _are_texts(choices: tuple[object, ...]) -> typing.TypeGuard[tuple[str, ...]]:
    return bool(choices) and all(isinstance(one, str) for one in choices)


def unknown_key(name: str, valid: Iterable[str], elsewhere: Mapping[str, str]) -> str:
    """Say what to do about a key that does not exist."""
    if name in elsewhere:
        return f"belongs to {elsewhere[name]}"
    return f"unknown key; the nearest valid one is {nearest(name, valid)}"


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return the one of `valid` that is most like `name`."""
    from difflib import SequenceMatcher

    plain = name.lower().replace("-", "_")
    matcher = SequenceMatcher(b=plain, autojunk=False)

    def likeness(candidate: str) -> float:
        matcher.set_seq1(candidate)
        return matcher.ratio()

    return max(valid, key=likeness)


def shown(value: object) -> str:
    """Write a value as it stands in a file, shortened."""
    text = toml_value(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def expected(kind: object) -> str:
    """Say in words what a value of the annotated type `kind` must be."""
    base, meta = _unwrapped(kind)
    if meta is not None and meta.title:
        return meta.title
    words: dict[object, str] = {bool: "true or false", str: "a text", Path: "the path of a folder"}
    if base in words:
        return words[base] + _length(meta)
    if base in (int, float):
        return ("a whole number" if base is int else "a number") + _bounds(meta)
    if typing.get_origin(base) is typing.Literal:
        return "one of " + ", ".join(map(str, typing.get_args(base)))
    item = item_type(kind)
    if item is None or item_struct(item) is not None:
        return "a list of tables" if item is not None else "a table"
    return 'a list of texts such as ["a", "b"]'


def item_type(kind: object) -> object | None:
    """Return the type of a list's items; None when `kind` is no list."""
    base, _ = _unwrapped(kind)
    return typing.get_args(base)[0] if typing.get_origin(base) is tuple else None


def item_struct(kind: object) -> type[msgspec.Struct] | None:
    """Return `kind` if it is a table's type."""
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None


def kind_of(kind: object) -> object:
    """Return the plain type: without annotation and without None."""
    return _unwrapped(kind)[0]


def help_text(kind: object) -> str:
    """Return the description that stands in the annotation of `kind`."""
    _, meta = _unwrapped(kind)
    return (meta.description or "") if meta is not None else ""


def _unwrapped(kind: object) -> tuple[object, msgspec.Meta | None]:
    """Take `Annotated` and `| None` off a type; return it with the annotation."""
    meta: msgspec.Meta | None = None
    while True:
        arguments = typing.get_args(kind)
        if hasattr(kind, "__metadata__"):
            meta = next((part for part in arguments[1:] if isinstance(part, msgspec.Meta)), meta)
            kind = arguments[0]
        elif type(None) in arguments:
            kind = next(part for part in arguments if part is not type(None))
        else:
            return kind, meta


def _bounds(meta: msgspec.Meta | None) -> str:
    if meta is None or (meta.ge is None and meta.le is None):
        return ""
    if meta.le is None:
        return f" of at least {_digits(meta.ge or 0)}"
    return f" from {_digits(meta.ge or 0)} to {_digits(meta.le)}"


def _digits(number: float) -> str:
    """Write a bound as a file would have it, not as 1e+07."""
    return str(int(number)) if number == int(number) else str(number)


def _length(meta: msgspec.Meta | None) -> str:
    if meta is None:
        return ""
    longest = f" of at most {meta.max_length} characters" if meta.max_length is not None else ""
    return longest + (", not empty" if meta.min_length else "")


def _brackets(keys: KeyPath, value: object, item: object) -> str:
    """Tell the two kinds of brackets apart for someone who took the wrong one."""
    if isinstance(value, Mapping) and item_struct(item) is not None:
        return f": write [[{dotted(keys)}]], in double brackets"
    return ""


def _path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str | Path) and value:
        return Path(value).expanduser()
    raise msgspec.ValidationError
