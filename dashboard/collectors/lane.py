"""Runs of collectors, and the threads that they happen in."""

from __future__ import annotations

import asyncio
import queue
import threading
import traceback
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from math import isfinite
from typing import cast

import msgspec

from dashboard import plain
from dashboard.collectors import Collected, Collector, CollectorError, ProcessRow, Sample
from dashboard.model import Clock, series_text

MAX_ERROR = 500
"""Characters of a failure's text at most, its place not counted."""


class Outcome(msgspec.Struct, frozen=True):
    """What one run gave, as a batch has it.

    `error` is None when it went well, `told` is true when the collector raised it as CollectorError, `duration` is
    in seconds.
    """

    samples: dict[str, float]
    rows: tuple[ProcessRow, ...]
    error: str | None
    told: bool
    duration: float


class Intake:
    """Takes what a collector gives and checks it against the families that it declared.

    What it took before a fault counts.
    """

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._names = {name for family in collector.families for name in family.sample_names}
        self._samples: dict[str, float] = {}
        self._rows: list[ProcessRow] = []
        self._error: str | None = None
        self._told = False

    def take(self, item: Sample | ProcessRow) -> None:
        """Take one; leave out a value that is not finite. Raise CollectorError at what does not suit."""
        if isinstance(item, ProcessRow):
            self._take_row(item)
            return
        if not isinstance(item, Sample):
            raise CollectorError(f"collect() gives Sample(name, value, labels), not {type(item).__name__}")
        if item.name not in self._names:
            raise CollectorError(f"gives {item.name!r}, which is not among its families")
        try:
            key, value = item.key, float(item.value)
            bad = [name for name in item.labels if not (name.isascii() and name.isidentifier()) or name == "__name__"]
        except (TypeError, ValueError, AttributeError) as error:
            raise CollectorError(f"{item.name}: values are numbers and labels are text: {error}") from error
        if bad:
            raise CollectorError(f"{item.name}: no label can be called {bad[0]!r}")
        if isfinite(value):
            self._samples[key if key.isprintable() else _plain_key(item)] = value

    def _take_row(self, row: ProcessRow) -> None:
        try:
            msgspec.json.encode(row)
        except (TypeError, ValueError) as error:
            raise CollectorError(f"process {row.pid!r}: {error}") from error
        if not all(map(str.isprintable, (row.name, row.user, row.command or ""))):
            command = row.command and plain.label(row.command)
            row = msgspec.structs.replace(row, name=plain.label(row.name), user=plain.label(row.user), command=command)
        self._rows.append(row)

    def fail(self, error: BaseException) -> None:
        """End with what was raised."""
        self._told = isinstance(error, CollectorError)
        said = plain.error(error, MAX_ERROR)
        self._error = said if self._told else self._located(error, said)

    def outcome(self, duration: float) -> Outcome:
        """Return what was taken so far."""
        return Outcome(self._samples, tuple(self._rows), self._error, self._told, duration)

    def _located(self, error: BaseException, said: str) -> str:
        """Say what was raised, and in which line of the collector's own file."""
        text = f"{type(error).__name__}: {said}" if said else type(error).__name__
        code = getattr(self._collector.collect, "__code__", None)
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if code is not None and frame.filename == code.co_filename]
        return f"{own[-1].filename}:{own[-1].lineno}: {text}" if own else text


def _given(returned: object) -> Collected:
    if not isinstance(returned, Iterable):
        kind = "None" if returned is None else type(returned).__name__
        raise CollectorError(f"collect() must return or yield samples; it returned {kind}")
    return returned


def _plain_key(sample: Sample) -> str:
    # Paths and names of devices may hold bytes that are no text, which JSON could not carry.
    labels = ((name, plain.label(value.encode("utf-8", "replace").decode())) for name, value in sample.labels.items())
    return series_text(sample.name, labels)


class Job:
    """One run of one collector for the aligned time `stamp`; `started` is set when it begins, `outcome` at its end.

    `shift` is the sum of the clock's steps known at the time of `stamp`, in seconds.
    """

    def __init__(self, collector: Collector, stamp: float, shift: float) -> None:
        self.collector = collector
        self.stamp = stamp
        self.shift = shift
        self.started: float | None = None
        self.outcome: Outcome | None = None

    def run(self, clock: Clock) -> None:
        """Collect in whatever thread this is; never raise."""
        began = self.started = clock.monotonic()
        intake = Intake(self.collector)
        try:
            for item in _given(self.collector.collect()):
                intake.take(item)
        # A collector is anyone's code: what it raises, SystemExit too, must end its run and nothing else.
        except BaseException as error:
            intake.fail(error)
        self.outcome = intake.outcome(clock.monotonic() - began)

    async def run_async(self, clock: Clock, limit: asyncio.Timeout) -> None:
        """Collect on the loop, for as long as `limit` lasts; raise only when its task is cancelled."""
        began = self.started = clock.monotonic()
        intake = Intake(self.collector)
        try:
            async with limit:
                given = self.collector.collect()
                if isinstance(given, AsyncIterable):
                    async for item in given:
                        intake.take(item)
                else:
                    for item in _given(await cast(Awaitable[Collected], given)):
                        intake.take(item)
        except KeyboardInterrupt:
            raise
        # As in `run`; a collector may even raise CancelledError of its own.
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            intake.fail(error)
        self.outcome = intake.outcome(clock.monotonic() - began)

    def refuse(self, reason: str) -> None:
        """End without having run."""
        intake = Intake(self.collector)
        intake.fail(CollectorError(reason))
        self.outcome = intake.outcome(0.0)


class Lane:
    """One daemon thread; `collected` is called on the loop, once for all jobs that it had at hand.

    Daemon, so that a collector that never returns does not keep the process from ending.
    """

    def __init__(
        self, name: str, loop: asyncio.AbstractEventLoop, clock: Clock, collected: Callable[[list[Job]], None]
    ) -> None:
        self.name = name
        self._loop = loop
        self._clock = clock
        self._collected = collected
        self._lock = threading.Lock()
        self._todo: deque[Job] = deque()
        self._current: Job | None = None
        self._done: list[Job] = []
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, jobs: list[Job]) -> None:
        """Have the jobs run in their order; where no thread can be had, they fail."""
        if self._thread is None:
            thread = threading.Thread(target=self._work, name=f"collect-{self.name}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                for job in jobs:
                    job.refuse(str(error))
                self._loop.call_soon(self._collected, jobs)
                return
            self._thread = thread
        with self._lock:
            self._todo.extend(jobs)
        self._wake.put(True)

    def pending(self) -> bool:
        """Tell whether anything runs or waits."""
        return self._current is not None or bool(self._todo)

    def busy_since(self) -> float | None:
        """Return the monotonic time at which the job that runs now was begun; None when it is idle."""
        with self._lock:
            return self._current.started if self._current is not None else None

    def take_over(self) -> tuple[list[Job], Job | None, list[Job]]:
        """Take away all but the job that runs now; return the finished ones, that one, and those not begun."""
        with self._lock:
            done, self._done = self._done, []
            rest = list(self._todo)
            self._todo.clear()
            return done, self._current, rest

    def close(self) -> list[Job]:
        """Let the thread end once it is free, without waiting for it; return the jobs of which nothing will come."""
        done, _, rest = self.take_over()
        self._wake.put(False)
        return [*done, *rest]

    def _work(self) -> None:
        while self._wake.get():
            while (job := self._next()) is not None:
                job.run(self._clock)
            try:
                self._loop.call_soon_threadsafe(self._hand_over)
            except RuntimeError:
                return  # the loop is closed: nobody waits for this any more

    def _next(self) -> Job | None:
        with self._lock:
            if self._current is not None:
                self._done.append(self._current)
            self._current = self._todo.popleft() if self._todo else None
            return self._current

    def _hand_over(self) -> None:
        with self._lock:
            done, self._done = self._done, []
        if done:
            self._collected(done)
