"""A real Caddy in front of a real server, on a free port of loopback.

::

    with running_caddy(f"reverse_proxy 127.0.0.1:{server.port}") as port:
        httpx.get(f"http://127.0.0.1:{port}/healthz")
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.needs import need
from tests.nginx import DEADLINE, free_port, until_listening


@contextmanager
def running_caddy(site: str) -> Iterator[int]:
    """Run Debian's Caddy with `site` as what the braces of its one site hold; yield its port."""
    program = need("caddy")
    with free_port() as port, TemporaryDirectory(prefix="caddy-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n}}\nhttp://:{port} {{\n\tbind 127.0.0.1\n{site}\n}}\n")
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [program, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"],
                env={**os.environ, "HOME": name, "XDG_DATA_HOME": name, "XDG_CONFIG_HOME": name},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            until_listening(process, port, folder / "log")
            yield port
        finally:
            process.kill()  # asked to end, it would wait for streams that are open
            process.wait(DEADLINE)
