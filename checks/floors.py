"""Imports go downward only: which floor each room of the house is on, and who breaks the rule.

A room is a module or package directly under `dashboard/`. Imports for types alone, and imports inside functions, count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = "dashboard"

FLOORS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "model",
            "errors",
            "clock",
            "column",
            "drawing",
            "output",
            "plain",
            "points",
            "rolled",
            "tiers",
            "selector",
            "blind",
            "storing",
            "strain",
            "tally",
            "toml_lines",
            "toml_text",
        }
    ),
    frozenset(
        {
            "promptness",
            "raster",
            "raster_child",
            "config",
            "datadir",
            "settings_file",
            "table",
            "boards",
            "events",
            "eventlog",
            "filters",
            "sse",
            "exposition",
            "archive",
            "schema",
            "sqlite",
            "reserve",
            "annotations",
            "aside",
            "blindlog",
            "copies",
            "disk",
            "diskarchive",
            "diskfault",
            "readers",
            "shelf",
            "rules",
            "certificate",
            "child",
            "client",
            "log_handler",
        }
    ),
    frozenset({"broadcaster", "window", "collectors", "history", "ingest", "ownlog", "recent", "reload", "reporter"}),
    frozenset({"pipeline"}),
    frozenset({"runtime", "startup"}),
    frozenset({"web", "cli", "commands", "terminal", "__main__"}),
)
"""Rooms by floor. A room imports from floors below and from its own, without cycles."""

APART = 2
"""The floor whose rooms do not know each other: they meet through Protocols."""

ONLY_IN: dict[str, frozenset[str]] = {
    "click": frozenset({"cli", "commands", "terminal"}),
    "httpx": frozenset({"client"}),
    "hypercorn": frozenset({"web"}),
    "psutil": frozenset({"collectors"}),
    "quart": frozenset({"web"}),
    "resvg_py": frozenset({"raster_child"}),
    "werkzeug": frozenset({"web"}),
}
"""Libraries that only some rooms know."""


@dataclass(frozen=True)
class Import:
    """One import: in which file and line, and the dotted name of what it takes."""

    file: Path
    line: int
    target: str


def imports(package: Path) -> Iterator[Import]:
    """Yield every import in the files under `package`, relative ones resolved."""
    for file in sorted(package.rglob("*.py")):
        here = (package.name, *file.relative_to(package).with_suffix("").parts)
        parent = here[:-1]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
            if isinstance(node, ast.Import):
                yield from (Import(file, node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = list(parent[: len(parent) - node.level + 1]) if node.level else []
                base += node.module.split(".") if node.module else []
                if base == [package.name]:
                    yield from (Import(file, node.lineno, f"{package.name}.{alias.name}") for alias in node.names)
                else:
                    yield Import(file, node.lineno, ".".join(base))


def faults(package: Path) -> list[str]:
    """Return what breaks the rule in `package`, as `file:line: what`."""
    found: list[str] = []
    floors = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    graph: dict[str, set[str]] = {}
    for entry in sorted(package.iterdir()):
        room = entry.stem
        is_room = entry.suffix == ".py" or (entry / "__init__.py").is_file()
        if is_room and room != "__init__" and room not in floors:
            found.append(f"{entry}: {room} is on no floor; give it one in checks/floors.py")
    for one in imports(package):
        where = f"{one.file}:{one.line}"
        room = _room(one.file, package)
        library, _, rest = one.target.partition(".")
        if library != package.name:
            rooms = ONLY_IN.get(library)
            if rooms is not None and room not in rooms:
                found.append(f"{where}: {library} is known only to {', '.join(sorted(rooms))}")
            continue
        other = rest.partition(".")[0]
        if other not in floors or room == other:
            continue  # the package itself, which holds no more than the version, or a room's own inside
        graph.setdefault(room, set()).add(other)
        if room not in floors:
            continue
        if floors[other] > floors[room]:
            found.append(f"{where}: {room} (floor {floors[room]}) imports {other} (floor {floors[other]}) above it")
        elif floors[other] == floors[room] == APART:
            found.append(
                f"{where}: {room} imports {other}, its neighbour on floor {APART}: let them meet by a Protocol"
            )
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found.append(f"{package}: these rooms import in a circle: {' → '.join(error.args[1])}")
    return found


def _room(file: Path, package: Path) -> str:
    return Path(file.relative_to(package).parts[0]).stem
