"""An idle Netdata of Debian's package: in the foreground, on loopback, in folders of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench.server import started, until

SETTINGS = """\
[global]
    run as user = root
[directories]
    config = {folder}/config
    cache = {folder}/cache
    lib = {folder}/lib
    log = {folder}/log
[web]
    bind to = 127.0.0.1:{port}
"""


@contextmanager
def idling(program: Path, folder: Path) -> Iterator[int]:
    """Run Netdata as packaged, but for its folders and port; enter with its process id once it answers."""
    for name in ("config", "cache", "lib", "log"):
        (folder / name).mkdir(parents=True)
    (folder / "config" / ".opt-out-from-anonymous-statistics").touch()
    port = _free_port()
    config = folder / "config" / "netdata.conf"
    config.write_text(SETTINGS.format(folder=folder, port=port))
    log = folder / "netdata.log"
    with started([str(program), "-D", "-c", str(config)], log, dict(os.environ)) as process:
        until(lambda: _answers(port), process, log)
        yield process.pid


def _answers(port: int) -> bool | None:
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/v1/info", timeout=1) as response:
            return bool(response.status == 200) or None
    except (URLError, TimeoutError, ConnectionError):
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
