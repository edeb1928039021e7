"""Node's own HTTP server: each response is written the same string."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peer import EVENT_BYTES, Peer, Serving, free_port, listening
from bench.server import started, until

PROGRAM = """\
import { createServer } from "node:http";

const [port, size] = process.argv.slice(2).map(Number);
const viewers = new Set();

createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  response.flushHeaders();
  viewers.add(response);
  request.on("close", () => viewers.delete(response));
}).listen(port, "127.0.0.1", 2048);

function tick() {
  const now = Date.now();
  const head = `{"id":"${now}-0","timestamp":${now / 1000},"text":"`;
  const event = `id: ${now}-0\\ndata: ${head}${"x".repeat(size - head.length - 2)}"}\\n\\n`;
  for (const response of viewers) response.write(event);
  setTimeout(tick, 1000 - (Date.now() % 1000));
}
setTimeout(tick, 1000 - (Date.now() % 1000));
"""


@contextmanager
def _serving(folder: Path, core: int) -> Iterator[Serving]:
    program, log, port = folder / "server.mjs", folder / "node.log", free_port()
    program.write_text(PROGRAM)
    with started(["node", str(program), str(port), str(EVENT_BYTES)], log, dict(os.environ), core) as process:
        until(lambda: listening(port), process, log)
        yield Serving(process.pid, f"http://127.0.0.1:{port}/events")


def _lacks() -> str | None:
    return None if shutil.which("node") else "node is not on the path: apt-get install nodejs"


PEER = Peer("Node http", _lacks, _serving)
