"""What others wrote is fetched when it is needed, is what it was, and is no part of the sources."""

from __future__ import annotations

import json
import lzma
import os
import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent

MADE = {"node_modules", "vendor", "built", "build", "dist", "__pycache__"}
"""Folders of what was fetched or made; those that begin with a dot are too, but for these."""
OWN_DOTS = {".ci", ".gitignore", ".npmrc"}
USERS = {"collectors", "dashboard.toml"}
"""What the users of a clone have in it."""

WRITTEN = {".css", ".html", ".js", ".json", ".md", ".mjs", ".py", ".sql", ".svg", ".toml", ".ts", ".typed"}
"""Endings of what is written by hand, or generated from that; `RECORDED` and pictures come beside it."""
NAMED = {".gitignore", ".npmrc", "LICENSE", "Makefile", "Procfile", "run"}
RECORDED = ("tests/collectors/recorded/", "bench/recording.json.xz")
PICTURES = "docs/images/"

NOT_OURS = re.compile(r"@licen[s]e|@preserve|(?i:copyright) (?:\(c\)|©|[0-9])|sourceMappingURL=")
"""How the code of others begins or ends."""
LONGEST = 1000
"""Characters of a line of code that someone wrote, at most."""

ADDRESS = re.compile(
    r"https?://[^/\s\"'<>]*(?:registry|npm|pypi|pythonhosted|cdn|jsdelivr|unpkg|skypack)", re.IGNORECASE
)
CHOSEN = re.compile(
    r"^\W*(?:npm_config_)?(?:registry|(?:extra-)?index[-_]url|find-links)\s*[=:]", re.MULTILINE | re.IGNORECASE
)
"""How a registry is named to npm, or an index to pip."""


@cache
def files() -> tuple[str, ...]:
    """Return the sources by their paths: what git has; without it all that was neither fetched nor made."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
        found = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        found = []
    return tuple(found or walked())


def walked() -> list[str]:
    """Return all files but those in folders of what is fetched or made."""
    found = []
    for folder, inner, names in os.walk(ROOT):
        place = Path(folder).relative_to(ROOT)
        inner[:] = [name for name in inner if is_own(place, name)]
        found += [
            (place / name).as_posix() for name in names if is_own(place, name) and not Path(folder, name).is_symlink()
        ]
    return found


def is_own(place: Path, name: str) -> bool:
    """Tell whether a file or a folder is neither fetched nor made, nor a user's."""
    strange = name in MADE or "egg-info" in name or (name[0] == "." and name not in OWN_DOTS)
    return not strange and not (name in USERS and not place.parts)


def texts() -> list[tuple[str, str]]:
    """Return every source that is text, with its path."""
    return [(name, written(ROOT / name)) for name in files() if not name.startswith(PICTURES)]


def written(file: Path) -> str:
    """Return what is written in a file, which may be packed."""
    return (lzma.open(file).read() if file.suffix == ".xz" else file.read_bytes()).decode()


def test_all_sources_are_of_kinds_that_are_written_here() -> None:
    assert "pyproject.toml" in files() and len(files()) > 300
    for name in files():
        path = Path(name)
        assert not MADE & set(path.parts), f"{name} was fetched or made"
        if not name.startswith((*RECORDED, PICTURES)):
            assert path.suffix in WRITTEN or path.name in NAMED, f"{name} is of no known kind"
        if name.startswith(PICTURES):
            assert path.suffix == ".png"


def test_no_source_is_the_code_of_others() -> None:
    for name, text in texts():
        if name in ("LICENSE", "tests/test_third_party.py"):
            continue
        found = NOT_OURS.search(text)
        assert found is None, f"{name}: {found}"
        if not name.startswith(RECORDED) and Path(name).suffix in {".js", ".mjs", ".css", ".py", ".ts"}:
            assert max(map(len, text.splitlines()), default=0) <= LONGEST, f"{name} is minified"


def test_what_was_fetched_would_be_taken_for_the_code_of_others() -> None:
    fetched = (ROOT / "static/vendor/chart.umd.min.js").read_text("utf-8")
    assert NOT_OURS.search(fetched) and max(map(len, fetched.splitlines())) > LONGEST


def test_no_source_names_a_registry() -> None:
    """Which one is asked is the affair of whoever builds."""
    for name, text in texts():
        for pattern in (ADDRESS, CHOSEN):
            found = pattern.search(text)
            assert found is None, f"{name}: {found}"


def test_every_package_of_the_lock_file_has_a_hash_and_no_address() -> None:
    wanted = json.loads((ROOT / "package.json").read_bytes())
    packages = json.loads((ROOT / "package-lock.json").read_bytes())["packages"]
    own = packages.pop("")
    for kind in ("dependencies", "devDependencies"):
        assert own[kind] == wanted[kind]
        for name, version in wanted[kind].items():
            assert packages[f"node_modules/{name}"]["version"] == version
    for name, package in packages.items():
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package["integrity"]), name
        assert "resolved" not in package, name


def test_without_git_the_same_sources_are_found() -> None:
    assert {*files()} <= {*walked()}
