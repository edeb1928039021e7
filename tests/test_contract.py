"""What is published of the events: it is what `events.py` says, what the server sends, and what the page is held to."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from httpx_sse import aconnect_sse
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from checks import contract, node
from dashboard.events import Event
from tests.needs import need
from tests.serving import running_server

SCHEMA = Draft202012Validator(json.loads(contract.schema()))
LOG = {
    "id": "1-0",
    "type": "log",
    "timestamp": 1.5,
    "source": "vm/shop",
    "resource": {},
    "level": "info",
    "message": "m",
}

PUSHED: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("POST", "logs", {"message": "payment took 4.1 s", "level": "warning", "logger": "shop.payment"}),
    ("PUT", "tasks/backup", {"title": "Nightly backup", "done": 420, "total": 1000, "unit": "files"}),
    ("POST", "notifications", {"title": "Deploy at noon", "to": "local"}),
)

CONSUMER = """
import type { EventId, Gap, Level, Metrics, ProcessRow, StreamEvent, SystemEvent, TaskState } from "./events.js";

export function told(event: StreamEvent): string {
  switch (event.type) {
    case "metrics": return Object.entries(event.samples).map(([key, value]) => key + value.toFixed(1)).join();
    case "processes": return event.rows.map((row: ProcessRow) => row.name + (row.command?.length ?? 0)).join();
    case "log": return level(event.level) + (event.logger ?? "").trim();
    case "task": return (event.output ?? []).join() + (event.progress ?? 0).toFixed(1) + state(event.state);
    case "notification": return event.title + (event.to?.trim() ?? "");
    case "system": return (event.ids ?? []).join() + system(event.event);
    case "hello": return event.resume === "gap" ? event.oldest : event.newest;
    case "heartbeat": return event.server_time.toFixed(1);
    case "gap": return event.types.join() + ((event.to ?? 0) - (event.from ?? 0)).toFixed(1) + reason(event.reason);
    case "bye": return event.retry_after.toFixed(1);
  }
}

const level = (word: Level): string => word;
const state = (word: TaskState): string => word;
const system = (word: SystemEvent): string => word;
const reason = (word: Gap["reason"]): string => word;
export const id = (event: Metrics): EventId => event.id;

// @ts-expect-error what may be null must be looked at first
export const due = (event: Metrics): number => event.interval + 1;
// @ts-expect-error what may be absent, too
export const since = (gap: Gap): number => gap.from + 1;
// @ts-expect-error no event has this
export const wrong = (event: StreamEvent) => event.sample;
// @ts-expect-error an event about the stream has no id
export const none = (gap: Gap) => gap.id;
// @ts-expect-error there is no such level
export const loud: Level = "loud";
"""


def fields(kind: type[msgspec.Struct]) -> dict[str, st.SearchStrategy[Any]]:
    """Return values for each field of an event: those that its type allows and JSON can say."""
    return {field.name: st.from_type(field.type) for field in msgspec.structs.fields(kind)}


@pytest.fixture(autouse=True, scope="module")
def _numbers_of_json() -> Iterator[None]:
    """Let floats be finite: what is not never gets as far as an event."""
    st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
    yield
    st.register_type_strategy(float, st.floats())


@pytest.mark.parametrize("name", contract.FILES)
def test_what_is_shipped_is_what_events_py_says(name: str) -> None:
    shipped = (contract.STATIC / name).read_text("utf-8")
    assert shipped == contract.FILES[name](), "written anew by: python -m checks.contract"


@given(st.data())
@pytest.mark.parametrize("kind", [*contract.logged(), *contract.control()])
def test_every_event_that_there_can_be_is_in_the_schema(kind: type[msgspec.Struct], data: st.DataObject) -> None:
    event = data.draw(st.builds(partial(kind), **fields(kind)))
    sent = json.loads(event.encode())  # type: ignore[attr-defined]
    SCHEMA.validate({"id": "1795258790055-2", **sent} if issubclass(kind, Event) else sent)


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"id": "1"},
        {"type": "logs"},
        {"type": "hello"},
        {"level": "loud"},
        {"timestamp": "now"},
        {"logger": None},
        {"resource": {"instance": 1}},
    ],
)
def test_what_the_server_never_sends_is_not(wrong: dict[str, object]) -> None:
    SCHEMA.validate(LOG)
    SCHEMA.validate({**LOG, "new": "fields may come"})
    assert not SCHEMA.is_valid({**LOG, **wrong})


@pytest.mark.parametrize("key", LOG)
def test_nor_is_what_lacks_a_field_that_is_always_there(key: str) -> None:
    assert not SCHEMA.is_valid({name: value for name, value in LOG.items() if name != key})


async def test_all_that_a_server_sends_is_in_the_schema_that_it_serves() -> None:
    missing = {"hello", "gap", "heartbeat", "metrics", "processes", "system", "log", "task", "notification"}
    async with (
        running_server(config="heartbeat_interval = 0.5") as server,
        httpx.AsyncClient(base_url=server.url, timeout=10) as client,
    ):
        served = (await client.get("/schema/events.json")).json()
        assert (await client.get("/schema/events.d.ts")).text == contract.declarations()
        Draft202012Validator.check_schema(served)
        schema = Draft202012Validator(served)
        for method, path, body in PUSHED:
            assert (await client.request(method, f"/api/v1/{path}", json=body)).status_code == 200
        async with aconnect_sse(client, "GET", "/api/v1/events", params={"after": "1-0"}) as stream:
            async for event in stream.aiter_sse():
                data = event.json()
                schema.validate(data)
                assert data["type"] == event.event and data.get("id", event.id) == event.id
                missing.discard(event.event)
                if not missing and event.event != "bye":
                    server.process.terminate()
                    missing = {"bye"}
    assert not missing


def compiled(folder: Path, *files: str, **options: object) -> str:
    """Return what the compiler of TypeScript has to say of files in a folder; nothing when they are sound."""
    need("node")
    settings = json.loads((node.ROOT / "tsconfig.json").read_text("utf-8"))
    settings["compilerOptions"] |= options
    (folder / "tsconfig.json").write_text(json.dumps({**settings, "include": list(files)}))
    return node.tsc(folder).stdout


def test_the_declarations_are_sound_and_hold_who_uses_them(tmp_path: Path) -> None:
    (tmp_path / "events.d.ts").write_text(contract.declarations())
    (tmp_path / "consumer.ts").write_text(CONSUMER)
    assert compiled(tmp_path, "*.ts", skipLibCheck=False) == ""


def test_the_example_of_their_use_is_sound(tmp_path: Path) -> None:
    example = re.search(r"^```ts check\n(.*?)^```$", (node.ROOT / "docs/api.md").read_text("utf-8"), re.M | re.S)
    assert example is not None
    (tmp_path / "events.d.ts").write_text(contract.declarations())
    (tmp_path / "example.ts").write_text(example[1])
    assert compiled(tmp_path, "*.ts") == ""


def test_the_page_is_held_to_the_declarations(tmp_path: Path) -> None:
    """A type, a field or a word that is another one on the server is an error of the page, until it follows."""
    shutil.copytree(contract.STATIC / "js", tmp_path / "js")
    declared = contract.declarations()
    for was, becomes in (
        ("export type Logged = ", 'export type Logged = { type: "brand_new", id: EventId } | '),
        ("  samples: ", "  values: "),
        ('"clock_step"', '"clock_jump"'),
    ):
        assert was in declared
        declared = declared.replace(was, becomes)
    (tmp_path / "js" / "events.d.ts").write_text(declared)
    said = compiled(tmp_path, "js/**/*.js")
    assert "brand_new" in said and "'samples' does not exist" in said and "clock_step" in said
