"""What is wrong with pushed JSON, in the words of the API instead of those of its decoder."""

from __future__ import annotations

import re

_KINDS = {
    "object": "an object",
    "array": "a list",
    "str": "text",
    "float": "a number",
    "int": "a whole number",
    "bool": "true or false",
    "null": "null",
}
_BOUNDS = {">": "above", ">=": "of at least", "<": "below", "<=": "of at most"}

_PLACED = re.compile(r"(.*?)(?: - at `\$\.?(.*)`)?")
_TYPE = re.compile(r"Expected `([a-z |]+)`, got `([a-z]+)`")
_BOUND = re.compile(r"Expected `([a-z]+)` ([<>]=?) (.+?)(?:\.0)?")
_LENGTH = re.compile(r"Expected `str` of length <= (\d+)")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")


def words(error: Exception) -> str:
    """Say in a sentence what a fault of reading JSON means; it begins with the field, if it is in one."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {error.reason}"
    placed = _PLACED.fullmatch(str(error))
    if placed is None:
        return str(error)
    message, place = placed.group(1), placed.group(2)
    for pattern, sentence in ((_MISSING, "is missing"), (_UNKNOWN, "there is no such field")):
        if found := pattern.fullmatch(message):
            return ".".join(filter(None, (place, found.group(1)[:200]))) + f": {sentence}"
    return f"{place}: {_said(message)}" if place else _said(message)


def _said(message: str) -> str:
    if found := _TYPE.fullmatch(message):
        wanted = " or ".join(_KINDS.get(name, name) for name in found.group(1).split(" | "))
        return f"{wanted} is wanted, this is {_KINDS.get(found.group(2), found.group(2))}"
    if found := _LENGTH.fullmatch(message):
        return f"text of at most {found.group(1)} characters is wanted"
    if found := _BOUND.fullmatch(message):
        kind, sign, bound = found.groups()
        return f"{_KINDS.get(kind, kind)} {_BOUNDS[sign]} {bound} is wanted"
    return message
