"""What the documents mark to be run does run."""

from __future__ import annotations

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
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import httpx
import pytest
from httpx_sse import aconnect_sse
from playwright.async_api import Browser

from dashboard.web.routing import MAX_BODY
from tests.commands.running import until
from tests.documents import (
    WRITTEN,
    Block,
    marked,
)
from tests.needs import need
from tests.serving import Server, running_server
from tests.web.conftest import until_all_are_in, until_ready

LIVE = "system_load_1m"
"""What every example that goes on for ever prints sooner or later."""

LAST = "system_cpu_total_utilization_ratio"
"""Comes after all others that examples ask for, as a share of the time between two looks."""

DEADLINE = 20.0


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    """A server for all examples."""
    with running_server() as running:
        until_all_are_in(running)
        until(
            lambda: httpx.get(f"{running.url}/api/v1/latest", params={"match": LAST}, timeout=DEADLINE).json()["result"]
        )
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
        async with httpx.AsyncClient(base_url=server.url, timeout=DEADLINE) as client:
            found: list[Any] = []
            deadline = time.monotonic() + DEADLINE
            while not found:
                assert time.monotonic() < deadline, server.log()
                found = (await client.get("/api/v1/latest", params={"match": "waiting_files"})).json()["result"]
                await asyncio.sleep(0.05)
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


async def _listens(socket: Path) -> bool:
    """Tell whether a socket is taken care of: its file is there a moment before."""
    try:
        _, writer = await asyncio.open_unix_connection(socket)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def _use(socket: Path, prefix: str, process: subprocess.Popen[bytes]) -> None:
    """Look at a page through a proxy, push, and see the event of it."""
    origin = "http://dash.example.com"
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    async with httpx.AsyncClient(transport=transport, base_url=origin + prefix, timeout=DEADLINE) as client:
        deadline = time.monotonic() + DEADLINE
        while not await _listens(socket):
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
