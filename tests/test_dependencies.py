"""What the program imports is what it says that it needs, in the versions that it was made for."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from checks.floors import imports

ROOT = Path(__file__).parent.parent


def dependencies() -> list[str]:
    """Return what the program says that it needs to run."""
    return list(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"])


@pytest.mark.parametrize("declared", dependencies())
def test_no_library_is_taken_in_a_version_that_nobody_has_tried(declared: str) -> None:
    """One that was made anew may do without what is relied on here."""
    assert re.search(r"<[0-9]|==[0-9]", declared), f"{declared} has no upper end"


def test_every_library_that_is_imported_is_declared() -> None:
    declared = {re.split(r"[<>=]", name)[0].lower() for name in dependencies()}
    providers = packages_distributions()
    for one in imports(ROOT / "dashboard"):
        library = one.target.partition(".")[0]
        if library == "dashboard" or library in sys.stdlib_module_names:
            continue
        names = {name.lower().replace("_", "-") for name in providers[library]}
        assert names & declared, f"{one.file}:{one.line}: {library} is no dependency in pyproject.toml"
