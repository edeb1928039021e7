"""What a fault of SQLite or of the disk below it means, and what to say of it."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from dashboard.errors import StorageError

_NO_ENTRY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH})
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class Damage(Exception):
    """What is in a file is not what was written."""


def is_damage(error: Exception) -> bool:
    """Tell whether the file is not what was written."""
    return isinstance(error, Damage) or _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_of_the_schema(error: Exception) -> bool:
    """Tell whether a statement met other tables than it was written for."""
    return _code(error) == sqlite3.SQLITE_ERROR


def is_of_the_statement(error: Exception) -> bool:
    """Tell whether what was to be written is wrong by itself, whatever the disk does."""
    wrong = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError)
    return isinstance(error, wrong)


def may_be_full(error: Exception) -> bool:
    """Tell whether space may be what lacks; a quota that is used up is an input/output error to SQLite."""
    return _is_full(error) or _code(error) == sqlite3.SQLITE_IOERR


def leaves_the_connection_whole(error: Exception) -> bool:
    """Tell whether a connection may be used after this as before."""
    return _code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)


def told(path: Path, error: Exception) -> StorageError:
    """Return what is wrong with the database at `path`, and what to do."""
    why = error.strerror if isinstance(error, OSError) else error
    if _is_full(error):
        what = "cannot be written, the disk is full: free some space, or name another data_dir"
    elif isinstance(error, OSError) or _code(error) in _NO_ENTRY:
        what = f"cannot be written ({why}): make the folder writable, or name another data_dir"
    elif _code(error) == sqlite3.SQLITE_BUSY:
        what = "is held by another program: end that, or name another data_dir"
    else:
        what = f"cannot be used ({why}): see what the system says of this disk, or name another data_dir"
    return StorageError(f"{path} {what}")


def _is_full(error: Exception) -> bool:
    return _code(error) == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in _NO_SPACE


def _code(error: Exception) -> int | None:
    """Return SQLite's primary code of a fault."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None
