"""Finds collectors by their place: this folder's modules, then the Python files of the setting `collectors_dir`."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

import dashboard.collectors
from dashboard import plain
from dashboard.collectors import CollectorState, Family
from dashboard.collectors.itself import Itself
from dashboard.collectors.lane import MAX_ERROR, MAX_SERIES
from dashboard.config import CollectorSetting, Settings
from dashboard.errors import CollectorError
from dashboard.model import NAME
from dashboard.rules import outlasts
from dashboard.table import nearest, shown

IMPORT_PATIENCE = 5.0
"""Seconds that all files have, from the last one's beginning on, to be imported and to create their collectors."""

HEAD_START = 0.2
"""Seconds after which the next file of the folder is begun, beside one that takes longer."""

MAX_HELP = 1_000
"""Characters of a family's help text at most."""

_LATE = f"was not imported within {IMPORT_PATIENCE:g} s; move endless work into collect()"


@dataclass(frozen=True)
class LoadedCollector:
    """A collector as it was found, with the settings' interval and bound applied."""

    name: str
    interval: float | None
    families: Sequence[Family]
    collect: Callable[[], Any]
    may_block: bool = False
    built_in: bool = True
    max_series: int = MAX_SERIES


class LoadFault(msgspec.Struct, frozen=True):
    """A collector that could not be loaded; the others were."""

    name: str
    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line is not None else self.path
        return f"{where}: {self.message}"

    def state(self, instance: str, since: float) -> CollectorState:
        """Return it as the state of a collector that failed at Unix second `since`."""
        return CollectorState(
            name=self.name,
            source=f"{instance}/{self.name}",
            state="failed",
            interval=None,
            since=since,
            error=str(self),
            failures=1,
        )


class Candidate(msgspec.Struct, frozen=True):
    """A module that may hold a collector, not imported yet."""

    name: str
    path: str
    module: Callable[[], ModuleType]
    built_in: bool


def load(settings: Settings) -> tuple[list[LoadedCollector], list[LoadFault]]:
    """Import every collector that the settings leave on.

    One that does not suit this machine is left out silently; one that is faulty is left out and told of. It
    imports files that anyone may have written: what takes longer than `HEAD_START` goes on beside the others, and none
    is waited for longer than `IMPORT_PATIENCE`.
    """
    chosen = {entry.name: entry for entry in settings.collector}
    collectors: list[LoadedCollector] = []
    faults: list[LoadFault] = []
    begun: list[tuple[str, Candidate, Future[LoadedCollector | None]]] = []
    known = {Itself.name}
    for candidate in (*_built_in(), *_from_folder(settings.collectors_dir, faults)):
        name = candidate.name
        setting = chosen.get(name, CollectorSetting(name=name))
        if setting.enabled and name in known:
            # By another name, so that it is not taken for the one that has this.
            begun.append((f"{name}.py", candidate, _begun(partial(_refuse, name))))
        elif setting.enabled:
            begun.append((name, candidate, _begun(partial(_made, candidate, setting, settings))))
            # Ours one after the other, for threads and imports at the same time cost memory.
            wait([begun[-1][2]], IMPORT_PATIENCE if candidate.built_in else HEAD_START)
        known.add(name)
    wait([future for *_, future in begun], IMPORT_PATIENCE)
    families: dict[str, tuple[Family, str]] = {}
    for name, candidate, future in begun:
        error = future.exception() if future.done() else CollectorError(_LATE)
        if error is None and (collector := future.result()) is not None:
            try:
                _claim(collector, families)
                collectors.append(collector)
            except CollectorError as refused:
                error = refused
        if error is not None:
            faults.append(_fault(name, candidate.path, error))
    return collectors, faults


def unknown(settings: Settings) -> tuple[int, str] | None:
    """Return the place of the first `[[collector]]` that names none, and what to say of it; nothing foreign is run."""
    modules = [(candidate.name, candidate.module()) for candidate in _built_in()]
    names = [name for name, module in modules if hasattr(module, "create") or hasattr(module, "collect")]
    names += [Itself.name, *(candidate.name for candidate in _from_folder(settings.collectors_dir, []))]
    for index, setting in enumerate(settings.collector):
        if setting.name not in names:
            return (
                index,
                f"there is no collector {shown(setting.name)}; the nearest is {shown(nearest(setting.name, names))}",
            )
    return None


def built_in_families() -> Iterator[tuple[str, Family]]:
    """Yield every built-in collector's name with each of its families, whether this machine has it or not."""
    for candidate in _built_in():
        for family in getattr(candidate.module(), "FAMILIES", ()):
            yield candidate.name, family
    for family in Itself.families:
        yield Itself.name, family


def _built_in() -> Iterator[Candidate]:
    package = dashboard.collectors
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda entry: entry.name):
        if not found.name.startswith("_"):
            name = f"{package.__name__}.{found.name}"
            yield Candidate(found.name, name, partial(importlib.import_module, name), built_in=True)


def unreadable(folder: Path | None) -> LoadFault | None:
    """Return what keeps the setting `collectors_dir` from being read; None if nothing does, or there is none."""
    faults: list[LoadFault] = []
    list(_from_folder(folder, faults))
    return faults[0] if faults else None


def _from_folder(folder: Path | None, faults: list[LoadFault]) -> Iterator[Candidate]:
    if folder is None:
        return
    try:
        # From the root on, as tracebacks name them.
        found = [path.absolute() for path in folder.iterdir()]
        paths = sorted(path for path in found if path.suffix == ".py" and path.name[0] not in "._")
    except OSError as error:
        faults.append(LoadFault("collectors_dir", str(folder), None, f"cannot be read: {error.strerror}"))
        return
    for path in paths:
        yield Candidate(path.stem, str(path), partial(_imported, path), built_in=False)


def _imported(path: Path) -> ModuleType:
    name = f"dashboard_collectors_dir.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CollectorError("is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and typing look their module up there while its body runs.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _made(candidate: Candidate, setting: CollectorSetting, settings: Settings) -> LoadedCollector | None:
    found = _found(candidate, settings)
    return _checked(found, candidate, setting, settings) if found is not None else None


def _found(candidate: Candidate, settings: Settings) -> object | None:
    module = candidate.module()
    if hasattr(module, "create"):
        made: object | None = module.create(settings)
        return made
    if hasattr(module, "collect"):
        return module
    if candidate.built_in:
        return None
    raise CollectorError("has neither collect() nor create(settings)")


def _refuse(name: str) -> None:
    raise CollectorError(f"a collector named {name!r} is there already; rename the file")


def _begun(make: Callable[[], LoadedCollector | None]) -> Future[LoadedCollector | None]:
    future: Future[LoadedCollector | None] = Future()

    def attempt() -> None:
        try:
            future.set_result(make())
        # Even sys.exit() is that file's fault and no one else's, and so is KeyboardInterrupt in this thread.
        except BaseException as error:
            future.set_exception(error)

    try:
        threading.Thread(target=attempt, name="collector-import", daemon=True).start()
    except RuntimeError as error:
        future.set_exception(error)
    return future


def _checked(found: object, candidate: Candidate, setting: CollectorSetting, settings: Settings) -> LoadedCollector:
    collect = getattr(found, "collect", None)
    if not callable(collect):
        raise CollectorError("what create(settings) returned has no collect()")
    families = getattr(found, "families", None)
    if not isinstance(families, (list, tuple)) or not all(isinstance(family, Family) for family in families):
        raise CollectorError("needs families = [Family(name, type, unit, help), …]")
    for family in families:
        if NAME.fullmatch(family.name) is None:
            raise CollectorError(f"{family.name!r} is not a metric's name: letters, digits and '_'")
        if not isinstance(family.help, str) or not isinstance(family.unit, str):
            raise CollectorError(f"{family.name}: unit and help are texts")
        if family.type not in ("gauge", "counter", "histogram"):
            raise CollectorError(f"{family.name}: type {family.type!r} is neither gauge, counter nor histogram")
    interval = getattr(found, "interval", None) if setting.interval is None else setting.interval
    if interval is not None and not (isinstance(interval, (int, float)) and 0.1 <= interval <= 3600):
        raise CollectorError(f"interval must be from 0.1 to 3600 seconds, not {interval!r}")
    if interval is not None and (fault := outlasts(interval, settings.window)) is not None:
        raise CollectorError(f"interval {fault}")
    may_block = bool(getattr(found, "may_block", False))
    known = tuple(msgspec.structs.replace(family, help=plain.line(family.help, MAX_HELP)) for family in families)
    return LoadedCollector(
        candidate.name, interval, known, collect, may_block, candidate.built_in, max_series=settings.max_series
    )


def _claim(collector: LoadedCollector, families: dict[str, tuple[Family, str]]) -> None:
    for family in collector.families:
        first, owner = families.setdefault(family.name, (family, collector.name))
        if first != family:
            raise CollectorError(f"the family {family.name} is declared differently by the collector {owner!r}")


def _fault(name: str, path: str, error: BaseException) -> LoadFault:
    said = plain.error(error, MAX_ERROR)
    if isinstance(error, CollectorError):
        return LoadFault(name, path, None, said)
    if isinstance(error, SyntaxError):
        return LoadFault(name, error.filename or path, error.lineno, f"SyntaxError: {error.msg}")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return LoadFault(
        name,
        path,
        frames[-1].lineno if frames else None,
        f"{type(error).__name__}: {said}" if said else type(error).__name__,
    )
