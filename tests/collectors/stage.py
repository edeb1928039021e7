"""Where schedulers are tried: a clock that is moved by hand, and a record of what comes out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from math import floor
from pathlib import Path
from typing import cast

import pytest

from dashboard.collectors import Collector, CollectorState, Family, Sample
from dashboard.collectors.schedule import LONGEST_SLEEP, Scheduler
from dashboard.model import Batch
from tests.clocks import HandClock

RECORDED = Path(__file__).parent / "recorded"

PATIENCE = 20.0
"""Real seconds after which a test gives up."""


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the log holds of warnings, in order."""
    return [record.message for record in caplog.records if record.levelname == "WARNING"]


class TickedClock(HandClock):
    """A clock whose sleepers wake when a test lets the time pass."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._slept = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.monotonic() + seconds, woken))
        self._slept.set()
        await woken

    async def run(self, seconds: float) -> None:
        """Let time pass, and whoever wakes do its work until it sleeps again."""
        await self._someone_sleeps()
        self.move(seconds)
        due = [woken for until, woken in self._sleepers if until <= self.monotonic() + 1e-9]
        for woken in due:
            woken.set_result(None)
        await self._someone_sleeps()

    async def _someone_sleeps(self) -> None:
        while not (asleep := [sleeper for sleeper in self._sleepers if not sleeper[1].done()]):
            self._slept.clear()
            await self._slept.wait()
        self._sleepers = asleep


class Stage:
    """A running scheduler, and all that it said, in order."""

    def __init__(self, collectors: Sequence[Collector], default_interval: float = 1.0) -> None:
        self.clock = TickedClock()
        self.said: list[Batch | CollectorState | float] = []
        self.refusal: str | None = None
        """What keeps samples of a batch from being taken."""
        self.scheduler = Scheduler(
            collectors,
            instance="web-1",
            clock=self.clock,
            accept=self._accept,
            on_state=self._say,
            on_clock_step=self._say,
            default_interval=default_interval,
        )

    def _accept(self, batch: Batch) -> str | None:
        self._say(batch)
        return self.refusal

    def _say(self, what: Batch | CollectorState | float) -> None:
        self.said.append(what)

    @property
    def batches(self) -> list[Batch]:
        return [said for said in self.said if isinstance(said, Batch)]

    @property
    def reports(self) -> list[tuple[str, str]]:
        return [(said.name, said.state) for said in self.said if isinstance(said, CollectorState)]

    def state(self, name: str) -> CollectorState:
        return next(state for state in self.scheduler.states() if state.name == name)

    def stamps(self, name: str) -> list[float]:
        return [batch.timestamp for batch in self.batches if batch.source == f"web-1/{name}"]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what other threads do, in real time."""
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 — a thread that returns sends no event
                await asyncio.sleep(0.002)

    async def tick(self, *names: str) -> float:
        """Go to the next full second, and wait for the batches of these collectors; return that time."""
        wall = self.clock.wall()
        stamp = float(floor(wall + 0.001) + 1)
        await self.clock.run(stamp - wall)
        await self.until(lambda: all(stamp in self.stamps(name) for name in names))
        return stamp

    async def set_clock(self, seconds: float) -> None:
        """Set the clock, and let the scheduler look at it once."""
        self.clock.step(seconds)
        await self.clock.run(LONGEST_SLEEP)


@asynccontextmanager
async def running(*collectors: Collector, default_interval: float = 1.0) -> AsyncIterator[Stage]:
    """Run a scheduler of these collectors around the test's body."""
    stage = Stage(collectors, default_interval)
    task = asyncio.get_running_loop().create_task(stage.scheduler.run())
    try:
        yield stage
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


class Steady:
    """Gives one sample, every time."""

    def __init__(self, name: str, interval: float | None = None) -> None:
        self.name, self.interval = name, interval
        self.families = (Family(f"{name}_runs", "gauge", "runs", "Runs so far."),)
        self.runs = 0
        self.threads: list[str] = []

    def collect(self) -> Iterator[Sample]:
        self.runs += 1
        self.threads.append(threading.current_thread().name)
        yield Sample(f"{self.name}_runs", self.runs)


class Held(Steady):
    """Does not return while it is held."""

    def __init__(self, name: str, interval: float | None = None, *, may_block: bool = False) -> None:
        super().__init__(name, interval)
        self.may_block = may_block
        self._free = threading.Event()
        self._entered = threading.Semaphore(0)

    def hold(self) -> None:
        self._free.clear()

    def free(self) -> None:
        self._free.set()

    async def entered(self) -> None:
        """Wait for a thread to be in it."""
        assert await asyncio.to_thread(self._entered.acquire, timeout=PATIENCE)

    def collect(self) -> Iterator[Sample]:
        self._entered.release()
        self._free.wait()
        yield from super().collect()


def sampled(collector: Collector) -> dict[str, float]:
    """Collect once, and return the samples by `name{labels}`; all must be of declared families."""
    names = {name for family in collector.families for name in family.sample_names}
    samples = list(cast("Iterable[Sample]", collector.collect()))
    assert {sample.name for sample in samples} <= names
    assert len({sample.key for sample in samples}) == len(samples)
    return {sample.key: sample.value for sample in samples}
