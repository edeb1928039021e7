"""Node's own HTTP server: each response is written the same string."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import replay
from bench.peer import Peer, Serving, free_port, listening
from bench.server import started, until

PROGRAM = """\
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const [port, path, moment, patience] = process.argv.slice(2);
const { seconds, writes } = JSON.parse(readFileSync(path, "utf8"));
const viewers = new Set();

createServer((request, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  response.flushHeaders();
  viewers.add(response);
  request.on("close", () => viewers.delete(response));
}).listen(Number(port), "127.0.0.1", 2048);

for (let begin = Math.ceil(Date.now() / 1000) * 1000; ; begin += seconds * 1000) {
  for (const [milliseconds, frames] of writes) {
    const due = begin + milliseconds;
    if (Date.now() >= due + patience * 1000) continue;
    await new Promise((resolve) => setTimeout(resolve, Math.max(due - Date.now(), 0)));
    const text = frames.join("").replaceAll(moment, String(due));
    for (const response of viewers) response.write(text);
  }
}
"""


@contextmanager
def _serving(folder: Path, core: int, feed: Path) -> Iterator[Serving]:
    program, log, port = folder / "server.mjs", folder / "node.log", free_port()
    program.write_text(PROGRAM)
    command = ["node", str(program), str(port), str(feed), replay.MOMENT, str(replay.PATIENCE)]
    with started(command, log, dict(os.environ), core) as process:
        until(lambda: listening(port), process, log)
        yield Serving(process.pid, f"http://127.0.0.1:{port}/events")


def _lacks() -> str | None:
    return None if shutil.which("node") else "node is not on the path: apt-get install nodejs"


PEER = Peer("Node http", _lacks, _serving)
