"""SQLite files with one writer thread each, group commit, and an own way out of every fault of a disk.

What is written at the same time shares a transaction, and so one wait for the disk. A fault fails what was being
written, is logged once, and everything is tried anew with the next write. A file that is found damaged is set aside.
Several tenants may share a file, each with tables of its own.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from dashboard import diskfault
from dashboard.aside import doubts, set_aside
from dashboard.diskfault import Damage
from dashboard.errors import StorageError
from dashboard.model import Clock
from dashboard.readers import Readers, connect, transaction

log = logging.getLogger("dashboard")
log_of_storing = logging.getLogger("dashboard.storing")

T = TypeVar("T")

MAX_PENDING = 100_000
"""Weight of what waits for a disk at most; what comes on top is refused."""

MAX_GROUP = 5_000
"""Weight of what shares a transaction at most."""

MAX_ASIDE = 3
"""Damaged files that are kept, unless someone says otherwise."""

PATIENCE = 10.0
"""Seconds that a reader waits for the file to be opened."""

HANGING = 10.0
"""Seconds after which a disk that is still busy with one transaction is told of."""


class Guard(Protocol):
    """Who knows the disk that a file lies on. All three are called on the writer's thread."""

    def claim(self) -> None:
        """Raise StorageError or OSError when the file is not ours; asked before it is opened, and every transaction."""
        ...

    def allow(self) -> None:
        """Raise StorageError when nothing may be written now; asked before every transaction."""
        ...

    def make_room(self) -> bool:
        """Free some of a full disk and return whether that is worth another try."""
        ...


class Tenant(Protocol):
    """Who has tables in a database. Both are called on the writer's thread, for one tenant after the other."""

    def opened(self, connection: sqlite3.Connection) -> None:
        """Look at the file that was just opened, inside a transaction."""
        ...

    def lost(self) -> None:
        """Learn that all that was written is gone; `opened` comes next."""
        ...


class Job(NamedTuple):
    """One write: `run` may be called again after a rollback; `done` follows its commit, before the future."""

    run: Callable[[sqlite3.Connection], None]
    done: Callable[[], None]
    weight: int
    future: Future[None]


class Database:
    """One file. Nothing is opened, and no thread runs, before the first write or read."""

    def __init__(
        self,
        path: Path,
        guard: Guard,
        clock: Clock,
        migrations: Sequence[Sequence[str]],
        *,
        safe: bool,
        max_aside: int = MAX_ASIDE,
        passing: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`migrations` are the statements that lead from each version to the next.

        With `safe` each commit survives a loss of power, and the whole file is checked when it is opened; without,
        the last commits may be gone after one, and the file is whole all the same. Of damaged files the last
        `max_aside` stay. `passing` is called in the writer's thread with the name of each place at which the file is
        about to change or has just changed: tests kill there.
        """
        self.path, self._guard, self._clock, self._migrations, self._safe = path, guard, clock, migrations, safe
        self._max_aside, self._passing = max_aside, passing
        self._tenants: list[Tenant] = []
        self._news = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._pending = 0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._opened = False
        self._fault: Exception | None = None
        self._begun: float | None = None
        self._suspected = False
        self._connection: sqlite3.Connection | None = None
        self._inode = (0, 0)
        self._readers = Readers(path)

    def join(self, tenant: Tenant) -> None:
        """Have a tenant told whenever a file is opened or lost; to be called before the first write or read."""
        self._tenants.append(tenant)

    def trouble(self) -> str | None:
        """Return why nothing can be written at present, None when nobody knows of a reason; never waits."""
        begun, fault = self._begun, self._fault
        if begun is not None and self._clock.monotonic() - begun > HANGING:
            return f"{self.path}: the disk does not answer"
        return str(fault) if isinstance(fault, StorageError) else None

    def write(
        self,
        run: Callable[[sqlite3.Connection], None],
        done: Callable[[], None] = lambda: None,
        *,
        weight: int = 1,
    ) -> Future[None]:
        """Have the writer run this in a transaction; the future is done when it is committed. Never waits."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()  # from here on a cancel has no effect
        with self._news:
            if self._closed:
                future.set_exception(StorageError(f"{self.path} is closed"))
            elif self._pending and self._pending + weight > MAX_PENDING:
                future.set_exception(StorageError(f"{self.path}: the disk is too slow for what is to be written"))
            else:
                self._jobs.append(Job(run, done, weight, future))
                self._pending += weight
                self._start()
                self._news.notify_all()
        return future

    def read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run this on a connection that only reads, with one view of the file throughout; raise StorageError."""
        self._ensure_opened()
        for last in (False, True):
            try:
                with self._readers.lent() as connection:
                    return job(connection)
            except sqlite3.Error as error:
                if last or not diskfault.is_damage(error):
                    raise diskfault.told(self.path, error) from error
                self._suspected = True
                self._touch()
        raise AssertionError("the second try returns or raises")

    def glance(self, job: Callable[[sqlite3.Connection], T]) -> T | None:
        """Run this on the file as it lies there, before anything else; None when there is none that can be read."""
        for mode in ("rw", "ro&immutable=1"):  # where nothing can be written, there is no journal to be had
            with suppress(sqlite3.Error), closing(connect(self.path, mode)) as connection:
                return job(connection)
        return None

    def close(self, timeout: float = 5.0) -> None:
        """Write what is left, and end the thread; a disk that hangs is not waited for longer than `timeout`."""
        with self._news:
            self._closed = True
        self._readers.close()  # first, for the last connection puts the journal into the file, and readers cannot
        with self._news:
            self._news.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
            if thread.is_alive():
                log.error("%s: the disk does not answer; what was to be written last may be lost", self.path)

    def _start(self) -> None:
        if self._thread is None:
            # A daemon, for a disk that hangs must not keep the process from ending.
            self._thread = threading.Thread(target=self._run, name=f"writer of {self.path.name}", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while group := self._next_group():
            self._begun = self._clock.monotonic()
            self._do(group)
            self._begun = None
            with self._news:
                self._pending -= sum(job.weight for job in group)
        self._disconnect()

    def _next_group(self) -> list[Job]:
        """Wait for work; return none when all is done and the database is closed."""
        with self._news:
            self._news.wait_for(lambda: self._jobs or self._closed)
            group: list[Job] = []
            weight = 0
            while self._jobs and (not group or weight + self._jobs[0].weight <= MAX_GROUP):
                weight += self._jobs[0].weight
                group.append(self._jobs.popleft())
            return group

    def _do(self, group: Sequence[Job]) -> None:
        try:
            self._attempt(group)
        except StorageError as error:
            self._fail(group, error)
        except Exception as error:
            # One of them cannot be run at all: it must not take the others along.
            if len(group) > 1:
                for job in group:
                    self._do([job])
            else:
                self._fail(group, error)
        else:
            if self._fault is not None:
                log.warning("%s is written again", self.path)
                self._fault = None
            for job in group:
                job.done()
                job.future.set_result(None)

    def _fail(self, group: Sequence[Job], error: Exception) -> None:
        if self._fault is None:
            # That there is no folder is told once, and not by each file that would be in it.
            level = logging.ERROR if os.path.isdir(self.path.parent) else logging.DEBUG  # Path.is_dir may raise
            log_of_storing.log(level, "%s", error, exc_info=None if isinstance(error, StorageError) else error)
        self._fault = error
        for job in group:
            job.future.set_exception(error)

    def _attempt(self, group: Sequence[Job]) -> None:
        for last in (False, True):
            try:
                self._transact(group)
                return
            except (sqlite3.Error, OSError, Damage) as error:
                if diskfault.is_of_the_statement(error):
                    raise
                if last or not self._mended(error):
                    raise diskfault.told(self.path, error) from error

    def _transact(self, group: Sequence[Job]) -> None:
        self._guard.claim()
        connected = self._connected()  # what may not be written can be read all the same
        self._guard.allow()
        with transaction(connected, passing=self._passing) as connection:
            for job in group:
                job.run(connection)

    def _mended(self, error: Exception) -> bool:
        """Do what can be done about a fault; return whether to try once more."""
        if diskfault.is_damage(error):
            self._set_aside(error)
            return True
        if not diskfault.leaves_the_connection_whole(error):
            self._disconnect()
        return diskfault.may_be_full(error) and self._guard.make_room()

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and self._is_suspected():
            self._disconnect()  # what this connection has in memory says nothing about the disk
        elif self._connection is not None and self._moved():
            log.error("%s was taken away while in use: what it held is not shown any more", self.path)
            self._disconnect()
            self._lose()
        if self._connection is None:
            self._open()
        assert self._connection is not None
        return self._connection

    def _is_suspected(self) -> bool:
        """Tell whether a reader met damage, or a backup did."""
        return self._suspected or os.path.exists(doubts(self.path))

    def _moved(self) -> bool:
        try:
            found = self.path.stat()
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != self._inode

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # what it holds is not for other users
        connection = connect(self.path, "rw")
        try:
            self._prepare(connection)
        except sqlite3.Error as error:
            connection.close()
            # Our own statements are right, so what they do not find has been there.
            raise Damage(str(error)) if diskfault.is_of_the_schema(error) else error from error
        except BaseException:
            connection.close()
            raise
        found = self.path.stat()
        self._connection, self._inode = connection, (found.st_dev, found.st_ino)
        self._suspected, self._opened = False, True

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # counts only for a file that is new
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._safe else 'NORMAL'}")
        connection.execute("PRAGMA wal_autocheckpoint = 256")  # a megabyte: what is not yet in the file takes room, too
        connection.execute("PRAGMA journal_size_limit = 1048576")
        if self._safe or self._is_suspected():
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            doubts(self.path).unlink(missing_ok=True)
            if verdict != "ok":
                raise Damage(verdict)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(self._migrations):
            raise StorageError(
                f"{self.path} was written by a newer version of this program: use that, or name another folder with "
                "data_dir"
            )
        with transaction(connection, passing=self._passing):
            for number, statements in enumerate(self._migrations[version:], version + 1):
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
                self._passing(f"led to version {number}")
            for tenant in self._tenants:
                tenant.opened(connection)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _set_aside(self, error: Exception) -> None:
        self._disconnect()
        aside = set_aside(self.path, "damaged", self._clock.wall(), self._max_aside)
        log.error("%s is damaged (%s): it was set aside as %s, and a new one is begun", self.path, error, aside)
        self._lose()

    def _lose(self) -> None:
        self._readers.forget()
        for tenant in self._tenants:
            tenant.lost()

    def _ensure_opened(self) -> None:
        if self._opened:
            return
        fault = self._touch()
        if fault is not None and not self._opened:
            raise fault

    def _touch(self) -> BaseException | None:
        """Have the writer look at the file, and return what was wrong; raise StorageError when that takes too long."""
        try:
            return self.write(_nothing).exception(PATIENCE)
        except TimeoutError:
            raise StorageError(f"{self.path}: the disk does not answer") from None


def _nothing(_: sqlite3.Connection) -> None:
    """Write nothing: for what comes with every write."""
