"""A real nginx in front of a real server, on a free port of loopback.

::

    with running_nginx("server { listen 80; location / { proxy_pass %s; } }" % server.url) as nginx:
        httpx.get(f"{nginx.url}/healthz")
"""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.needs import need

DEADLINE = 20.0

_LISTEN = re.compile(r"\blisten (?:80|443)\b")


class Nginx:
    """One nginx that listens: its port, and what it logged."""

    def __init__(self, port: int, log: Path) -> None:
        self.port, self._log = port, log

    @property
    def url(self) -> str:
        """Its address without TLS."""
        return f"http://127.0.0.1:{self.port}"

    def log(self) -> str:
        """Return what it complained about."""
        return self._log.read_text()


@contextmanager
def running_nginx(http: str) -> Iterator[Nginx]:
    """Run Debian's nginx with `http` as what its http block holds besides Debian's own defaults.

    `listen 80` and `listen 443` become a free port of loopback.
    """
    program = need("nginx")
    with free_port() as port, TemporaryDirectory(prefix="nginx-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _configure(folder, _LISTEN.sub(f"listen 127.0.0.1:{port}", http))
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [program, "-e", "stderr", "-p", name, "-c", folder / "nginx.conf"],
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        try:
            until_listening(process, port, folder / "log")
            yield Nginx(port, folder / "log")
        finally:
            process.terminate()
            process.wait(DEADLINE)


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """Make a certificate that signs itself, for `name` and 127.0.0.1; return its file and that of its key."""
    openssl = need("openssl")
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(cert)]
    command = [str(openssl), "req", "-x509", *curve, "-nodes", "-days", "2", *names, *files]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def _configure(folder: Path, http: str) -> None:
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
        f"events {{ worker_connections 4096; }}\n"
        f"http {{\naccess_log off;\n{temporary}sendfile on;\ntcp_nopush on;\ngzip on;\n{http}\n}}\n"
    )


@contextmanager
def free_port() -> Iterator[int]:
    """Keep a port of loopback for a program that takes it with SO_REUSEADDR: nobody is given it by chance meanwhile."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", 0))
        yield int(one.getsockname()[1])


def until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when a proxy takes connections; raise AssertionError with its log when it does not."""
    deadline = time.monotonic() + DEADLINE
    while True:
        assert process.poll() is None, f"the proxy ended: {log.read_text()}"
        assert time.monotonic() < deadline, f"the proxy does not listen: {log.read_text()}"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
