"""The documents: links lead somewhere, all that is public is named, and examples are what they say."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest
from werkzeug.exceptions import default_exceptions

from dashboard.boards import load_boards
from dashboard.config import load
from dashboard.errors import CollectorError, ConfigError, DashboardError, SeriesSyntaxError, ServerError
from dashboard.events import LOGGED, Control, Event
from dashboard.ingest import logs, notifications, tasklist, tasks
from dashboard.ingest.items import FUTURE
from dashboard.ingest.logs import PushedLine
from dashboard.ingest.notifications import PushedNotification
from dashboard.ingest.samples import MAX_LABELS, MAX_SAMPLES, MAX_SERIES_LENGTH
from dashboard.ingest.tasks import PushedTask
from dashboard.model import ProcessRow
from dashboard.selector import MAX_LENGTH, MAX_SELECTORS
from dashboard.settings_file import SettingsFile
from dashboard.web.routing import MAX_BODY, Route, routes
from dashboard.web.wanted import MAX_POINTS
from dashboard.window import Refusal
from tests.documents import (
    API,
    DOCS,
    LINK,
    PUSHING,
    ROOT,
    RUNNING,
    Block,
    anchors,
    blocks,
    marked,
    named,
    prose,
    section,
)


def below(kind: type[Any]) -> Iterator[type[Any]]:
    """Yield every class that is made of this one."""
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


@pytest.mark.parametrize("file", DOCS, ids=named)
def test_every_link_leads_somewhere(file: Path) -> None:
    lost = []
    for link in LINK.findall(prose(file)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("route", list(routes()), ids=lambda route: str(route.path))
def test_every_route_is_named_with_its_methods(route: Route) -> None:
    for method in route.methods:
        assert f"{method} {route.path}`" in API + RUNNING


EVENTS: list[type[Event | Control]] = [*LOGGED.values(), *Control.__subclasses__()]


def wire_name(kind: type[Any]) -> str:
    return str(kind.__struct_config__.tag)


def literals(kind: object) -> Iterator[str]:
    """Yield the texts that a field may have."""
    for part in get_args(kind):
        if get_origin(kind) is Literal:
            yield str(part)
        else:
            yield from literals(part)


@pytest.mark.parametrize("kind", EVENTS, ids=wire_name)
def test_every_event_has_a_section_with_its_fields_and_their_values(kind: type[Event | Control]) -> None:
    text = section(API, f"#### `{wire_name(kind)}`")
    for field in msgspec.structs.fields(kind):
        assert f"`{field.encode_name}`" in text or f'"{field.encode_name}"' in text, field.encode_name
        for value in literals(field.type):
            assert f"`{value}`" in text, f"{field.encode_name} may be {value}"


def test_what_a_process_row_holds_is_told() -> None:
    text = section(API, "#### `processes`")
    assert [field.name for field in msgspec.structs.fields(ProcessRow) if f"`{field.name}`" not in text] == []


def test_every_event_has_an_example() -> None:
    shown = {json.loads(block.text)["type"] for block in blocks() if block.mark == "event"}
    assert shown == {wire_name(kind) for kind in EVENTS}


@marked(("json", "event"))
def test_an_example_of_an_event_is_one(block: Block) -> None:
    shown = json.loads(block.text)
    (kind,) = (kind for kind in EVENTS if wire_name(kind) == shown["type"])
    assert ("id" in shown) == issubclass(kind, Event)
    shown.pop("id", None)
    event = msgspec.convert(shown, kind)
    assert json.loads(event.encode()) == shown


def test_every_code_of_a_refused_sample_is_in_the_table_and_no_other() -> None:
    given = {SeriesSyntaxError.code, *get_args(Refusal)}
    for name in ("items", "samples"):
        for node in ast.walk(ast.parse((ROOT / f"dashboard/ingest/{name}.py").read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = {"refusal": 0, "Rejection": 1}.get(node.func.id)
                code = node.args[place] if place is not None else None
                if isinstance(code, ast.Constant):
                    given.add(str(code.value))
                nouns = [word.value for word in node.keywords if node.func.id == "read_each" and word.arg == "noun"]
                given.update(f"invalid_{noun.value}" for noun in nouns if isinstance(noun, ast.Constant))
    assert set(re.findall(r"^\| `(\w+)` \|", section(PUSHING, "## The answer"), re.MULTILINE)) == given


def test_every_code_of_an_error_is_in_the_table_with_its_status() -> None:
    table = _codes(section(API, "## Errors"))
    silent = (ConfigError, CollectorError, SeriesSyntaxError, ServerError)  # never the answer to a request
    own = {kind.code: kind.status for kind in below(DashboardError) if not issubclass(kind, silent)}
    assert own.items() <= table.items()
    for code, status in (table | _codes(section(PUSHING, "## The answer"))).items():
        if code not in own and code != DashboardError.code:
            assert default_exceptions[status]().name.lower().replace(" ", "_") == code
        assert table[code] == status


def _codes(text: str) -> dict[str, int]:
    return {code: int(status) for status, code in re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE)}


def test_limits_are_those_of_the_program() -> None:
    limits = section(PUSHING, "## Limits")
    for limit in (MAX_SAMPLES, MAX_LABELS, MAX_SERIES_LENGTH):
        assert f"| {limit}" in limits
    assert f"| {MAX_BODY // 1024**2} MiB |" in limits and f"{FUTURE:.0f} s in the future" in PUSHING
    for said in (f"at most {MAX_POINTS} points", f"at most {MAX_SELECTORS};", f"at most {MAX_LENGTH} characters"):
        assert said in API


@pytest.mark.parametrize(
    ("heading", "kind", "told"),
    [
        ("## Logs", PushedLine, [logs.MAX_LINES, logs.MAX_MESSAGE, "invalid_line", "invalid_level", *logs.LEVELS]),
        ("## Long work", PushedTask, [tasklist.MAX_TASKS, f"| {tasklist.INTERVAL:.0f} |", "invalid_task"]),
        ("## Long work", PushedTask, ["too_many_tasks", tasks.MAX_OUTPUT_LINES, logs.MAX_NAME]),
        ("## Notices", PushedNotification, [notifications.MAX_NOTIFICATIONS, notifications.MAX_TITLE]),
        ("## Notices", PushedNotification, [notifications.MAX_MESSAGE, "invalid_notification", "invalid_level"]),
    ],
)
def test_every_field_code_and_limit_of_what_is_pushed_is_told(
    heading: str, kind: type[Any], told: list[object]
) -> None:
    text = section(PUSHING, heading)
    assert [field.encode_name for field in msgspec.structs.fields(kind) if f"`{field.encode_name}`" not in text] == []
    assert [one for one in told if str(one) not in text] == []


@marked(("toml", ""))
def test_an_example_of_settings_is_taken(block: Block, tmp_path: Path) -> None:
    file = SettingsFile.parse(tmp_path / "dashboard.toml", block.text.encode())
    load(file, {})
    load_boards(file)


@marked(("python", "collector"), ("python", "run"), ("python", "live"))
def test_an_example_in_python_passes_the_lint_of_the_project(block: Block) -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--quiet",
            "--output-format=concise",
            "--stdin-filename=example.py",
            "-",
        ],
        cwd=ROOT,
        input=block.text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(("name", "code"), [("collectors/waiting.py", 0), ("dashboard/collectors/waiting.py", 1)])
@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["lint", "format"])
def test_collectors_of_users_are_not_linted_and_those_of_the_project_are(
    name: str, code: int, command: list[str]
) -> None:
    lint = [sys.executable, "-m", "ruff", *command, "--quiet", "--force-exclude", f"--stdin-filename={name}", "-"]
    ended = subprocess.run(lint, cwd=ROOT, input="import sys,os\n", capture_output=True, text=True, check=False)
    assert ended.returncode == code, ended.stdout


def test_files_of_users_are_not_in_git() -> None:
    assert {"/collectors/", "/dashboard.toml"} <= set((ROOT / ".gitignore").read_text("utf-8").splitlines())


@marked(("json", ""))
def test_an_example_of_an_answer_is_json(block: Block) -> None:
    json.loads(block.text)


def test_commands_of_the_program_are_written_as_they_are_called_in_a_clone() -> None:
    bare = [
        f"{block.place}: {line}"
        for block in blocks()
        for line in block.text.splitlines()
        if block.language == "sh" and re.match(r"dashboard \w", line)
    ]
    assert bare == []
    for file in (ROOT / "templates").glob("*.html"):
        assert "<code>dashboard " not in file.read_text("utf-8"), file
