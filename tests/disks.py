"""Real file systems that are small, so that a test can fill them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.needs import cannot_run


@contextmanager
def small(place: Path, size: str) -> Iterator[Path]:
    """Mount a file system of so many bytes (`1m`) at a new folder."""
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        cannot_run(f"a small file system ({made.stderr.strip()})", "sudo make test")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path) -> Path:
    """Leave nothing free; return the file whose deletion gives the room back."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        found = os.statvfs(disk)
        os.posix_fallocate(file.fileno(), 0, max(1, found.f_bavail * found.f_frsize - 65_536))
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)) == 4096:
            pass
    return filler


def remount(disk: Path, how: str) -> None:
    """Mount it anew, `ro` or `rw`."""
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)
