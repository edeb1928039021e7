"""A Hypercorn or Quart that is not as it is relied on: all works, the portable way, and the log says why."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from functools import reduce
from importlib import import_module
from pathlib import Path
from types import FunctionType

import httpx
import hypercorn
import hypercorn.protocol.h11
import pytest
import quart

from dashboard.config import Settings
from dashboard.runtime import running
from dashboard.web.app import create_app
from dashboard.web.portable_writer import PortableWriter
from dashboard.web.shape import RELIED_ON, lacking
from tests.serving import running_server
from tests.web.conftest import WRITERS
from tests.web.test_stream import streams
from tests.web.test_stream_ends import stalled, until
from tests.web.wire import RawStream

NAMES = (
    *("TCPServer", "H11Protocol", "ProtocolWrapper", "RawData", "MAX_RECV", "_read_data", "protocol_send", "_close"),
    *("idle_task", "reader", "writer", "_check_protocol", "_create_stream", "ASGIHTTPConnection", "_send_response"),
)
"""What a new Hypercorn or Quart might name in another way."""


def renamed(folder: Path, *names: str) -> dict[str, str]:
    """Copy Hypercorn and Quart into a folder with other names for some things; return what makes a server use them."""
    for package in (hypercorn, quart):
        home = Path(package.__file__ or "").parent
        copy = folder / home.name
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns("__pycache__"))
        for file in copy.rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            file.write_text(re.sub(rf"\b({'|'.join(names)})\b", r"\1_of_old", text), encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize(
    "writer",
    [
        pytest.param(WRITERS["fast"], id="fast-asked-for"),
        pytest.param(WRITERS["portable"], id="portable", marks=pytest.mark.long),
    ],
)
async def test_with_other_names_for_everything_streams_are_written_the_portable_way(
    tmp_path: Path, writer: str
) -> None:
    env, config = renamed(tmp_path, *NAMES), f"{writer}heartbeat_interval = 0.5\nstall_timeout = 2\n"
    async with running_server(env=env, config=config) as server, httpx.AsyncClient(base_url=server.url) as client:
        (line,) = [line for line in server.log().splitlines() if "the portable way" in line]
        assert " WARNING " in line and re.search(r"hypercorn [0-9.]+ has no hypercorn\.asyncio\.run:TCPServer$", line)
        viewer = await RawStream.open(server, "?types=metrics")
        for mark in (b"event: hello", b"event: metrics", b"event: heartbeat"):
            await viewer.until(mark)
        stuck = await stalled(server, client)

        async def is_alone() -> bool:
            return await streams(client) == 1

        await until(is_alone, 4.0)
        await viewer.until(b"event: heartbeat")
        viewer.drop()
        stuck.drop()


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
async def test_with_another_name_for_one_thing_streams_are_written(tmp_path: Path, name: str) -> None:
    """Of what is not relied on a new name changes nothing."""
    async with running_server(env=renamed(tmp_path, name)) as server:
        assert ("the portable way" in server.log()) == (name != "MAX_RECV")
        viewer = await RawStream.open(server, "?types=metrics")
        await viewer.until(b"event: metrics")
        viewer.drop()


@pytest.fixture
def looked_anew() -> Iterator[None]:
    """What is found is forgotten before and after."""
    lacking.cache_clear()
    yield
    lacking.cache_clear()


@pytest.mark.usefixtures("looked_anew")
def test_nothing_lacks_here() -> None:
    """Fails when Hypercorn or Quart is changed so that streams cannot be written the fast way any more."""
    assert lacking() == ""


@pytest.mark.usefixtures("looked_anew")
@pytest.mark.parametrize(
    ("place", "name"), [(place, name) for place, used in RELIED_ON.items() for name in ("", *used)]
)
def test_whatever_lacks_is_named(monkeypatch: pytest.MonkeyPatch, place: str, name: str) -> None:
    module, _, path = place.partition(":")
    *owners, last = path.split(".")
    owner: object = reduce(getattr, owners, import_module(module))
    if name:
        code = getattr(owner, last).__code__
        names = tuple("of_old" if one == name else one for one in code.co_names)
        other = FunctionType(code.replace(co_names=names), {})
        monkeypatch.setattr(owner, last, other)
    else:
        monkeypatch.delattr(owner, last)
    assert place in lacking() and lacking().endswith(name)


@pytest.mark.usefixtures("looked_anew")
async def test_without_it_the_portable_writer_writes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(hypercorn.protocol.h11.H11Protocol, "_handle_events")
    async with running(Settings(data_dir=tmp_path), [], None) as runtime:
        assert isinstance(create_app(runtime).extensions["writer"], PortableWriter)
