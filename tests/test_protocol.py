"""The browser's idea of the wire, held to the server's."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from dashboard import events
from dashboard.model import ProcessRow

PROTOCOL = Path(__file__).parent.parent / "static" / "js" / "protocol.js"
CONTROL = (events.Hello, events.Heartbeat, events.Gap, events.Bye)
MIRRORED: tuple[type[msgspec.Struct], ...] = (*events.LOGGED.values(), *CONTROL, ProcessRow)


def declared() -> dict[str, dict[str, bool]]:
    """Return each typedef of an object in protocol.js: its properties, and whether they are always there."""
    text = re.sub(r"\n \*\s*", " ", PROTOCOL.read_text("utf-8"))
    typedefs = re.findall(r"@typedef \{\{ (.*?) \}\} (\w+)", text)
    return {name: {key: not optional for key, optional in re.findall(r"(\w+)(\??): ", body)} for body, name in typedefs}


def on_the_wire(kind: type[msgspec.Struct]) -> dict[str, bool]:
    """Return the keys of an event's `data`, and whether they are always there."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    keys = {field.encode_name: field.required for field in info.fields}
    if info.tag_field is not None:
        keys[info.tag_field] = True
    if kind in events.LOGGED.values():
        keys["id"] = True
    return keys


@pytest.mark.parametrize("kind", MIRRORED, ids=lambda kind: kind.__name__)
def test_every_event_has_the_same_keys_on_both_sides(kind: type[msgspec.Struct]) -> None:
    assert declared()[kind.__name__] == on_the_wire(kind)


def test_both_sides_know_the_same_types() -> None:
    text = PROTOCOL.read_text("utf-8")
    for name, known in (
        ("LOGGED", set(events.LOGGED)),
        ("CONTROL", {str(kind.__struct_config__.tag) for kind in CONTROL}),
    ):
        listed = re.search(rf"export const {name} = .*?\(\[(.*?)\]\)", text)
        assert listed is not None
        assert set(re.findall(r'"(\w+)"', listed.group(1))) == known


def test_the_page_listens_for_no_system_event_that_there_is_not() -> None:
    text = PROTOCOL.read_text("utf-8")
    listed = re.search(r"export const SYSTEM = .*?\(\{(.*?)\}\)", text, re.DOTALL)
    assert listed is not None
    there_are = next(field.type for field in msgspec.inspect.type_info(events.System).fields if field.name == "event")  # type: ignore[attr-defined]
    assert set(re.findall(r': "(\w+)"', listed.group(1))) <= set(there_are.values)
