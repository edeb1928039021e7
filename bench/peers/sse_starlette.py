"""sse-starlette on uvicorn, newest of the package index, in an environment of its own."""

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

from bench.peer import EVENT_BYTES, Peer, Serving, free_port, listening
from bench.server import started, until

PACKAGES = ("sse-starlette", "starlette", "uvicorn")
PROGRAM = """\
import asyncio, gc, json, sys, time

import uvicorn
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.routing import Route

PORT, SIZE = int(sys.argv[1]), int(sys.argv[2])
queues = set()


async def events(request):
    async def written():
        queue = asyncio.Queue(16)
        queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            queues.discard(queue)

    return EventSourceResponse(written(), sep="\\n")


async def tick():
    while True:
        await asyncio.sleep(1 - time.time() % 1)
        now = time.time()
        id = f"{int(now * 1000)}-0"
        head = f'{{"id":"{id}","timestamp":{now},"text":'
        data = f"{head}{json.dumps('x' * (SIZE - len(head) - 3))}}}"
        for queue in list(queues):
            if not queue.full():
                queue.put_nowait({"id": id, "data": data})


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
def _serving(folder: Path, core: int) -> Iterator[Serving]:
    program, log, port = folder / "server.py", folder / "starlette.log", free_port()
    program.write_text(PROGRAM)
    command = [str(_python()), str(program), str(port), str(EVENT_BYTES)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with started(command, log, environment, core) as process:
        until(lambda: listening(port), process, log)
        yield Serving(process.pid, f"http://127.0.0.1:{port}/events")


def _lacks() -> str | None:
    found = _python()
    return found if isinstance(found, str) else None


PEER = Peer("sse-starlette", _lacks, _serving)
