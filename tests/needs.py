"""What a test needs of the machine: it runs with it, or is listed at the end with the line that brings it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from checks import node
from checks.machine import PROGRAMS

MISSING = "missing: "
"""How the reason of a test begins that could not run; the closing summary lists by it."""


def need(name: str) -> Path:
    """Return where the program `name` of `checks/machine.py` is; without it the test cannot run."""
    program = PROGRAMS[name]
    found = program.find()
    if found is None:
        cannot_run(name, program.mend)
    return found


def need_npm(package: str) -> Path:
    """Return the folder of an npm package of `package-lock.json`, installed on first use."""
    try:
        return node.modules() / package
    except node.NpmError as error:
        cannot_run(f"npm's {package} ({str(error).splitlines()[0]})", "make check")


def cannot_run(what: str, mend: str) -> NoReturn:
    """End the running test: `what` is missing and `mend` brings it. With `REQUIRE_ALL=1` that is a failure."""
    reason = f"{MISSING}{what}; this brings it: {mend}"
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
