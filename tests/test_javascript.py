"""The units of the page's JavaScript, run by Node.js."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.needs import need

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "tests" / "js").glob("**/*.test.js"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem).removesuffix(".test"))
def test_javascript(file: Path) -> None:
    """Each file of tests/js passes, with nothing skipped, under Node's own test runner."""
    run = subprocess.run(
        [need("node"), "--test", "--test-reporter=tap", file], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "\n# skipped 0\n" in run.stdout and "\n# pass 0\n" not in run.stdout


def test_there_are_some() -> None:
    """The folder is where it was."""
    assert FILES
