"""sse-starlette on uvicorn, newest of the package index, in an environment of its own.

It is given events one by one, as it takes them, and writes each by itself.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from bench.peer import Peer, Serving, free_port, listening
from bench.server import ROOT, started, until

PACKAGES = ("sse-starlette", "starlette", "uvicorn")
PROGRAM = """\
import asyncio, gc, sys

import uvicorn
from bench import replay
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.routing import Route

PORT, FEED = int(sys.argv[1]), sys.argv[2]
queues = set()


async def events(request):
    async def written():
        queue = asyncio.Queue(16)
        queues.add(queue)
        try:
            while True:
                for event in await queue.get():
                    yield event
        finally:
            queues.discard(queue)

    return EventSourceResponse(written(), sep="\\n")


async def tick():
    for due, frames in replay.writes(FEED):
        await asyncio.sleep(replay.left(due))
        events = [replay.FIELDS.fullmatch(frame).groupdict() for frame in frames]
        for queue in list(queues):
            if not queue.full():
                queue.put_nowait(events)


async def main():
    app = Starlette(routes=[Route("/events", events)])
    server = uvicorn.Server(uvicorn.Config(app, port=PORT, log_level="warning", access_log=False, loop="asyncio"))
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    await asyncio.gather(server.serve(), tick())


asyncio.run(main())
"""


@cache
def _python() -> Path | str:
    """Return the interpreter of an environment with the packages, or what kept it from being made."""
    folder = Path(mkdtemp(prefix="bench-sse-starlette-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    python = folder / "bin" / "python"
    for command in ([sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "--quiet", *PACKAGES]):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode:
            return f"sse-starlette cannot be installed: {done.stderr.strip().splitlines()[-1:]}"
    return python


@contextmanager
def _serving(folder: Path, core: int, feed: Path) -> Iterator[Serving]:
    program, log, port = folder / "server.py", folder / "starlette.log", free_port()
    program.write_text(PROGRAM)
    command = [str(_python()), str(program), str(port), str(feed)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with started(command, log, environment, core) as process:
        until(lambda: listening(port), process, log)
        yield Serving(process.pid, f"http://127.0.0.1:{port}/events")


def _lacks() -> str | None:
    found = _python()
    return found if isinstance(found, str) else None


PEER = Peer("sse-starlette", _lacks, _serving)
