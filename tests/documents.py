"""The documents as tests read them: blocks, sections, anchors.

A fenced block says by the word behind its language what becomes of it: `run` must end well, `live` goes on until it
is ended and must print what it is for, `event` is an event as the program sends it, `collector` is a collector's file.
Wherever a block says http://127.0.0.1:8000 it means the server of the test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
API = (ROOT / "docs/api.md").read_text("utf-8")
PUSHING = (ROOT / "docs/pushing.md").read_text("utf-8")
RUNNING = (ROOT / "docs/running.md").read_text("utf-8")

WRITTEN = "http://127.0.0.1:8000"
"""The address that examples have."""

FENCE = re.compile(r"^```(\S+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, the word behind that, and its text."""

    place: str
    language: str
    mark: str
    text: str


def blocks() -> Iterator[Block]:
    """Yield every fenced block that names a language."""
    for file in DOCS:
        text = file.read_text("utf-8")
        for match in FENCE.finditer(text):
            place = f"{file.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}"
            yield Block(place, match[1], match[2] or "", match[3])


def marked(*kinds: tuple[str, str]) -> pytest.MarkDecorator:
    """Run a test with every block of these languages and marks."""
    found = [block for block in blocks() if (block.language, block.mark) in kinds]
    assert found, f"no block of {kinds}"
    return pytest.mark.parametrize("block", found, ids=lambda block: str(block.place))


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def prose(file: Path) -> str:
    """Return a document without its fenced blocks, where nothing is a link or a heading."""
    return re.sub(r"^```.*?^```$", "", file.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(file: Path) -> set[str]:
    """Return what a link to a heading of this file may say, by the rule of code hosts."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(prose(file)))
    return {word.strip().replace(" ", "-") for word in words}


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next of its level or above."""
    level = heading.partition(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"no heading {heading!r}"
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]
