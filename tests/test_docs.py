"""The documents: links lead somewhere, all that is public is named, and what is marked to be run does run.

A fenced block says by the word behind its language what becomes of it: `run` must end well, `live` goes on until it
is ended and must print what it is for, `event` is an event as the program sends it, `collector` is a collector's file.
Wherever a block says http://127.0.0.1:8000 it means the server of the test.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Literal, get_args, get_origin

import httpx
import msgspec
import pytest
from httpx_sse import aconnect_sse
from playwright.async_api import Browser
from werkzeug.exceptions import default_exceptions

from dashboard.boards import load_boards
from dashboard.config import load
from dashboard.errors import CollectorError, ConfigError, DashboardError, SeriesSyntaxError, ServerError, StorageError
from dashboard.events import LOGGED, Control, Event
from dashboard.filters import MAX_SELECTORS
from dashboard.ingest import logs, notifications, tasklist, tasks
from dashboard.ingest.items import FUTURE
from dashboard.ingest.logs import PushedLine
from dashboard.ingest.notifications import PushedNotification
from dashboard.ingest.samples import MAX_LABELS, MAX_SAMPLES, MAX_SERIES_LENGTH
from dashboard.ingest.tasks import PushedTask
from dashboard.model import ProcessRow
from dashboard.selector import MAX_LENGTH
from dashboard.settings_file import SettingsFile
from dashboard.web.api import MAX_POINTS
from dashboard.web.routing import MAX_BODY, Route, routes
from dashboard.window import Refusal
from tests.needs import need
from tests.serving import Server, running_server
from tests.web.conftest import until_ready

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
API = (ROOT / "docs/api.md").read_text("utf-8")
PUSHING = (ROOT / "docs/pushing.md").read_text("utf-8")
RUNNING = (ROOT / "docs/running.md").read_text("utf-8")

WRITTEN = "http://127.0.0.1:8000"
"""The address that examples have."""

LIVE = "system_load_1m"
"""What every example that goes on for ever prints sooner or later."""

DEADLINE = 20.0

_FENCE = re.compile(r"^```(\S+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, the word behind that, and its text."""

    place: str
    language: str
    mark: str
    text: str


def blocks() -> Iterator[Block]:
    """Yield every fenced block that names a language."""
    for file in DOCS:
        text = file.read_text("utf-8")
        for match in _FENCE.finditer(text):
            place = f"{file.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}"
            yield Block(place, match[1], match[2] or "", match[3])


def marked(*kinds: tuple[str, str]) -> pytest.MarkDecorator:
    """Run a test with every block of these languages and marks."""
    found = [block for block in blocks() if (block.language, block.mark) in kinds]
    assert found, f"no block of {kinds}"
    return pytest.mark.parametrize("block", found, ids=lambda block: str(block.place))


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def prose(file: Path) -> str:
    """Return a document without its fenced blocks, where nothing is a link or a heading."""
    return re.sub(r"^```.*?^```$", "", file.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(file: Path) -> set[str]:
    """Return what a link to a heading of this file may say, by the rule of code hosts."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(prose(file)))
    return {word.strip().replace(" ", "-") for word in words}


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next of its level or above."""
    level = heading.partition(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"no heading {heading!r}"
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def below(kind: type[Any]) -> Iterator[type[Any]]:
    """Yield every class that is made of this one."""
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


@pytest.mark.parametrize("file", DOCS, ids=named)
def test_every_link_leads_somewhere(file: Path) -> None:
    lost = []
    for link in _LINK.findall(prose(file)):
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
    assert set(re.findall(r"^\| `(\w+)` \|", section(PUSHING, "## The answer"), re.MULTILINE)) == given


def test_every_code_of_an_error_is_in_the_table_with_its_status() -> None:
    table = _codes(section(API, "## Errors"))
    silent = (
        ConfigError,
        CollectorError,
        SeriesSyntaxError,
        ServerError,
        StorageError,
    )  # never the answer to a request
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


@marked(("json", ""))
def test_an_example_of_an_answer_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    """A server for all examples."""
    with running_server() as running:
        until_ready(running)
        yield running


def started(block: Block, server: Server, folder: Path) -> subprocess.Popen[str]:
    """Start a block as its reader would, in an empty folder."""
    if block.language == "sh":
        need("curl")
    command = {"sh": ["sh", "-eu", "-c"], "python": [sys.executable, "-c"]}[block.language]
    return subprocess.Popen(
        [*command, block.text.replace(WRITTEN, server.url)],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if not key.startswith("DASHBOARD_")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[IO[str]]:
    """Give what a process prints; end it, with all that it started, after the block or `DEADLINE` seconds."""

    def end() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(DEADLINE, end)
    timer.start()
    assert process.stdout is not None
    try:
        with process.stdout as output:
            yield output
    finally:
        timer.cancel()
        end()
        process.wait()


@marked(("sh", "run"), ("python", "run"))
def test_a_command_that_is_shown_runs(block: Block, shared: Server, tmp_path: Path) -> None:
    process = started(block, shared, tmp_path)
    with ended(process) as output:
        text = output.read()
        assert process.wait() == 0, text
    assert not re.search(r'\{"error"|"rejected":\[\{|not taken', text), text


@marked(("sh", "live"), ("python", "live"))
def test_a_reader_of_the_stream_that_is_shown_reads(block: Block, shared: Server, tmp_path: Path) -> None:
    seen = []
    with ended(started(block, shared, tmp_path)) as output:
        for line in output:
            seen.append(line)
            if LIVE in line:
                return
    raise AssertionError("it ended and had printed:\n" + "".join(seen))


@marked(("js", "live"))
async def test_a_script_that_is_shown_reads_the_stream_in_a_browser(
    block: Block, shared: Server, browser: Browser
) -> None:
    page = await browser.new_page()
    await page.goto(f"{shared.url}/healthz")
    async with page.expect_console_message(lambda message: LIVE in message.text, timeout=DEADLINE * 1000):
        await page.evaluate(f"() => {{ {block.text} }}")
    await page.close()


@marked(("python", "collector"))
async def test_the_collector_that_is_shown_collects(block: Block, tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text(block.text)
    async with running_server(env={"DASHBOARD_COLLECTORS_DIR": str(tmp_path)}) as server:
        until_ready(server)
        async with httpx.AsyncClient(base_url=server.url) as client:
            found: list[Any] = []
            deadline = time.monotonic() + DEADLINE
            while not found:
                assert time.monotonic() < deadline, server.log()
                found = (await client.get("/api/v1/latest", params={"match": "waiting_files"})).json()["result"]
    assert found[0]["value"] >= 0


@marked(("nginx", "run"))
async def test_behind_the_nginx_that_is_shown_pages_pushes_and_events_work(block: Block) -> None:
    nginx = need("nginx")
    prefix = "/dashboard" if "location /dashboard/" in block.text else ""
    config = f'root_path = "{prefix}"\nallowed_hosts = ["dash.example.com"]\n'
    async with running_server(config=config) as server:
        with TemporaryDirectory(prefix="nginx-") as name:
            folder = Path(name)
            address = server.url.removesuffix(prefix)  # it prints the address under which it is to be reached
            site = block.text.replace(WRITTEN, address).replace("listen 80;", f"listen unix:{folder}/socket;")
            assert address in site and "socket;" in site
            temporary = "".join(
                f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            (folder / "nginx.conf").write_text(
                f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
                f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{site}}}\n"
            )
            with (folder / "log").open("w") as log:
                process = subprocess.Popen([nginx, "-e", "stderr", "-p", name, "-c", folder / "nginx.conf"], stderr=log)
            try:
                await _use(folder / "socket", prefix, process)
            finally:
                process.terminate()
                process.wait(DEADLINE)


async def _use(socket: Path, prefix: str, process: subprocess.Popen[bytes]) -> None:
    """Look at a page through a proxy, push, and see the event of it."""
    origin = "http://dash.example.com"
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    async with httpx.AsyncClient(transport=transport, base_url=origin + prefix, timeout=DEADLINE) as client:
        deadline = time.monotonic() + DEADLINE
        while not socket.exists():
            assert process.poll() is None and time.monotonic() < deadline, "nginx does not listen"
            await asyncio.sleep(0.02)
        page = await client.get("/")
        assert page.status_code == 200, page.text
        (script, *_) = re.findall(r'src="([^"]+\.js)"', page.text)
        assert script.startswith(f"{prefix}/static/")
        assert (await client.get(origin + script)).status_code == 200

        query = {"types": "metrics", "match": "through_proxy"}
        async with aconnect_sse(client, "GET", "/api/v1/events", params=query) as stream:
            events = stream.aiter_sse()
            async with asyncio.timeout(DEADLINE):
                assert (await anext(events)).event == "hello"
                large = json.dumps({"series": "through_proxy", "value": 1}) + " " * (MAX_BODY // 2)
                answer = await client.post(
                    "/api/v1/samples", content=large, headers={"Content-Type": "application/json", "Origin": origin}
                )
                assert answer.status_code == 200, answer.text
                event = await anext(event async for event in events if event.event == "metrics")
        assert event.json()["samples"] == {"through_proxy": 1.0}
