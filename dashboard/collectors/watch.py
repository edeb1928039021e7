"""One collector's schedule and how it is doing: decisions only, no threads and no clock of its own."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from math import floor
from typing import Literal

from dashboard.collectors import Collector, CollectorState
from dashboard.collectors.lane import Job, Lane, Outcome

PATIENCE = 0.1
"""Seconds that one collector may hold the thread that it shares."""

CALM_RUNS = 60
"""Runs without a fault after which a collector is trusted as if it had never had one."""

SHORTEST_DEADLINE = 1.0
"""Seconds that any collector may run, however short its interval."""

GRACE = 10.0
"""Seconds over its interval that a collector may run at most before it counts as failed."""

LONGEST_BACKOFF = 30.0
"""Seconds at most between the end of a run that took too long and the next try."""

NOTICE = 0.25
"""Seconds after its deadline in which a run that still gives something ends by itself, which tells more."""

_ALMOST = 0.0005
"""Seconds by which a wake-up may come too early."""


class Watch:
    """Says when its collector is due, and judges each run. Times are given to it; used on the loop only.

    Methods that judge return the new state when it is one to report, else None.
    """

    def __init__(
        self, collector: Collector, source: str, interval: float, now: float, everyone: Sequence[Watch]
    ) -> None:
        """`everyone` is all that are watched, this one too."""
        self._everyone = everyone
        self.collector = collector
        self.source = source
        self.interval = interval
        self.late_after = max(interval, SHORTEST_DEADLINE / 2)
        self.deadline = max(min(2 * interval, interval + GRACE), SHORTEST_DEADLINE)
        self.is_async = inspect.iscoroutinefunction(collector.collect) or inspect.isasyncgenfunction(collector.collect)
        self.blocks = self.is_async or bool(getattr(collector, "may_block", False))
        self.shares = "shared" if getattr(collector, "built_in", True) else "added"  # the thread, when it is not alone
        self.alone = self.blocks
        self.lane: Lane | None = None
        self.job: Job | None = None
        self._state: Literal["ok", "failed", "late", "waiting"] = "waiting"
        self._since = now
        self._last_success: float | None = None
        self._error: str | None = None
        self._duration: float | None = None
        self._failures = 0
        self._good, self._needed = CALM_RUNS, 1
        self._quick = 0
        self._overrun: Job | None = None
        self._overruns, self._retry_at = 0, 0.0
        self._stamp: float | None = None
        self._asked = 0.0
        self.align(now)

    def state(self) -> CollectorState:
        """Return how it is doing now."""
        return CollectorState(
            name=self.collector.name,
            source=self.source,
            state=self._state,
            interval=self.interval,
            since=self._since,
            last_success=self._last_success,
            error=self._error,
            duration=self._duration,
            failures=self._failures,
            families=tuple(name for family in self.collector.families for name in family.sample_names),
        )

    @property
    def has_run(self) -> bool:
        """Whether it returned once, or need not be waited for."""
        return self.alone or self._duration is not None

    def align(self, wall: float) -> None:
        """Be due at the next multiple of the interval from `wall` on; the first time at the next full second."""
        step = self.interval if self._stamp is not None else min(self.interval, 1.0)
        self.next_due = round((floor((wall + _ALMOST) / step) + 1) * step, 6)

    def due(self, wall: float, monotonic: float) -> float | None:
        """Return the aligned time to collect for, or None.

        A multiple of the interval that passes while a run goes on is left out, and so are all but the last of
        those that passed unseen.
        """
        if wall + _ALMOST < self.next_due:
            return None
        step = self.interval if self._stamp is not None else min(self.interval, 1.0)
        self._stamp = round(floor((wall + _ALMOST) / step) * step, 6)
        self.align(wall)
        if self.job is not None or monotonic < self._retry_at:
            return None
        self._asked = monotonic
        return self._stamp

    def exile(self, lane: Lane) -> None:
        """Keep the thread that it holds; the others go on in another."""
        self.alone, self.lane, self._quick = True, lane, 0

    def look(self, wall: float, monotonic: float) -> CollectorState | None:
        """Judge a run that goes on, or waits for its turn."""
        job = self.job
        if job is None or job.outcome is not None:
            return None
        if job.started is not None and monotonic - job.started > self.deadline + NOTICE:
            if job is not self._overrun:
                job.cancel()
            self._count_overrun(job)
            return self._failed(f"did not return within {self.deadline:g} s", wall)
        began = job.started or monotonic
        late = self._lateness(began, monotonic - began, "longer than")
        return self._late(wall, late) if late and self._state != "late" else None

    def settle(
        self, outcome: Outcome, wall: float, monotonic: float, *, refused: str | None = None
    ) -> CollectorState | None:
        """Judge a run that ended; `refused` tells what kept samples of it from being taken."""
        job, self.job = self.job, None
        self._duration = outcome.duration
        self._judge_thread(outcome.duration)
        if outcome.duration > self.deadline:
            self._overruns += 1
            self._retry_at = monotonic + min(self.interval * 2.0**self._overruns, LONGEST_BACKOFF)
            stopped = outcome.stopped and job is not self._overrun  # or it was told of already that it hung before
            self._count_overrun(job)
            error = outcome.error if stopped else None
            return self._failed(error or f"did not return within {self.deadline:g} s", wall)
        self._overruns = 0
        error = outcome.error or refused
        if error is not None:
            self._failures += 1
            return self._failed(error, wall, told=outcome.told)
        self._last_success = wall
        began = (job and job.started) or self._asked
        late = self._lateness(began, outcome.duration, f"{outcome.duration:.3g} s of")
        return self._late(wall, late) if late else self._went_well(wall)

    def _count_overrun(self, job: Job | None) -> None:
        if job is not self._overrun:
            self._failures += 1
            self._overrun = job

    def _judge_thread(self, duration: float) -> None:
        self._quick = self._quick + 1 if duration < PATIENCE / 2 else 0
        if self.alone and not self.blocks and self.lane is not None and self._quick >= CALM_RUNS:
            self.lane.close()
            self.alone, self.lane = False, None

    def _failed(self, error: str, wall: float, told: bool = False) -> CollectorState | None:
        news = self._state != "failed" or (told and error != self._error)
        self._error = error
        if news:
            return self._worse("failed", wall)
        self._good = 0
        return None

    def _lateness(self, began: float, took: float, taken: str) -> str:
        """Say why a run is late, its own fault or that of those before it; nothing where it is not."""
        interval = f"its interval of {self.interval:g} s"
        if took > self.late_after:
            return f"it takes {taken} {interval}"
        waited = began - self._asked
        if waited + took <= self.late_after or self.alone:
            return ""
        others = [one for one in self._everyone if one.shares == self.shares and not one.alone and one is not self]
        if not others:
            return ""
        slowest = max(others, key=lambda one: one._duration or 0.0)
        slow = f"{slowest.collector.name} ({slowest._duration or 0.0:.3g} s)"
        return f"it waits {waited:.3g} s of {interval} for others in its thread, longest for {slow}"

    def _late(self, wall: float, error: str) -> CollectorState | None:
        if self._state != "failed":
            self._error = error
        if self._state in ("failed", "late"):
            self._good = 0
            return None
        return self._worse("late", wall)

    def _worse(self, state: Literal["failed", "late"], wall: float) -> CollectorState:
        # One that fails again soon after it recovered has to do well for longer each time: no news every second.
        self._needed = 1 if self._good >= CALM_RUNS else min(2 * self._needed, CALM_RUNS)
        self._good = 0
        if self._state != state:
            self._state, self._since = state, wall
        return self.state()

    def _went_well(self, wall: float) -> CollectorState | None:
        self._good += 1
        before = self._state
        if before == "ok" or self._good < self._needed:
            return None
        self._state, self._since, self._error = "ok", wall, None
        return None if before == "waiting" else self.state()
