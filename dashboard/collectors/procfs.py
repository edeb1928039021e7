"""Reading of the kernel's small text files."""

from __future__ import annotations

from pathlib import Path

PROC = Path("/proc")
SYS = Path("/sys")


def read(path: str | Path) -> str:
    """Return a file's text at once; raise OSError as `open` does."""
    with open(path, "rb", buffering=0) as file:
        return file.read().decode("utf-8", "surrogateescape")


def pairs(text: str) -> dict[str, int]:
    """Read lines of `name value` or `name: value kB`; leave the unit to the caller."""
    found = {}
    for line in text.splitlines():
        fields = line.split(None, 2)
        if len(fields) > 1:
            found[fields[0].rstrip(":")] = int(fields[1])
    return found
