"""Static files as they go over the wire."""

from __future__ import annotations

import gzip
import re
import subprocess
from pathlib import Path

import pytest

from dashboard.web.assets import Assets, folder
from tests.needs import need
from tests.serving import changed_copy

SCRIPTS = sorted(file.relative_to(folder("static")) for file in folder("static").glob("js/**/*.js"))


CAST = re.compile(r"/\*\* @(?:type|satisfies) .*?\*/ ?")
"""The types of single values."""


@pytest.mark.parametrize("name", [str(name) for name in SCRIPTS])
def test_a_packed_script_is_the_same_program_with_the_same_line_numbers(name: str, tmp_path: Path) -> None:
    """Only documentation and comments are left out: what remains parses, and each line kept stands where it stood."""
    root = folder("static")
    packed = gzip.decompress(Assets(root).pack(name)).decode()
    original = (root / name).read_text("utf-8")
    lines, kept = CAST.sub("", original).splitlines(), packed.splitlines()
    assert len(lines) == len(kept)
    assert all(line in ("", was) for line, was in zip(kept, lines, strict=True))
    dropped = [was.strip() for line, was in zip(kept, lines, strict=True) if line != was and was.strip()]
    assert all(line.startswith(("/**", "*", "//")) for line in dropped)
    place = tmp_path / "script.mjs"
    place.write_text(packed, "utf-8")
    subprocess.run([need("node"), "--check", str(place)], check=True, capture_output=True)


def test_modules_are_sent_joined_as_long_as_that_is_what_they_are(tmp_path: Path) -> None:
    """A module that has a joined form is named by it; one script that was changed, and each is sent as it stands."""
    made = Assets(folder("static"))
    assert made.joined
    assert made.url("/x", "js/main.js") == f"/x/static/{made.version}/built/main.js"
    assert made.url("", "js/status.js") == f"/static/{made.version}/js/status.js"
    assert made.kept(made.url("", "js/main.js"), b"gzip") is not None
    changed_copy(tmp_path)
    changed = Assets(tmp_path / "static")
    assert not changed.joined and changed.version != made.version
    assert changed.url("", "js/main.js") == f"/static/{changed.version}/js/main.js"
