"""`python -m checks.contract`: write what is published of `dashboard/events.py`, for programs that are not Python.

A JSON Schema (draft 2020-12) and TypeScript declarations of every event, which are served and shipped, and
declarations of what `GET /api/v1/status` answers. The page is checked against them, and a test holds them to what
would be written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import inspect

from dashboard import events
from dashboard.web.status import Status

STATIC = Path(__file__).parent.parent / "static"
SCHEMA = "schema/events.json"
DECLARATIONS = "js/events.d.ts"
ANSWERS = "js/answers.d.ts"

_ID = "`<unix milliseconds>-<number>`; ids only rise. Compare them as two numbers."
_Aliases = dict[frozenset[object], str]
_GROUPS = {
    "Logged": "An event that has an id and a place in the log.",
    "Control": "An event about the stream itself; it has no id.",
    "StreamEvent": "Any event of the stream, as its `data` has it. New types and fields may come: skip the unknown.",
}
_WORDS: dict[type[inspect.Type], str] = {
    inspect.AnyType: "unknown",
    inspect.NoneType: "null",
    inspect.BoolType: "boolean",
    inspect.IntType: "number",
    inspect.FloatType: "number",
    inspect.StrType: "string",
}


def logged() -> tuple[type[events.Event], ...]:
    """Return the events that have an id."""
    return tuple(events.LOGGED.values())


def control() -> tuple[type[events.Control], ...]:
    """Return the events about the stream itself."""
    return tuple(events.Control.__subclasses__())


def schema() -> str:
    """Return the JSON Schema of every event: of what follows `data: ` in the stream."""
    kinds = (*logged(), *control())
    references, found = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    for kind in kinds:
        _refine_tag(found[kind.__name__])
    for kind in logged():
        _add_id(found[kind.__name__])
    for definition in found.values():
        _refine(definition)
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "StreamEvent",
        "description": _GROUPS["StreamEvent"],
        "oneOf": list(references),
        "$defs": found,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _refine_tag(definition: dict[str, Any]) -> None:
    (name,) = definition["properties"]["type"]["enum"]
    definition["properties"]["type"] = {"const": name}


def _add_id(definition: dict[str, Any]) -> None:
    id = {"type": "string", "pattern": "^[0-9]+-[0-9]+$", "description": _ID}
    definition["properties"] = {"id": id, **definition["properties"]}
    definition["required"] = ["id", *definition["required"]]


def _refine(definition: dict[str, Any]) -> None:
    """Say of a field that may be absent what it is when it is there: what has its default is never sent."""
    definition["description"] = cleandoc(definition["description"])
    for name, field in definition["properties"].items():
        if "default" in field and field["default"] is None:
            (definition["properties"][name],) = (kind for kind in field["anyOf"] if kind != {"type": "null"})


def declarations() -> str:
    """Return TypeScript declarations of every event."""
    return "\n".join(_declared())


def answers() -> str:
    """Return TypeScript declarations of what the program says about itself."""
    return "\n".join([_head("dashboard/web/status.py"), *_interfaces([Status], {})])


def _head(file: str) -> str:
    return f"// Written from {file} by `python -m checks.contract`. Do not edit.\n"


def _declared() -> Iterator[str]:
    yield _head("dashboard/events.py")
    yield f"/** {_ID} */\nexport type EventId = string;\n"
    aliases: _Aliases = {}
    for name, words in _named():
        aliases[frozenset(words)] = name
        yield f"export type {name} = {_union(map(json.dumps, words))};\n"
    yield from _interfaces([*logged(), *control()], aliases)
    groups = {
        "Logged": [kind.__name__ for kind in logged()],
        "Control": [kind.__name__ for kind in control()],
        "StreamEvent": ["Logged", "Control"],
    }
    for name, members in groups.items():
        yield f"/** {_GROUPS[name]} */\nexport type {name} = {_union(members)};\n"


def _named() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the choices of words that have a name of their own in `events.py`."""
    for name, value in vars(events).items():
        if get_origin(value) is Literal:
            yield name, get_args(value)


def _interfaces(kinds: Iterable[type[msgspec.Struct]], aliases: _Aliases) -> Iterator[str]:
    found: dict[type[Any], inspect.StructType] = {}
    for kind in kinds:
        _collect(inspect.type_info(kind), found)
    for struct in found.values():
        yield _interface(struct, aliases)


def _collect(kind: inspect.Type, found: dict[type[Any], inspect.StructType]) -> None:
    """Put a struct and those it is made of into `found`, what it is made of first."""
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            _collect(field.type, found)
        found.setdefault(kind.cls, kind)
    elif isinstance(kind, inspect.VarTupleType | inspect.ListType):
        _collect(kind.item_type, found)
    elif isinstance(kind, inspect.DictType):
        _collect(kind.value_type, found)
    elif isinstance(kind, inspect.UnionType):
        for member in kind.types:
            _collect(member, found)


def _interface(kind: inspect.StructType, aliases: _Aliases) -> str:
    lines = [*_comment(cleandoc(kind.cls.__doc__ or "")), f"export interface {kind.cls.__name__} {{"]
    if kind.cls in logged():
        lines.append("  id: EventId;")
    if kind.tag_field is not None:
        lines.append(f"  {kind.tag_field}: {json.dumps(kind.tag)};")
    for field in kind.fields:
        if field.required or not kind.cls.__struct_config__.omit_defaults:
            lines.append(f"  {field.encode_name}: {_written(field.type, aliases)};")
            continue
        if field.default is not None:
            lines.append(f"  /** Absent: `{json.dumps(msgspec.to_builtins(field.default))}`. */")
        lines.append(f"  {field.encode_name}?: {_written(_present(field), aliases)};")
    return "\n".join([*lines, "}\n"])


def _present(field: inspect.Field) -> inspect.Type:
    """Return what a field is when it is sent: None is not, where it is the default."""
    if field.default is None and isinstance(field.type, inspect.UnionType):
        return inspect.UnionType(tuple(one for one in field.type.types if not isinstance(one, inspect.NoneType)))
    return field.type


def _written(kind: inspect.Type, aliases: _Aliases) -> str:
    if type(kind) in _WORDS:
        return _WORDS[type(kind)]
    if isinstance(kind, inspect.StructType):
        return kind.cls.__name__
    if isinstance(kind, inspect.LiteralType):
        return aliases.get(frozenset(kind.values)) or _union(map(json.dumps, kind.values))
    if isinstance(kind, inspect.UnionType):
        return _union(_written(one, aliases) for one in kind.types)
    if isinstance(kind, inspect.VarTupleType | inspect.ListType):
        item = _written(kind.item_type, aliases)
        return f"({item})[]" if " | " in item else f"{item}[]"
    if isinstance(kind, inspect.DictType) and isinstance(kind.key_type, inspect.StrType):
        return f"Record<string, {_written(kind.value_type, aliases)}>"
    raise TypeError(f"no TypeScript is known for {kind}")


def _union(members: Iterable[str]) -> str:
    return " | ".join(members)


def _comment(text: str) -> list[str]:
    first, *rest = text.splitlines()
    if not rest:
        return [f"/** {first} */"]
    return ["/**", *(f" * {line}".rstrip() for line in (first, *rest)), " */"]


FILES = {SCHEMA: schema, DECLARATIONS: declarations, ANSWERS: answers}
"""What is published, by its place in `static`."""


def main() -> None:
    """Write the files."""
    for name, content in FILES.items():
        place = STATIC / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(content(), encoding="utf-8")
        print(place.relative_to(STATIC.parent))


if __name__ == "__main__":
    main()
