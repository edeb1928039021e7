"""What the program imports is what it says that it needs."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from checks.floors import imports

ROOT = Path(__file__).parent.parent


def test_every_library_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[<>=]", name)[0].lower() for name in project["dependencies"]}
    providers = packages_distributions()
    for one in imports(ROOT / "dashboard"):
        library = one.target.partition(".")[0]
        if library == "dashboard" or library in sys.stdlib_module_names:
            continue
        names = {name.lower().replace("_", "-") for name in providers[library]}
        assert names & declared, f"{one.file}:{one.line}: {library} is no dependency in pyproject.toml"
