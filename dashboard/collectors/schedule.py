"""Runs every collector at its interval, on ticks aligned to the wall clock, so that none waits for another.

Cheap collectors share a thread, handed over once a tick: the built-in ones one, the added ones another. One that holds
that thread for `PATIENCE` keeps it: the others go on in a new one, and the culprit has a thread of its own until it has
been quick for a while. An async one always has a thread of its own, and an event loop in it. While a collector has not
returned it is not started again, so a hung one costs one thread and no more: whatever it still gives after its deadline
ends its run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from dashboard.collectors import Collector, CollectorState
from dashboard.collectors.lane import Job, Lane, LoopLane, Outcome
from dashboard.collectors.watch import PATIENCE, Watch
from dashboard.model import Batch, Clock

STEP = 0.5
"""Seconds by which the wall clock must leave the monotonic one to have been set."""

LONGEST_SLEEP = 1.0
"""Seconds between two looks at the clock, so that a step is seen soon also where all intervals are long."""

_log = logging.getLogger(__name__)


class TickClock(Clock, Protocol):
    """A clock that can be waited on."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of monotonic time."""
        ...


class Scheduler:
    """Owns every collector's runs, from the tick to the batch.

    `accept` gets each batch, and returns what kept samples of it from being taken (None: all were), which counts as a
    failure of its collector. `on_state` gets a collector's state when it failed, is late or recovered, and again
    when a failure that a collector raised as CollectorError reads differently. `on_clock_step` gets the seconds by
    which the wall clock was set, before any batch of the new time. All three are called on the loop of `run`.

    The log has one line for whatever happens: a run that is late is told of when it ended, for it may yet hang.
    """

    def __init__(
        self,
        collectors: Sequence[Collector],
        *,
        instance: str,
        clock: TickClock,
        accept: Callable[[Batch], str | None],
        on_state: Callable[[CollectorState], None],
        on_clock_step: Callable[[float], None],
        default_interval: float,
    ) -> None:
        self._instance = instance
        self._clock = clock
        self._accept = accept
        self._on_state = on_state
        self._on_clock_step = on_clock_step
        self._shift = 0.0
        self._open = False
        now, everyone = clock.wall(), list[Watch]()
        for each in collectors:
            everyone.append(Watch(each, f"{instance}/{each.name}", each.interval or default_interval, now, everyone))
        self._watches = {watch.collector.name: watch for watch in everyone}
        self._unsaid: set[str] = set()  # names of those that are late, and their run goes on

    def states(self) -> list[CollectorState]:
        """Return how every collector is doing, in the order in which they were given."""
        return [watch.state() for watch in self._watches.values()]

    async def run(self) -> None:
        """Tick until cancelled; leave threads that hang behind."""
        self._shared = {name: self._lane(name) for name in ("shared", "added")}
        wall, monotonic = self._clock.wall(), self._clock.monotonic()
        self._align(wall)
        try:
            while True:
                expected = wall + (self._clock.monotonic() - monotonic)
                wall, monotonic = self._clock.wall(), self._clock.monotonic()
                if abs(wall - expected) > STEP:
                    self._step(wall, wall - expected)
                for name in self._shared:
                    self._free_shared(name, monotonic)
                for watch in self._watches.values():
                    self._report(watch.look(wall, monotonic), goes_on=True)
                self._start_due(wall, monotonic)
                await self._clock.sleep(self._pause(wall))
        finally:
            self._close()

    def _lane(self, name: str, kind: type[Lane] = Lane) -> Lane:
        return kind(name, asyncio.get_running_loop(), self._clock, self._collected)

    def _align(self, wall: float) -> None:
        for watch in self._watches.values():
            watch.align(wall)

    def _step(self, wall: float, seconds: float) -> None:
        self._shift += seconds
        self._align(wall)
        _log.warning("the clock was set by %+.1f s", seconds)
        self._on_clock_step(seconds)

    def _free_shared(self, name: str, monotonic: float) -> None:
        lane = self._shared[name]
        lane.hand_over()  # so that nobody misses a tick for those behind it
        since = lane.busy_since()
        if since is None or monotonic - since < 0.9 * PATIENCE:  # the wake-up and the thread are not quite together
            return
        done, culprit, rest = lane.take_over()
        if culprit is not None:
            self._watches[culprit.collector.name].exile(lane)
            self._shared[name] = self._lane(name)
        asyncio.get_running_loop().call_soon(self._collected, done)
        if rest:
            self._shared[name].submit(rest)

    def _start_due(self, wall: float, monotonic: float) -> None:
        together: dict[str, list[Job]] = {}
        # The first time added ones come after the built-in ones, for which there has to be room.
        self._open = self._open or all(one.has_run for one in self._watches.values() if one.shares == "shared")
        for watch in self._watches.values():
            stamp = watch.due(wall, monotonic) if self._open or watch.shares == "shared" else None
            if stamp is None:
                continue
            watch.job = job = Job(watch.collector, stamp, self._shift, watch.deadline)
            if watch.alone:
                watch.lane = watch.lane or self._lane(watch.collector.name, LoopLane if watch.is_async else Lane)
                watch.lane.submit([job])
            else:
                together.setdefault(watch.shares, []).append(job)
        for name, jobs in together.items():
            self._shared[name].submit(jobs)

    def _collected(self, jobs: list[Job]) -> None:
        judged = []
        for job in jobs:
            watch, outcome = self._watches[job.collector.name], job.outcome
            if outcome is None:
                continue
            refused = None
            if outcome.duration <= watch.deadline and (outcome.samples or outcome.rows):
                refused = self._accept(self._batch(watch, job, outcome))
            changed = watch.settle(outcome, self._clock.wall(), self._clock.monotonic(), refused=refused)
            judged.append((watch.collector.name, changed))
        for name, changed in judged:  # last, for what the disk keeps holds up what is published with it
            self._report(changed)
            if name in self._unsaid:
                self._unsaid.discard(name)
                _say(self._watches[name].state())

    def _batch(self, watch: Watch, job: Job, outcome: Outcome) -> Batch:
        return Batch(
            source=watch.source,
            # Where the clock was set while this ran, its time is told in the new time.
            timestamp=job.stamp + (self._shift - job.shift),
            interval=watch.interval,
            resource={"instance": self._instance},
            samples=outcome.samples,
            rows=outcome.rows,
            programs=outcome.programs,
        )

    def _report(self, changed: CollectorState | None, *, goes_on: bool = False) -> None:
        if changed is None:
            return
        self._unsaid.discard(changed.name)
        if goes_on and changed.state == "late":
            self._unsaid.add(changed.name)
        else:
            _say(changed)
        self._on_state(changed)

    def _pause(self, wall: float) -> float:
        pause = min([LONGEST_SLEEP, *(watch.next_due - wall for watch in self._watches.values())])
        busy = any(lane.pending() for lane in self._shared.values())
        return max(min(pause, PATIENCE) if busy else pause, 0.001)

    def _close(self) -> None:
        """Leave everything so that `run` may be begun again; a job that still hangs is still waited for then."""
        lost = [job for lane in self._shared.values() for job in lane.close()]
        for watch in self._watches.values():
            if watch.lane is not None:
                lost += watch.lane.close()
                watch.lane = None
        for job in lost:
            self._watches[job.collector.name].job = None


def _say(state: CollectorState) -> None:
    if state.state == "ok":
        _log.info("collector %s: recovered", state.name)
    else:
        _log.warning("collector %s: %s: %s", state.name, state.state, state.error)
