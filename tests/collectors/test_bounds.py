"""Collectors that do not stop giving, or that raise what would end a program: each ends its own run, nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from typing import Any

import pytest

from dashboard.collectors import CollectorState, Sample
from dashboard.collectors.lane import Job
from tests.collectors.stage import Stage, Steady, running


class Endless(Steady):
    """Gives samples without an end; counts how many, and says when it was closed."""

    max_series = 50

    def __init__(self, name: str, label: Callable[[int], str]) -> None:
        super().__init__(name)
        self.label = label
        self.given = 0
        self.closed = threading.Event()

    def _sample(self, number: int) -> Sample:
        self.given = number + 1
        return Sample(f"{self.name}_runs", 1, {"i": self.label(number)})

    def collect(self) -> Iterator[Sample]:
        try:
            for number in count():
                yield self._sample(number)
        finally:
            self.closed.set()


class EndlessOnLoop(Endless):
    """Never waits for anything, so its loop has no turn."""

    async def collect(self) -> AsyncIterator[Sample]:  # type: ignore[override]
        try:
            for number in count():
                yield self._sample(number)
        finally:
            self.closed.set()


class EndlessLater(Endless):
    """Returns an endless generator of the plain kind from a coroutine."""

    async def collect(self) -> Iterator[Sample]:  # type: ignore[override]
        return super().collect()


KINDS = pytest.mark.parametrize("kind", [Endless, EndlessOnLoop, EndlessLater])


@KINDS
async def test_reading_stops_at_the_bound_and_what_came_before_it_counts(kind: type[Endless]) -> None:
    endless, steady = kind("endless", str), Steady("steady")
    async with running(endless, steady) as stage:
        for _ in range(2):
            await stage.tick("endless", "steady")
            assert endless.given == 51
        assert endless.closed.is_set()
        state = stage.state("endless")
        assert (state.state, state.failures) == ("failed", 2)
        assert state.error == "gives more than 50 series, and is not read further: see the setting max_series"
        assert stage.reports == [("endless", "failed")]
        samples = next(batch for batch in stage.batches if batch.source == "web-1/endless").samples
        assert len(samples) == 50 and 'endless_runs{i="49"}' in samples


STOPPED = "was still giving samples after 2 s, and was stopped"


@KINDS
@pytest.mark.parametrize("label", [lambda _: "same", lambda _: "x" * 5_000], ids=["same", "refused"])
async def test_what_still_gives_after_its_deadline_is_stopped_and_told_so(
    kind: type[Endless], label: Callable[[int], str]
) -> None:
    """Nothing that it gives need be new: the time alone ends it, and the others have theirs meanwhile."""
    endless, steady = kind("endless", label), Steady("steady")
    async with running(endless, steady) as stage:
        await stage.clock.run(1.0)
        await stage.until(lambda: endless.given > 0)
        await stage.clock.run(0.1)
        await stage.until(lambda: bool(stage.stamps("steady")))
        await stage.tick("steady")
        await stage.clock.run(0.9)
        assert not endless.closed.is_set()
        await stage.clock.run(0.2)
        await stage.until(lambda: stage.state("endless").state == "failed" and len(stage.stamps("steady")) == 3)
        assert endless.closed.is_set()
        given = endless.given
        state = stage.state("endless")
        assert (state.error, state.failures) == (STOPPED, 1)
        assert [said.error for said in stage.said if isinstance(said, CollectorState) and said.state == "failed"] == [
            STOPPED
        ]
        await stage.tick("steady")
        assert endless.given == given and stage.stamps("endless") == []


class Stubborn(Endless):
    """Goes on when it is closed, or raises."""

    def collect(self) -> Iterator[Sample]:
        for number in count():
            try:
                yield self._sample(number)
            except GeneratorExit:
                if self.closed.is_set():
                    return
                self.closed.set()


class StubbornOnLoop(Endless):
    """Raises when it is closed what would end the program."""

    async def collect(self) -> AsyncIterator[Sample]:  # type: ignore[override]
        try:
            for number in count():
                yield self._sample(number)
        finally:
            self.closed.set()
            raise KeyboardInterrupt


@pytest.mark.parametrize("kind", [Stubborn, StubbornOnLoop])
async def test_what_a_generator_does_when_it_is_closed_does_not_hide_why(kind: type[Endless]) -> None:
    endless, steady = kind("endless", str), Steady("steady")
    async with running(endless, steady) as stage:
        await stage.tick("endless", "steady")
        assert endless.closed.is_set() and "more than 50 series" in (stage.state("endless").error or "")


def test_a_thread_that_was_left_behind_ends_at_the_next_that_it_is_given() -> None:
    """On the real clock, with nobody who looks after it."""

    class Slow(Endless):
        def collect(self) -> Iterator[Sample]:
            for sample in super().collect():
                time.sleep(0.01)
                yield sample

    slow = Slow("slow", lambda _: "same")
    job = Job(slow, 0.0, 0.0, 0.05)
    thread = threading.Thread(target=job.run, args=[_Clock()])
    thread.start()
    thread.join(20)
    assert job.outcome is not None and job.outcome.stopped and job.outcome.duration > 0.05


class _Clock:
    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class Raising(Steady):
    """Raises on its loop what would end a program."""

    def __init__(self, name: str, error: BaseException) -> None:
        super().__init__(name)
        self.error = error

    async def collect(self) -> Any:
        raise self.error


class RaisingStream(Raising):
    """The same as a generator, after one sample."""

    async def collect(self) -> Any:
        yield Sample(f"{self.name}_runs", 1)
        raise self.error


@pytest.mark.parametrize("kind", [Raising, RaisingStream])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
async def test_nothing_that_is_raised_on_a_loop_ends_the_program(kind: type[Raising], error: BaseException) -> None:
    raising, steady = kind("raising", error), Steady("steady")
    async with running(raising, steady) as stage:
        for runs in (1, 2):
            await stage.tick("steady")
            await failed(stage, runs)
        said = stage.state("raising").error or ""
        assert "test_bounds.py:" in said and type(error).__name__ in said
        assert stage.reports == [("raising", "failed")]


async def failed(stage: Stage, runs: int) -> None:
    await stage.until(lambda: stage.state("raising").failures == runs)
