"""A Prometheus with a folder of its own, which is sent samples by its remote write."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.peer import free_port, listening
from bench.server import Server, started, until
from dashboard.column import varint

WRITE = "/api/v1/write"
HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_LITERAL = 65_536  # bytes of one piece


@contextmanager
def running(program: Path, folder: Path) -> Iterator[Server]:
    """Run it as packaged, without anything to scrape; it keeps samples for 60 days."""
    folder.mkdir(parents=True)
    config, log, port = folder / "prometheus.yml", folder / "prometheus.log", free_port()
    config.write_text("global: {}\n")
    command = [
        str(program),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=60d",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--web.enable-admin-api",
    ]
    with started(command, log, dict(os.environ)) as process:
        until(lambda: listening(port), process, log)
        until(lambda: "Server is ready" in log.read_text() or None, process, log)
        yield Server(process.pid, f"http://127.0.0.1:{port}")


def version(program: Path) -> str:
    """Return name and version as it tells them."""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)
    words = (told.stdout or told.stderr).split()
    return f"{words[0].title()} {words[2].rstrip(',')}"


def packed(labels: dict[str, str]) -> bytes:
    """Pack a series' labels for `body`; its name is the label `__name__`."""
    return b"".join(
        _field(1, _field(1, key.encode()) + _field(2, text.encode())) for key, text in sorted(labels.items())
    )


def body(series: Sequence[bytes], times: Sequence[int], values: Sequence[Sequence[float]]) -> bytes:
    """Return the body of a remote write: of each series its values at the times, in milliseconds."""
    stamps = [b"\x10" + varint(time) for time in times]
    parts = []
    for one, column in zip(series, values, strict=True):
        samples = (
            _field(2, b"\x09" + struct.pack("<d", value) + stamp) for value, stamp in zip(column, stamps, strict=True)
        )
        parts.append(_field(1, one + b"".join(samples)))
    return _snappy(b"".join(parts))


def _snappy(data: bytes) -> bytes:
    """Return data in the block format of Snappy, all as literals: what is not compressed costs the receiver least."""
    parts = [varint(len(data))]
    for at in range(0, len(data), _LITERAL):
        piece = data[at : at + _LITERAL]
        parts += (b"\xf4", struct.pack("<H", len(piece) - 1), piece)
    return b"".join(parts)


def _field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(data)) + data
