"""Both databases in one file, copied while they are in use, and brought back. Only commands need this."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, NamedTuple

from dashboard import diskfault, schema
from dashboard.aside import doubts, set_aside
from dashboard.datadir import ALIVE, DataDir
from dashboard.errors import StorageError
from dashboard.readers import connect

MIGRATIONS: Mapping[str, Sequence[Sequence[str]]] = {"state.db": schema.STATE, "history.db": schema.HISTORY}
"""The databases, each with the versions that this program knows."""

FORMAT = 1
"""Of the file: a tar archive with this description first, then what it names."""

_ABOUT = "backup.json"
_INSTANCE = "instance"
_CHUNK = 1 << 20
_LATEST = 1e11  # Unix seconds after which nothing is made
_NONSENSE = (AttributeError, EOFError, RecursionError, TypeError)  # what reading something else ends in


class Damaged(StorageError):
    """A copy is not whole."""


class Backup(NamedTuple):
    """What a file holds: when it was made (Unix seconds), and the bytes of each database."""

    made_at: float
    sizes: dict[str, int]


def back_up(folder: Path, file: Path, now: float) -> Backup:
    """Copy the databases of a data folder into a file, both as they are at this moment; the dashboard may go on.

    The file appears when it is whole, and takes the place of one that is there. Raises StorageError.
    """
    names = [name for name in MIGRATIONS if os.path.exists(folder / name)]
    if not names:
        raise StorageError(f"{folder} holds neither state.db nor history.db: name the folder with --data-dir")
    file = file.resolve()
    if os.path.exists(file) and not os.path.isfile(file):
        raise StorageError(f"{file} is no plain file, which a backup could take the place of")
    if file.parent == folder.resolve() and (file.name.startswith(tuple(MIGRATIONS)) or _is_other(file)):
        raise StorageError(f"{file} is the dashboard's own: give the backup another name, or another folder")
    with _faults_of(file), TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as work:
        copies = {name: Path(work) / name for name in names}
        _copy({folder / name: copy for name, copy in copies.items()})
        for name, copy in copies.items():
            _examine_source(copy, name, folder / name)
        made = Backup(now, {name: copy.stat().st_size for name, copy in copies.items()})
        whole = Path(work) / "whole"
        _pack(whole, made, _instance(folder), copies)
        os.replace(whole, file)
        _sync(file.parent)
    return made


def restore(file: Path, folder: DataDir, now: float) -> tuple[Backup, list[Path]]:
    """Bring the databases of a backup back; return what it held, and the files that were set aside for them.

    Raises StorageError, and has changed nothing then, when a dashboard uses the folder, or the file is no whole backup.
    """
    _claim(folder)
    fresh: dict[str, Path] = {}
    try:
        with _faults_of(folder.path):
            made, instance = _unpack(file, folder.path, fresh)
            for name, path in fresh.items():
                _examine(path, name, f"{file} is damaged: {name} in it cannot be read")
            there = [folder.path / name for name in MIGRATIONS if (folder.path / name).exists()]
            aside = [set_aside(path, "replaced", now, 1) for path in there]
            for name, path in fresh.items():
                os.replace(path, folder.path / name)
            _bring_time(folder.path, made.made_at, instance)
            _sync(folder.path)
    finally:
        for path in fresh.values():
            path.unlink(missing_ok=True)
        folder.release()
    return made, aside


def _is_other(file: Path) -> bool:
    """Tell whether there is a file that is none of ours."""
    return file.exists() and not tarfile.is_tarfile(file)


def _copy(files: Mapping[Path, Path]) -> None:
    """Copy databases, each to its own file, as all of them are at one moment."""
    with ExitStack() as stack:
        sources = {path: stack.enter_context(closing(_opened(path))) for path in files}
        for path, source in sources.items():
            with _told(path):
                source.execute("BEGIN")
                source.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on it sees no change
        for path, copy in files.items():
            try:
                with closing(sqlite3.connect(copy)) as target:
                    target.execute("PRAGMA journal_mode = OFF")  # it is thrown away, should this be interrupted
                    target.execute("PRAGMA synchronous = OFF")
                    sources[path].backup(target)
            except sqlite3.Error as error:
                raise StorageError(f"{path} cannot be copied to {copy.parents[1]}: {error}") from error


def _opened(path: Path) -> sqlite3.Connection:
    with _told(path):
        try:
            return connect(path, "rw")
        except sqlite3.OperationalError:
            return connect(path, "ro")  # another user may read it


def _examine(path: Path, name: str, damaged: str) -> None:
    """Raise Damaged with `damaged` when a copy is not whole, or StorageError when it is of a newer program."""
    try:
        with closing(connect(path, "rw")) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise Damaged(f"{damaged} ({error})") from error
    if verdict != "ok":
        raise Damaged(f"{damaged} ({' '.join(verdict.split())})")
    if version > len(MIGRATIONS[name]):
        raise StorageError(f"{name} was written by a newer version of this program: use that")


def _examine_source(copy: Path, name: str, source: Path) -> None:
    """As `_examine`, and have the dashboard check what the copy was made of."""
    try:
        _examine(copy, name, f"{source} is damaged")
    except Damaged as error:
        try:
            doubts(source).touch()
        except OSError as fault:
            raise StorageError(
                f"{error}, and cannot be marked as that ({fault.strerror}): be the user whom the folder belongs to"
            ) from error
        raise StorageError(
            f"{error}: the dashboard sets it aside in a moment, or as soon as it is started; try again then"
        ) from error


def _pack(whole: Path, made: Backup, instance: str, copies: Mapping[str, Path]) -> None:
    about = {"format": FORMAT, "made_at": made.made_at, "instance": instance, "databases": made.sizes}
    note = whole.with_name(_ABOUT)
    note.write_text(json.dumps(about) + "\n", "utf-8")
    with open(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for name, path in {_ABOUT: note, **copies}.items():
                with path.open("rb") as source:
                    tar.addfile(_member(name, path.stat().st_size, made.made_at), source)
                path.unlink()
        out.flush()
        os.fsync(out.fileno())


def _member(name: str, size: int, made_at: float) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, int(made_at), 0o600
    return member


def _unpack(file: Path, folder: Path, fresh: dict[str, Path]) -> tuple[Backup, str]:
    """Put each database beside its place, and note in `fresh` where; return what the file says of itself."""
    try:
        with tarfile.open(file, "r:") as tar:
            made, instance = _about(_part(tar, _ABOUT).read(_CHUNK))
            for name, size in made.sizes.items():
                fresh[name] = folder / f".{name}.restored"
                with _part(tar, name) as source, _private(fresh[name]) as out:
                    shutil.copyfileobj(source, out, _CHUNK)
                    if out.tell() != size:
                        raise ValueError(f"{name} is cut off")
                    out.flush()
                    os.fsync(out.fileno())
    except (tarfile.TarError, ArithmeticError, LookupError, ValueError, *_NONSENSE) as error:
        raise StorageError(f"{file} is no whole backup of a dashboard ({error}); nothing was changed") from error
    except OSError as error:
        if error.filename not in (str(file), file):
            raise
        raise StorageError(f"{file} cannot be read: {error.strerror}") from error
    return made, instance


def _part(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    part = tar.extractfile(name)
    if part is None:
        raise ValueError(f"{name} is no file in it")
    return part


def _about(text: bytes) -> tuple[Backup, str]:
    about = json.loads(text)
    if about["format"] != FORMAT:
        raise ValueError(f"of format {about['format']}, which this version does not know")
    sizes = {str(name): int(size) for name, size in about["databases"].items()}
    if not sizes or not sizes.keys() <= MIGRATIONS.keys():
        raise ValueError("it names other databases")
    made_at = float(about["made_at"])
    if not 0 < made_at < _LATEST:
        raise ValueError(f"made at {made_at:g}, which is no time")
    return Backup(made_at, sizes), str(about["instance"])


def _private(path: Path) -> IO[bytes]:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _claim(folder: DataDir) -> None:
    try:
        folder.claim()
    except StorageError:
        raise StorageError(
            f"{folder.path} is in use by a dashboard: end that first, or name another folder with --data-dir; nothing "
            "was changed"
        ) from None
    except OSError as error:
        raise StorageError(f"{folder.path} cannot be written ({error.strerror}); nothing was changed") from error


def _bring_time(folder: Path, made_at: float, instance: str) -> None:
    """Let the next run know who it is, and that nobody watched since the backup was made."""
    if instance:
        (folder / _INSTANCE).write_text(instance + "\n", "utf-8")
    (folder / ALIVE).touch()
    os.utime(folder / ALIVE, (made_at, made_at))


def _instance(folder: Path) -> str:
    try:
        return (folder / _INSTANCE).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _sync(folder: Path) -> None:
    """Have the names in a folder survive a loss of power."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say of which database a fault is, and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise diskfault.told(path, error) from error


@contextmanager
def _faults_of(path: Path) -> Iterator[None]:
    """Say what cannot be written, and why."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error
