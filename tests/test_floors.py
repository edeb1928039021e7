"""Imports in the program go downward only, and the check that says so sees what it should."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.floors import faults

ROOT = Path(__file__).parent.parent


def house(folder: Path, files: dict[str, str]) -> Path:
    """Write a package named `dashboard` with these files."""
    package = folder / "dashboard"
    for name, text in {"__init__.py": "", **files}.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    return package


def test_the_program_keeps_to_its_floors() -> None:
    assert faults(ROOT / "dashboard") == []


def test_imports_downward_within_a_floor_and_inside_a_room_are_fine(tmp_path: Path) -> None:
    package = house(
        tmp_path,
        {
            "errors.py": "",
            "model.py": "from dashboard.errors import X",
            "web/__init__.py": "import quart\nfrom .app import y\nfrom dashboard import __version__, model",
            "web/app.py": "from dashboard.web import z",
            "cli.py": "import click\nfrom dashboard import web",
        },
    )
    assert faults(package) == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"model.py": "from dashboard.runtime import x"}, "model (floor 0) imports runtime (floor 4)"),
        ({"model.py": "from dashboard import cli"}, "model (floor 0) imports cli (floor 5)"),
        ({"model.py": "from . import cli"}, "model (floor 0) imports cli (floor 5)"),
        ({"model.py": "def f():\n    import dashboard.web.app"}, "model.py:2: model (floor 0) imports web (floor 5)"),
        (
            {"sse.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from dashboard.pipeline import x"},
            "sse.py:3: sse (floor 1) imports pipeline (floor 3)",
        ),
        ({"collectors/cpu.py": "from ..window import Window"}, "its neighbour on floor 2"),
        ({"model.py": "import dashboard.errors", "errors.py": "import dashboard.model"}, "in a circle"),
        ({"pipeline.py": "import quart.typing"}, "quart is known only to web"),
        ({"web/app.py": "import psutil"}, "psutil is known only to collectors"),
        ({"attic.py": ""}, "attic is on no floor"),
    ],
)
def test_what_breaks_the_rule_is_named(tmp_path: Path, files: dict[str, str], said: str) -> None:
    found = faults(house(tmp_path, files))
    assert len(found) == 1
    assert said in found[0]
