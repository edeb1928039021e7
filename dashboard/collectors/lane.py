"""Runs of collectors, and the threads that they happen in."""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
import traceback
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import suppress
from functools import cached_property
from math import inf, isfinite
from typing import cast

import msgspec

from dashboard import plain
from dashboard.collectors import Collected, Collector, CollectorError, Item, ProcessRow, Program, Sample
from dashboard.model import Clock, series_text

MAX_ERROR = 500
"""Characters of a failure's text at most, its place not counted."""

MAX_SERIES = 20_000
"""Series, and processes, that a run may give at most, where its collector was not given the setting `max_series`."""

MAX_LENGTH = 4_096
"""Characters of a series at most, as of one that is pushed."""

CLOSING = 0.5
"""Seconds that an async generator that is not read to its end has to close."""


class Outcome(msgspec.Struct, frozen=True):
    """What one run gave, as a batch has it.

    `error` is None when it went well, `told` is true when the collector raised it as CollectorError, `stopped` when
    it had not given all when it ended; `duration` is in seconds.
    """

    samples: dict[str, float]
    rows: tuple[ProcessRow, ...]
    error: str | None
    told: bool
    duration: float
    stopped: bool = False
    programs: tuple[Program, ...] = ()


class Enough(Exception):
    """Nothing more is read of what a collector gives."""


class Intake:
    """Takes what a collector gives, checks it against the families that it declared, and is full at its `max_series`.

    What it took before a fault counts, and so does all that stands beside what it refuses.
    """

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._names = {name for family in collector.families for name in family.sample_names}
        self._room: int = getattr(collector, "max_series", MAX_SERIES)
        self._samples: dict[str, float] = {}
        self._rows: list[ProcessRow] = []
        self._programs: list[Program] = []
        self._refused, self._refusal = 0, ""
        self._error: str | None = None
        self._told = self._stopped = False

    def take(self, item: Item) -> None:
        """Take one; leave out a value that is not finite, and refuse what does not suit. Raise Enough when full."""
        try:
            if isinstance(item, ProcessRow):
                self._take_row(item)
            elif isinstance(item, Program):
                self._take_program(item)
            else:
                self._take_sample(item)
        except CollectorError as error:
            self._refused += 1
            self._refusal = self._refusal or plain.error(error, MAX_ERROR)

    def _take_sample(self, item: Sample) -> None:
        if not isinstance(item, Sample):
            raise CollectorError(f"collect() gives Sample(name, value, labels), not {type(item).__name__}")
        where = item.name
        try:
            if where not in self._names:
                raise CollectorError(f"gives {where!r}, which is not among its families")
            key = where = item.key
            bad = [name for name in item.labels if not (name.isascii() and name.isidentifier()) or name == "__name__"]
            value = float(item.value)
        except OverflowError as error:
            raise CollectorError(f"{where}: its value is too large") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise CollectorError(f"{where}: values are numbers and labels are text: {error}") from error
        if bad:
            raise CollectorError(f"{item.name}: no label can be called {bad[0]!r}")
        if len(key) <= MAX_LENGTH and not key.isprintable():
            key = _plain_key(item)
        if len(key) > MAX_LENGTH:
            raise CollectorError(f"{item.name}: a series has at most {MAX_LENGTH:,} characters")
        if isfinite(value):
            if len(self._samples) >= self._room and key not in self._samples:
                raise Enough(
                    f"gives more than {self._room:,} series, and is not read further: see the setting max_series"
                )
            self._samples[key] = value

    def _take_row(self, row: ProcessRow) -> None:
        try:
            msgspec.json.encode(row)
            printable = all(map(str.isprintable, (row.name, row.user, row.command or "")))
        except (TypeError, ValueError, OverflowError) as error:
            raise CollectorError(f"process {row.pid!r}: {error}") from error
        if not printable:
            command = row.command and plain.label(row.command)
            row = msgspec.structs.replace(row, name=plain.label(row.name), user=plain.label(row.user), command=command)
        if len(self._rows) >= self._room:
            raise Enough(f"gives more than {self._room:,} processes, and is not read further")
        self._rows.append(row)

    def _take_program(self, program: Program) -> None:
        try:
            msgspec.json.encode(program)
            printable = program.name.isprintable()
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            raise CollectorError(f"processes called {program.name!r}: {error}") from error
        if not printable:
            program = msgspec.structs.replace(program, name=plain.label(program.name))
        if len(self._programs) >= self._room:
            raise Enough(f"gives more than {self._room:,} names of processes, and is not read further")
        self._programs.append(program)

    def fail(self, error: BaseException) -> None:
        """End with what was raised."""
        self._stopped = isinstance(error, Enough)
        self._told = isinstance(error, CollectorError)
        said = plain.error(error, MAX_ERROR)
        self._error = said if self._told or self._stopped else self._located(error, said)

    def outcome(self, duration: float) -> Outcome:
        """Return what was taken so far."""
        more = f"; {self._refused - 1:,} more of what it gives is refused" if self._refused > 1 else ""
        error = self._error or self._refusal + more or None
        rows, programs = tuple(self._rows), tuple(self._programs)
        return Outcome(self._samples, rows, error, self._told, duration, self._stopped, programs)

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


def _close(given: object) -> None:
    """End a generator that is not read to its end; what it raises then adds nothing to why it was ended."""
    if inspect.isgenerator(given):
        with suppress(BaseException):
            given.close()


async def _close_async(given: object) -> None:
    if inspect.isasyncgen(given):
        with suppress(BaseException):
            async with asyncio.timeout(CLOSING):
                await given.aclose()


def _plain_key(sample: Sample) -> str:
    # Paths and names of devices may hold bytes that are no text, which JSON could not carry.
    labels = ((name, plain.label(value.encode("utf-8", "replace").decode())) for name, value in sample.labels.items())
    return series_text(sample.name, labels)


class Job:
    """One run of one collector for the aligned time `stamp`; `started` is set when it begins, `outcome` at its end.

    `shift` is the sum of the clock's steps known at the time of `stamp`, in seconds. It ends by itself when it is
    still given something after `deadline` seconds, also where nobody waits for it any more.
    """

    def __init__(self, collector: Collector, stamp: float, shift: float, deadline: float = inf) -> None:
        self.collector = collector
        self.stamp = stamp
        self.shift = shift
        self.deadline = deadline
        self.started: float | None = None
        self.outcome: Outcome | None = None
        self._task: asyncio.Task[None] | None = None

    def run(self, clock: Clock) -> None:
        """Collect in whatever thread this is; never raise."""
        began = self.started = clock.monotonic()
        intake = Intake(self.collector)
        try:
            self._read(_given(self.collector.collect()), intake, clock, began)
        # A collector is anyone's code: what it raises, SystemExit too, must end its run and nothing else.
        except BaseException as error:
            intake.fail(error)
        self.outcome = intake.outcome(clock.monotonic() - began)

    async def run_async(self, clock: Clock) -> None:
        """Collect on whatever loop this is; never raise."""
        self._task = asyncio.current_task()
        began = self.started = clock.monotonic()
        intake = Intake(self.collector)
        try:
            given = self.collector.collect()
            if isinstance(given, AsyncIterable):
                try:
                    async for item in given:
                        self._mind_deadline(clock.monotonic() - began)
                        intake.take(item)
                finally:
                    await _close_async(given)
            else:
                self._read(_given(await cast(Awaitable[Collected], given)), intake, clock, began)
        # As in `run`, and `cancel` ends nothing but the run, too.
        except BaseException as error:
            intake.fail(error)
        self.outcome = intake.outcome(clock.monotonic() - began)

    def cancel(self) -> None:
        """End a run that waits on its loop; one that blocks ends by itself. For any thread."""
        if self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)

    def _read(self, given: Collected, intake: Intake, clock: Clock, began: float) -> None:
        try:
            for item in given:
                self._mind_deadline(clock.monotonic() - began)
                intake.take(item)
        finally:
            _close(given)

    def _mind_deadline(self, took: float) -> None:
        if took > self.deadline:
            raise Enough(f"was still giving samples after {self.deadline:g} s, and was stopped")

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
        self._bell: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, jobs: list[Job]) -> None:
        """Have the jobs run in their order; where no thread can be had, they fail."""
        if self._thread is None:
            try:
                self._thread = self._begin()
            except (RuntimeError, OSError) as error:
                for job in jobs:
                    job.refuse(str(error))
                self._loop.call_soon(self._collected, jobs)
                return
        with self._lock:
            self._todo.extend(jobs)
        self._wake(True)

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
        if self._thread is not None:
            self._wake(False)
        return [*done, *rest]

    def hand_over(self) -> None:
        """Give what is finished so far; called on the loop."""
        with self._lock:
            done, self._done = self._done, []
        if done:
            self._collected(done)

    def _begin(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name=f"collect-{self.name}", daemon=True)
        thread.start()
        return thread

    def _wake(self, goes_on: bool) -> None:
        self._bell.put(goes_on)

    def _work(self) -> None:
        while self._bell.get():
            while (job := self._next()) is not None:
                job.run(self._clock)
            if not self._told():
                return

    def _next(self) -> Job | None:
        with self._lock:
            if self._current is not None:
                self._done.append(self._current)
            self._current = self._todo.popleft() if self._todo else None
            return self._current

    def _told(self) -> bool:
        try:
            self._loop.call_soon_threadsafe(self.hand_over)
        except RuntimeError:
            return False  # the loop is closed: nobody waits for this any more
        return True


class LoopLane(Lane):
    """A lane whose thread drives an event loop, for one async collector.

    There it may block, and what it keeps from run to run (clients, tasks) lives on.
    """

    _over = False

    @cached_property
    def _own(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    def _begin(self) -> threading.Thread:
        self._end = self._own.create_future()
        return super()._begin()

    def _wake(self, goes_on: bool) -> None:
        self._own.call_soon_threadsafe(self._go_on, None, not goes_on)

    def _work(self) -> None:
        # The loop is the collector's: what its callbacks raise may stop it, and what it set up there spoil its end.
        with suppress(BaseException), asyncio.Runner(loop_factory=lambda: self._own) as runner:
            while not self._end.done():
                with suppress(BaseException):
                    runner.get_loop().run_until_complete(self._end)

    # By callbacks, for a collector may cancel every task of its loop.
    def _go_on(self, ended: asyncio.Task[None] | None, over: bool = False) -> None:
        self._over = self._over or over
        if self._current is not None:
            if ended is None:
                return  # this is called again when it has ended
            if self._current.outcome is None:
                self._current.refuse("was cancelled before it began")
        job = self._next()
        if job is not None:
            self._own.create_task(job.run_async(self._clock)).add_done_callback(self._go_on)
        elif (not self._told() or self._over) and not self._end.done():
            self._end.set_result(None)
